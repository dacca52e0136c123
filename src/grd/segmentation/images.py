"""Instances of images: mutex watershed on the canvas, clean-up, crop."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grd.config.segmenters import MutexSegmenter
from grd.data.ids import drop_small
from grd.data.padding import middle
from grd.errors import GrdError
from grd.segmentation.cleanup import drop_background, drop_large, drop_similar, merge_small_segments
from grd.segmentation.mutex import mutex_watershed


class Surroundings(NamedTuple):
    """What a segmentation may use beside affinities: arguments `size`, `truth` and `background` of `segment`."""

    size: Sequence[int] | None = None
    truth: np.ndarray | None = None
    background: np.ndarray | None = None


def segment_image(
    affinities: np.ndarray, offsets: Sequence[Sequence[int]], settings: MutexSegmenter, seen: Surroundings
) -> np.ndarray:
    """Instances (*size) int32 of affinities (C, *canvas), as `segment` describes."""
    return clean_up(partition(affinities, offsets, settings, seen), settings, seen)


def partition(
    affinities: np.ndarray, offsets: Sequence[Sequence[int]], settings: MutexSegmenter, seen: Surroundings
) -> np.ndarray:
    """Segments (*canvas) int32 before any clean-up."""
    mask = _true_foreground(seen, affinities.shape[1:]) if settings.foreground == "truth" else None
    return mutex_watershed(affinities, offsets, settings.strides, mask)  # type: ignore[arg-type]


def clean_up(segments: np.ndarray, settings: MutexSegmenter, seen: Surroundings) -> np.ndarray:
    """Instances (*size) of segments (*canvas): specks merged, the background dropped, cropped, small segments dropped."""
    labels = merge_small_segments(segments, settings.merge_passes)  # type: ignore[arg-type]
    if settings.foreground == "corner":
        labels = drop_background(labels, settings.max_size, seen.size)
    else:
        labels = drop_similar(labels, _similarity(seen)) if settings.foreground == "learned" else labels
        labels = drop_large(labels, settings.max_size)
        labels = labels if seen.size is None else labels[middle(seen.size, labels.shape)]
    return drop_small(labels, settings.min_size)  # type: ignore[arg-type]


def _true_foreground(seen: Surroundings, canvas: Sequence[int]) -> np.ndarray:
    if seen.truth is None:
        raise GrdError(
            'segmenter with foreground: "truth": expected a ground truth, found none; pass the label image, '
            'or set foreground: "corner"'
        )
    truth = np.asarray(seen.truth) > 0
    if seen.size is None:
        return truth
    mask = np.zeros(tuple(canvas), bool)
    mask[middle(truth.shape, canvas)] = truth
    return mask


def _similarity(seen: Surroundings) -> np.ndarray:
    if seen.background is None:
        raise GrdError(
            'segmenter with foreground: "learned": expected a model that knows the background\'s direction, found none; '
            'train on images that show background, or set foreground: "corner"'
        )
    return seen.background
