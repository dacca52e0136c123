"""Ids of instances: numbered without gaps, counted, and dropped."""

import numpy as np

from grd.errors import GrdError
from grd.reading.grey import regions

BLOCK = 2**22
"""Pixels that are counted, or whose values are added up, at a time, which bounds the memory."""


def relabel_consecutive(labels: np.ndarray) -> np.ndarray:
    """Number the segments 1 ... n in the order of their ids; 0 stays 0.

    Args:
        labels: Non-negative integers of any shape and size.

    Returns:
        int32 labels of the same shape, a new array.

    Raises:
        GrdError: `labels` are no integers, or some are negative.
    """
    labels = np.asarray(labels)
    if not np.issubdtype(labels.dtype, np.integer) or labels.min(initial=0) < 0:
        raise GrdError(f"labels: expected non-negative integer labels, found {_describe(labels)}; convert them")
    if labels.max(initial=0) <= labels.size:
        return _relabel_by_table(labels.astype(np.intp, copy=False))
    return _by_sorting(labels)[1].astype(np.int32)


def consecutive(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ids other than 0 in ascending order, and the labels (H, W) or (Z, Y, X) with these numbered 1, 2, 3, …

    GrdError for other arrays and for negative ids.
    """
    if labels.dtype.kind not in "ui" or labels.ndim not in (2, 3) or labels.min(initial=0) < 0:
        found = f"{labels.dtype} of shape {labels.shape}, smallest {labels.min(initial=0)}"
        raise GrdError(f"labels: expected whole numbers from 0 on, (H, W) or (Z, Y, X), found {found}; convert them")
    top = int(labels.max(initial=0))
    if top > 2 * labels.size:  # a table of all numbers would be larger than the image
        return _by_sorting(labels)
    labels = labels.view(np.int64) if labels.dtype == np.uint64 else labels  # bincount takes no uint64
    ids = np.flatnonzero(label_counts(labels, top)[1:]) + 1
    if len(ids) == top:
        return ids, labels
    numbers = np.zeros(top + 1, np.int64)
    numbers[ids] = np.arange(1, len(ids) + 1)
    return ids, numbers[labels]


def label_counts(labels: np.ndarray, top: int) -> np.ndarray:
    """Pixels of each of the labels 0 … top, (top + 1,) int64; counted part by part, so that large labels need no copy."""
    counts = np.zeros(top + 1, np.int64)
    for part in regions(labels.shape, BLOCK):
        counts += np.bincount(labels[part].ravel(), minlength=top + 1)
    return counts


def drop_small(labels: np.ndarray, min_size: int) -> np.ndarray:
    """Remove segments of less than `min_size` pixels: int32 labels of the same shape, instances 1 ... n."""
    labels = relabel_consecutive(labels)
    return drop_ids(labels, np.bincount(labels.ravel()) < min_size)


def drop_ids(labels: np.ndarray, dropped: np.ndarray) -> np.ndarray:
    """Remove the segments whose entry of `dropped` (ids,) is True: int32 labels of the same shape, instances 1 ... n."""
    return relabel_consecutive(np.where(dropped[labels], 0, labels))


def _relabel_by_table(labels: np.ndarray) -> np.ndarray:
    """`relabel_consecutive` for ids that a table can hold; much faster than sorting them."""
    present = np.bincount(labels.ravel(), minlength=1) > 0
    present[0] = False
    return np.cumsum(present, dtype=np.int32)[labels]


def _by_sorting(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`consecutive` for ids of any size, of labels of any shape but an empty one."""
    ids, ranks = np.unique(labels, return_inverse=True)
    return ids[ids != 0], ranks.reshape(labels.shape) + (ids[0] != 0)


def _describe(labels: np.ndarray) -> str:
    return f"{labels.dtype}, smallest {labels.min()}" if labels.size else f"{labels.dtype}"
