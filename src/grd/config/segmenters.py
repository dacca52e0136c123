"""Segmenters of config/datasets.yaml, told apart by `algorithm`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from grd.config.parsing import Closed, Natural, Positive, Probability, Size


class MutexSegmenter(Closed):
    """Mutex watershed for images, the source of the foreground, and the clean-up.

    `foreground` says what is background: with `truth` all outside the ground truth's foreground (as the paper's numbers of CVPPP
    do); with `corner` the segment that covers pixel (0, 0); with `learned` segments whose embedding points where the background's
    points in training images; with both also segments of more than `max_size` pixels. `strides` (rows, columns) sample the
    repulsive pairs; `merge_passes` are pairs (largest size in pixels, side of the window in pixels); segments of less than
    `min_size` pixels become background at the end. `validation` chooses the one with the highest score on validation images,
    among values in proportion to the objects' size.
    """

    algorithm: Literal["mutex"]
    strides: Size | Literal["validation"] = (5, 5)
    foreground: Literal["truth", "corner", "learned"]
    max_size: Positive | None = None
    merge_passes: tuple[Size, ...] | Literal["validation"] = ((5, 5), (20, 11), (50, 11), (300, 21))
    min_size: Natural | Literal["validation"] = 0

    @model_validator(mode="after")
    def _check_max_size(self) -> Self:
        if self.max_size is not None and self.foreground == "truth":
            raise ValueError("max_size has no effect with `foreground: truth`; leave it out")
        return self


class WaterzSegmenter(Closed):
    """Fragments per section, agglomerated by the affinity between them up to a threshold on 1 - affinity (higher merges more).

    The affinity of two fragments is the mean over their voxel pairs, as in the paper's code. `threshold: validation` chooses the
    one of `thresholds` with the lowest VOI on the validation volume.
    """

    algorithm: Literal["waterz"]
    threshold: Probability | Literal["validation"] = "validation"
    thresholds: Annotated[tuple[Probability, ...], Field(min_length=1)] = tuple(round(0.05 * n, 2) for n in range(1, 20))


class MulticutSegmenter(Closed):
    """Fragments per section, joined by a multicut (the paper's LMC); `beta` above 0.5 cuts more."""

    algorithm: Literal["multicut"]
    solver: Literal["kernighan-lin", "greedy-additive", "greedy-fixation", "decomposition", "fusion-moves"] = "kernighan-lin"
    beta: Annotated[float, Field(gt=0, lt=1)] = 0.5


Segmenter = Annotated[MutexSegmenter | WaterzSegmenter | MulticutSegmenter, Field(discriminator="algorithm")]


def chosen_names(segmenter: Segmenter) -> list[str]:
    """Names of the settings that validation data choose."""
    return [name for name, value in segmenter if value == "validation"]


def as_segmenter(content: Mapping[str, Any]) -> Segmenter:
    """The segmenter that plain values describe."""
    return TypeAdapter(Segmenter).validate_python(content)
