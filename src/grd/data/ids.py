"""Ids of instances: numbered without gaps, and dropped."""

import numpy as np

from grd.errors import GrdError


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
    ids, ranks = np.unique(labels, return_inverse=True)
    first = 0 if 0 in ids[:1] else 1
    return (ranks.reshape(labels.shape) + first).astype(np.int32)


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


def _describe(labels: np.ndarray) -> str:
    return f"{labels.dtype}, smallest {labels.min()}" if labels.size else f"{labels.dtype}"
