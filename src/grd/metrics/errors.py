"""Merge and split errors of a segmentation, and pairs of corresponding instances, for figures."""

import numpy as np

from grd.metrics.overlap import OverlapTable

SHARE = 0.25  # of a true instance that counts as held by a predicted segment


def merging_segments(table: OverlapTable) -> list[int]:
    """Ids of predicted segments that hold at least a quarter of each of two or more true instances (over-merge)."""
    pairs = table.instances
    large = pairs.pair_counts >= SHARE * pairs.truth_sizes[pairs.pair_truth]
    return _repeated_ids(pairs.prediction_ids, pairs.pair_prediction[large])


def split_instances(table: OverlapTable) -> list[int]:
    """Ids of true instances of which two or more predicted segments hold at least a quarter each (over-segmentation)."""
    pairs = table.instances
    large = pairs.pair_counts >= SHARE * pairs.truth_sizes[pairs.pair_truth]
    return _repeated_ids(pairs.truth_ids, pairs.pair_truth[large])


def counterparts(table: OverlapTable) -> dict[int, int]:
    """One-to-one pairs of segments: true instance by predicted segment, each with its largest overlap in the other."""
    pairs = table.instances
    order = np.argsort(-pairs.pair_counts, kind="stable")
    truth, prediction = pairs.pair_truth[order], pairs.pair_prediction[order]
    first = _first_occurrences(truth) & _first_occurrences(prediction)
    return dict(zip(pairs.prediction_ids[prediction[first]].tolist(), pairs.truth_ids[truth[first]].tolist(), strict=True))


def covering_segments(table: OverlapTable, instance: int, share: float) -> dict[int, float]:
    """Predicted segments that hold at least this share of a true instance, with their shares, largest first."""
    pairs = table.instances
    shares = pairs.pair_counts / pairs.truth_sizes[pairs.pair_truth]
    kept = np.flatnonzero((pairs.truth_ids[pairs.pair_truth] == instance) & (shares >= share))
    kept = kept[np.argsort(-shares[kept], kind="stable")]
    return dict(zip(pairs.prediction_ids[pairs.pair_prediction[kept]].tolist(), shares[kept].tolist(), strict=True))


def covered_instances(table: OverlapTable, segment: int, share: float) -> list[int]:
    """Ids of the true instances of which a predicted segment holds at least this share."""
    pairs = table.instances
    large = pairs.pair_counts >= share * pairs.truth_sizes[pairs.pair_truth]
    kept = large & (pairs.prediction_ids[pairs.pair_prediction] == segment)
    return pairs.truth_ids[pairs.pair_truth[kept]].tolist()


def _first_occurrences(positions: np.ndarray) -> np.ndarray:
    first = np.zeros(len(positions), dtype=bool)
    first[np.unique(positions, return_index=True)[1]] = True
    return first


def _repeated_ids(ids: np.ndarray, positions: np.ndarray) -> list[int]:
    found, counts = np.unique(positions, return_counts=True)
    return ids[found[counts > 1]].tolist()
