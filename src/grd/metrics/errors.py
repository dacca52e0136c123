"""Which instances a segmentation merges or splits, for marking them in figures."""

import numpy as np

from grd.metrics.overlap import OverlapTable

SHARE = 0.25


def merging_segments(table: OverlapTable) -> list[int]:
    """Ids of predicted segments that hold at least a quarter of each of two or more true instances (over-merge)."""
    pairs = table.instances
    large = pairs.pair_counts >= SHARE * pairs.truth_sizes[pairs.pair_truth]
    return _repeated(pairs.prediction_ids, pairs.pair_prediction[large])


def split_instances(table: OverlapTable) -> list[int]:
    """Ids of true instances of which two or more predicted segments hold at least a quarter each (over-segmentation)."""
    pairs = table.instances
    large = pairs.pair_counts >= SHARE * pairs.truth_sizes[pairs.pair_truth]
    return _repeated(pairs.truth_ids, pairs.pair_truth[large])


def _repeated(ids: np.ndarray, positions: np.ndarray) -> list[int]:
    found, counts = np.unique(positions, return_counts=True)
    return ids[found[counts > 1]].tolist()
