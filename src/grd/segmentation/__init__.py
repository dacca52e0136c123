"""Affinities → instances: a graph partition, then the cleanup that belongs to the data set."""

from collections.abc import Callable, Sequence

import numpy as np

from grd.config.segmenters import MulticutSegmenter, MutexSegmenter, Segmenter, WaterzSegmenter
from grd.errors import GrdError
from grd.segmentation.cleanup import drop_background, merge_small_segments
from grd.segmentation.multicut import multicut
from grd.segmentation.mutex import mutex_watershed
from grd.segmentation.waterz import agglomerate, best_threshold

__all__ = [
    "agglomerate",
    "best_threshold",
    "drop_background",
    "merge_small_segments",
    "multicut",
    "mutex_watershed",
    "segment",
]

Offsets = Sequence[Sequence[int]]


def segment(affinities: np.ndarray, offsets: Offsets, settings: Segmenter, truth: np.ndarray | None = None) -> np.ndarray:
    """Partition an image or a volume by its affinities, and clean up images, as for the paper's results.

    Args:
        affinities: (C, *spatial) float32 in [-1, 1], high = same instance; waterz and multicut take volumes. Not modified.
        offsets: C offsets; channel c relates pixel p to p + offsets[c].
        settings: The algorithm and its parameters.
        truth: (*spatial) integer ground truth, 0 = background. Only a mutex watershed with `foreground: truth` reads it, and
            only its foreground mask.

    Returns:
        (*spatial) int32 labels, instances 1 ... n, 0 = background.

    Raises:
        GrdError: `foreground: truth` without `truth`, a waterz threshold that is no number, or arrays of wrong shapes.
    """
    return SEGMENTERS[settings.algorithm](affinities, offsets, settings, truth)


def _mutex(affinities: np.ndarray, offsets: Offsets, settings: MutexSegmenter, truth: np.ndarray | None) -> np.ndarray:
    labels = mutex_watershed(affinities, offsets, settings.strides, _foreground(settings, truth))
    labels = merge_small_segments(labels, settings.merge_passes)
    return drop_background(labels, settings.max_size) if settings.foreground == "corner" else labels


def _waterz(affinities: np.ndarray, offsets: Offsets, settings: WaterzSegmenter, truth: np.ndarray | None) -> np.ndarray:
    if settings.threshold == "validation":
        raise GrdError(
            "waterz: expected a threshold that is a number, found 'validation'; choose one with best_threshold, "
            "or segment an affinities file that has a validation split"
        )
    [(_, labels)] = agglomerate(affinities, offsets, [settings.threshold], settings.scoring)
    return labels


def _multicut(affinities: np.ndarray, offsets: Offsets, settings: MulticutSegmenter, truth: np.ndarray | None) -> np.ndarray:
    return multicut(affinities, offsets, settings.solver, settings.beta)


SEGMENTERS: dict[str, Callable[..., np.ndarray]] = {"mutex": _mutex, "waterz": _waterz, "multicut": _multicut}


def _foreground(settings: MutexSegmenter, truth: np.ndarray | None) -> np.ndarray | None:
    if settings.foreground == "corner":
        return None
    if truth is None:
        raise GrdError(
            'segmenter with foreground: "truth": expected a ground truth, found none; pass the label image, '
            'or set foreground: "corner"'
        )
    return np.asarray(truth) > 0
