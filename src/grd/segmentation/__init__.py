"""Affinities → instances: a graph partition, then the clean-up that belongs to the data set."""

from collections.abc import Callable, Sequence

import numpy as np

from grd.config.segmenters import MulticutSegmenter, Segmenter, WaterzSegmenter, chosen_names
from grd.errors import GrdError
from grd.segmentation.cleanup import merge_small_segments
from grd.segmentation.images import Surroundings, segment_image
from grd.segmentation.multicut import multicut
from grd.segmentation.waterz import agglomerate, best_threshold

__all__ = [
    "agglomerate",
    "best_threshold",
    "merge_small_segments",
    "multicut",
    "segment",
]

Offsets = Sequence[Sequence[int]]


def segment(
    affinities: np.ndarray,
    offsets: Offsets,
    settings: Segmenter,
    truth: np.ndarray | None = None,
    size: Sequence[int] | None = None,
    background: np.ndarray | None = None,
) -> np.ndarray:
    """Partition an image or a volume by its affinities, and clean up images, as for the paper's results.

    Args:
        affinities: (C, *canvas) float32 in [-1, 1], high = same instance; waterz and multicut take volumes. Not modified.
        offsets: C offsets; channel c relates pixel p to p + offsets[c].
        settings: The algorithm and its parameters.
        truth: (*size) integer ground truth, 0 = background. Only a mutex watershed with `foreground: truth` reads it, and
            only its foreground mask.
        size: Size of the image in the middle of the canvas, None if it fills it. As in the released code, partition, merging and
            `max_size` see the canvas, which is then cropped; `min_size` sees the cropped image.
        background: (*canvas) cosine of each embedding and the background's direction, less its threshold. Only a mutex watershed
            with `foreground: learned` reads it.

    Returns:
        (*size) int32 labels, instances 1 ... n, 0 = background.

    Raises:
        GrdError: A setting that validation data have still to choose, `foreground: truth` without `truth`, `foreground: learned`
            without `background`, or arrays of wrong shapes.
    """
    if left := chosen_names(settings):
        raise GrdError(
            f"{settings.algorithm}: expected values for {', '.join(left)}, found 'validation'; let `segment_run` choose them"
        )
    return SEGMENTERS[settings.algorithm](affinities, offsets, settings, Surroundings(size, truth, background))


def _waterz(affinities: np.ndarray, offsets: Offsets, settings: WaterzSegmenter, _: Surroundings) -> np.ndarray:
    return next(agglomerate(affinities, offsets, [float(settings.threshold)]))[1]


def _multicut(affinities: np.ndarray, offsets: Offsets, settings: MulticutSegmenter, _: Surroundings) -> np.ndarray:
    return multicut(affinities, offsets, settings.solver, settings.beta)


SEGMENTERS: dict[str, Callable[..., np.ndarray]] = {"mutex": segment_image, "waterz": _waterz, "multicut": _multicut}
