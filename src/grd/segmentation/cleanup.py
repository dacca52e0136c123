"""Cleanup of a partition: merging of specks, and removal of the background segment."""

from collections.abc import Sequence

import numpy as np

from grd.data.ids import drop_ids, relabel_consecutive
from grd.data.padding import middle


def merge_small_segments(labels: np.ndarray, passes: Sequence[tuple[int, int]]) -> np.ndarray:
    """Merge small segments into a neighbour, in several passes of growing size.

    A pass (max_size, window) visits every segment that has at most max_size pixels at its start, in the order of the ids.
    The window is a square of `window` pixels a side that starts window // 2 before the segment's centroid, rounded down. If
    it holds more than two labels, the segment takes the most frequent label, among equals the lowest id; if that is the
    background, it takes the next most frequent label other than its own. So two kinds of segments stay, as in the released
    code:

    * a segment that is itself the most frequent label of its window;
    * a segment whose window holds only one other label, background included: a speck inside a large instance, or an
      instance alone on the background.

    Sizes are not counted again within a pass, but a segment that moves takes along the pixels that it gained in the pass.

    Two differences from the released code: it does not clip the window to the image, and a start below 0 makes the window
    empty (Python counts from the other end), so that it never merges a segment near the upper or left border; here the window
    is clipped. And it treats a background of at most max_size pixels as a small segment; here it never does.

    Args:
        labels: Integer labels of any dimension ((H, W) in the paper), 0 = background. Not modified.
        passes: (max_size, window) of each pass, in pixels. The paper's code: (5, 5), (20, 11), (50, 11), (300, 21).

    Returns:
        int32 labels of the same shape, segments 1 ... n.

    Raises:
        GrdError: `labels` are no integers, or some are negative.
    """
    merged = relabel_consecutive(labels)
    for max_size, window in passes:
        _merge_pass(merged, max_size, window)
    return relabel_consecutive(merged)


def drop_background(labels: np.ndarray, max_size: int | None = None, size: Sequence[int] | None = None) -> np.ndarray:
    """Remove segments that are background: those that are too large, and the one in the corner.

    As in the paper's code for C. elegans and BBBC039 (max_size 2000), every segment of more than `max_size` pixels of the canvas
    becomes background; then the canvas is cropped to the image, and the segment that covers its pixel (0, 0) becomes
    background, too. This needs no ground truth, but it loses genuine instances that are larger than `max_size` or lie in that
    corner.

    Args:
        labels: Integer labels of any dimension, 0 = background. Not modified.
        max_size: Largest number of pixels of an instance, None for no limit.
        size: Size of the image in the middle of `labels`, None if it fills them.

    Returns:
        int32 labels (*size), instances 1 ... n.

    Raises:
        GrdError: `labels` are no integers, or some are negative.
    """
    labels = drop_large(labels, max_size)
    if size is not None:
        labels = labels[middle(size, labels.shape)]
    if labels.size == 0:
        return labels
    return relabel_consecutive(np.where(labels == labels.flat[0], 0, labels))


def drop_similar(labels: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """Remove segments whose mean similarity to the background is above 0.

    Args:
        labels: Integer labels of any dimension, 0 = background. Not modified.
        similarity: Floating point of the same shape: the cosine of an embedding and the background's direction, less its
            threshold. So its mean over a segment is that of the segment's mean embedding.

    Returns:
        int32 labels of the same shape, instances 1 ... n.
    """
    labels = relabel_consecutive(labels)
    return drop_ids(labels, np.bincount(labels.ravel(), similarity.ravel()) > 0)


def drop_large(labels: np.ndarray, max_size: int | None) -> np.ndarray:
    """Remove segments of more than `max_size` pixels, if that is no None: int32 labels of the same shape, instances 1 ... n."""
    labels = relabel_consecutive(labels)
    if max_size is None:
        return labels
    return drop_ids(labels, np.bincount(labels.ravel()) > max_size)


def _merge_pass(labels: np.ndarray, max_size: int, window: int) -> None:
    """Run one pass of `merge_small_segments` on contiguous labels, in place."""
    pixels_of = _small_segments(labels, max_size)
    flat = labels.reshape(-1)
    for label in pixels_of:
        pixels = pixels_of[label]
        target = _merge_target(_window_around(labels, pixels, window), label)
        if target == label:
            continue
        flat[pixels] = target
        if target in pixels_of:
            pixels_of[target] = np.concatenate([pixels_of[target], pixels])


def _small_segments(labels: np.ndarray, max_size: int) -> dict[int, np.ndarray]:
    """Flat pixel indices of every segment of at most `max_size` pixels, by ascending id."""
    flat = labels.reshape(-1)
    is_small = np.bincount(flat) <= max_size
    is_small[:1] = False
    pixels = np.flatnonzero(is_small[flat])
    pixels = pixels[np.argsort(flat[pixels], kind="stable")]
    starts = np.flatnonzero(np.diff(flat[pixels])) + 1
    return {int(flat[group[0]]): group for group in np.split(pixels, starts) if group.size}


def _window_around(labels: np.ndarray, pixels: np.ndarray, window: int) -> np.ndarray:
    coordinates = np.unravel_index(pixels, labels.shape)
    starts = [int(axis.sum()) // len(axis) - window // 2 for axis in coordinates]
    return labels[tuple(slice(max(start, 0), start + window) for start in starts)]


def _merge_target(window: np.ndarray, label: int) -> int:
    """The label that the segment `label` takes by the rule of `merge_small_segments`, possibly its own."""
    ids, counts = np.unique(window, return_counts=True)
    if len(ids) <= 2:
        return label
    ranked = ids[np.argsort(-counts, kind="stable")].tolist()
    if ranked[0] != 0:
        return ranked[0]
    return next(other for other in ranked[1:] if other != label)
