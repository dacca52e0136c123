"""What a distillation method is given, and what it gives back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from torch import Tensor, nn

from grd.config.general import Fidelity
from grd.config.parsing import check_name
from grd.errors import GrdError
from grd.losses.affinity import Reading, affinities, unit
from grd.losses.affinity_graph import gram, pooled
from grd.losses.instance_graph import nodes
from grd.project.offsets import Offset

Shapes = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class Context:
    """What a method may know when it is built: shapes (C, *spatial) of the features by level, and sizes.

    `scales` are input pixels per feature pixel by level, per axis; `offsets` those that are distilled; `changes` other
    weights and options than the method's own.
    """

    fidelity: Fidelity
    student: Shapes
    teacher: Shapes
    scales: Mapping[int, tuple[int, ...]]
    offsets: Sequence[Offset]
    instances: int
    dimension: int = 16
    changes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """Where in a training we are; all randomness derives from it."""

    seed: int
    step: int
    iterations: int


class View:
    """One network's outputs for a batch, and what losses derive from them, each computed once.

    `embedding` (B, D, *spatial) float32, `taps` by level, `labels` (B, *spatial), `offsets` those that are distilled. A
    teacher's view is shared by all its students.
    """

    def __init__(
        self, embedding: Tensor, taps: Mapping[int, Tensor], labels: Tensor, offsets: Sequence[Offset], instances: int
    ) -> None:
        self.embedding = embedding.float().contiguous()
        self.taps = {level: features.float() for level, features in taps.items()}
        self.labels, self.offsets, self.instances = labels, offsets, instances
        self._grams: dict[str, Tensor] = {}

    @cached_property
    def unit(self) -> Tensor:
        """Embeddings at unit length (B, D, *spatial)."""
        return unit(self.embedding)

    @cached_property
    def affinities(self) -> Tensor:
        """(B, C, *spatial)."""
        return affinities(self.unit, self.offsets)

    @cached_property
    def nodes(self) -> tuple[Tensor, Tensor]:
        """Instance nodes (B, M, D) and which are present (B, M) (Eq. 1)."""
        return nodes(self.embedding, self.labels, self.instances)

    def gram(self, reading: Reading) -> Tensor:
        """Second moments (B, D, D) of the unit embeddings, pooled as Eq. 7 is read."""
        if reading not in self._grams:
            self._grams[reading] = gram(pooled(self.unit, reading))
        return self._grams[reading]


class Method(nn.Module, ABC):
    """Loss terms that a student gets from its teacher; adapters and memory are its submodules and buffers.

    `levels` names the features that it wants of both networks, deep ones first, as far as both networks have them: level n
    lies below n poolings. `weights` is the factor of each term in the total loss, `options` are its other numbers; a run
    may change both by name.
    """

    levels: ClassVar[tuple[int, ...]] = ()
    weights: Mapping[str, float]
    options: Mapping[str, float] = {}

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.weights, self.options = self.changed(context.changes)
        self.fidelity, self.chosen = context.fidelity, tuple(context.student)
        for level, student in context.student.items():
            teacher = context.teacher[level]
            if student[1:] != teacher[1:]:
                raise GrdError(
                    f"{type(self).__name__}: features at level {level} must have one size for student and teacher, "
                    f"found {student} and {teacher} (channels, then pixels per axis); choose another pair or other levels"
                )

    @classmethod
    def wanted(cls, fidelity: Fidelity, rank: int) -> tuple[int, ...]:
        """The levels that it wants of networks of this spatial rank."""
        return cls.levels

    @classmethod
    def changed(cls, changes: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
        """Weights and options with the changes of a run; GrdError for a name that is neither, with the nearest."""
        for name in changes:
            check_name(name, [*cls.weights, *cls.options], "weight or option", f"method {cls.__name__.lower()}")
        weights, options = ({name: changes.get(name, own[name]) for name in own} for own in (cls.weights, cls.options))
        return weights, options

    @classmethod
    def check(cls, changes: Mapping[str, float], weights: Mapping[str, float]) -> None:
        """GrdError for a name that is neither weight nor option, for a value that is the method's own (or the scale's,
        `weights`), and for an option that is no whole number above 0."""
        cls.changed(changes)
        for name, value in {**cls.weights, **cls.options, **weights}.items():
            if changes.get(name) == value:
                raise GrdError(f"method {cls.__name__.lower()}: {name} is {value:g} anyway; leave the change out")
        for name in cls.options:
            if not (value := changes.get(name, 1)) or value != int(value):
                raise GrdError(f"method {cls.__name__.lower()}: expected a whole number above 0 for {name}, found {value:g}")

    @abstractmethod
    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """Unweighted loss terms by name, each a scalar."""
