"""Base class of the distillation methods, with its input (Context, Moment, View) and output (loss terms)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from torch import Tensor, nn

from grd.config.general import Fidelity
from grd.config.parsing import check_name
from grd.errors import GrdError
from grd.losses.affinity import Reading, affinities, unit_vectors
from grd.losses.affinity_graph import gram, pool
from grd.losses.instance_graph import nodes
from grd.project.offsets import Offset

Shapes = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class Context:
    """Facts that a method may use when it is built.

    `student` and `teacher` are the shapes (C, *spatial) of their features by level, `scales` the input pixels per feature pixel
    and axis by level. `offsets` are those of the distilled affinities, `instances` is the largest id plus one, `dimension` that
    of the embeddings. `changes` are weights and options by name; the method's own hold for those that are not among them.
    `inter_affinity_factor` is that of `inter_affinity_loss`.
    """

    fidelity: Fidelity
    student: Shapes
    teacher: Shapes
    scales: Mapping[int, tuple[int, ...]]
    offsets: Sequence[Offset]
    instances: int
    dimension: int
    changes: Mapping[str, float] = field(default_factory=dict)
    inter_affinity_factor: float = 1.0


@dataclass(frozen=True)
class Moment:
    """Position in a training, from which all randomness derives."""

    seed: int
    step: int
    iterations: int


class View:
    """Outputs of one network for a batch, and the quantities that losses derive from them, each computed once.

    `embedding` is (B, D, *spatial) float32, `taps` the features by level, `labels` (B, *spatial) those of the image itself, 0
    in its mirror images, `offsets` those of the distilled affinities. All students of a teacher share its view.
    """

    def __init__(
        self, embedding: Tensor, taps: Mapping[int, Tensor], labels: Tensor, offsets: Sequence[Offset], instances: int
    ) -> None:
        self.embedding = embedding.float().contiguous()
        self.taps = {level: features.float() for level, features in taps.items()}
        self.labels, self.offsets, self.instances = labels, offsets, instances
        self._grams: dict[str, Tensor] = {}

    @cached_property
    def unit_vectors(self) -> Tensor:
        """Embeddings at unit length, (B, D, *spatial)."""
        return unit_vectors(self.embedding)

    @cached_property
    def affinities(self) -> Tensor:
        """Affinities (B, C, *spatial) at the offsets."""
        return affinities(self.unit_vectors, self.offsets)

    @cached_property
    def nodes(self) -> tuple[Tensor, Tensor]:
        """Instance nodes (B, M, D) and the mask of those present (B, M) (Eq. 1)."""
        return nodes(self.embedding, self.labels, self.instances)

    def gram(self, reading: Reading) -> Tensor:
        """Second moments (B, D, D) of the unit vectors, for the given reading of Eq. 7."""
        if reading not in self._grams:
            self._grams[reading] = gram(pool(self.unit_vectors, reading))
        return self._grams[reading]


class Method(nn.Module, ABC):
    """Base class: loss terms that a student gets from its teacher. Adapters and memory are submodules and buffers.

    `levels` lists the levels of the features that the method uses, deep ones first; level n lies below n poolings. Levels that
    one of the two networks lacks are left out of `used_levels`. `weights` holds the factor of each term in the total loss,
    `options` the method's other numbers, all above 0, and whole where the method's own number is an int; a run may change both by
    name. `smallest_batch` is the number of images that a batch must have for the method to teach anything.
    """

    levels: ClassVar[tuple[int, ...]] = ()
    smallest_batch: ClassVar[int] = 1
    weights: Mapping[str, float]
    options: Mapping[str, float] = {}

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.weights, self.options = self.apply_changes(context.changes)
        self.fidelity, self.used_levels = context.fidelity, tuple(context.student)
        for level, student in context.student.items():
            teacher = context.teacher[level]
            if student[1:] != teacher[1:]:
                raise GrdError(
                    f"{type(self).__name__}: expected features at level {level} of one size from student and teacher, "
                    f"found {student} and {teacher} (channels, then pixels per axis); choose another pair or other levels"
                )

    @classmethod
    def wanted_levels(cls, fidelity: Fidelity, rank: int) -> tuple[int, ...]:
        """Levels that the method asks of networks of this spatial rank."""
        return cls.levels

    @classmethod
    def apply_changes(cls, changes: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
        """Weights and options with the changes of a run; GrdError that names the nearest for a name that is neither."""
        for name in changes:
            check_name(name, [*cls.weights, *cls.options], "weight or option", f"method {cls.__name__.lower()}")
        weights, options = ({name: changes.get(name, own[name]) for name in own} for own in (cls.weights, cls.options))
        return weights, options

    @classmethod
    def check(cls, changes: Mapping[str, float], weights: Mapping[str, float]) -> None:
        """Check the changes of a run; `weights` are those of its scale.

        Raises GrdError for a name that is neither weight nor option, for a value that changes nothing, and for an option that is
        not above 0, or not whole where the method's own number is an int.
        """
        cls.apply_changes(changes)
        for name, value in {**cls.weights, **cls.options, **weights}.items():
            if changes.get(name) == value:
                raise GrdError(
                    f"method {cls.__name__.lower()}: expected a change of {name}, found {value:g}, its value anyway; leave it out"
                )
        for name, own in cls.options.items():
            value, kind = changes.get(name, own), "whole number" if isinstance(own, int) else "number"
            if value <= 0 or (isinstance(own, int) and value != int(value)):
                raise GrdError(f"method {cls.__name__.lower()}: expected a {kind} above 0 for {name}, found {value:g}")

    @abstractmethod
    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """Unweighted loss terms by name, each a scalar tensor."""
