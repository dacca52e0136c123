"""Overlap table of two label images: the numbers of pixels that their labels share. All metrics read this table."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from grd.errors import GrdError

_CHUNK = 1 << 18
"""Pixels counted at once: so few that their keys stay in the processor's cache, and that volumes need little memory."""

_BINCOUNT_CELLS = 1 << 18
"""Number of pairs of ids up to which counting is faster than sorting."""


@dataclass(frozen=True, eq=False)
class OverlapTable:
    """Sizes of the labels of two images, and the pixel counts of the pairs that overlap; sizes and counts int64.

    Pairs are sorted by truth id, then prediction id. `pair_truth` and `pair_prediction` are positions in `truth_ids`
    and `prediction_ids`, so `truth_sizes[pair_truth]` is the size of each pair's truth label.
    """

    truth_ids: np.ndarray
    """(T,) ascending ids of the ground truth, background 0 included where it occurs."""
    truth_sizes: np.ndarray
    """(T,) pixels of each."""
    prediction_ids: np.ndarray
    """(S,) ascending ids of the prediction, background 0 included where it occurs."""
    prediction_sizes: np.ndarray
    """(S,) pixels of each."""
    pair_truth: np.ndarray
    """(P,) position in `truth_ids`."""
    pair_prediction: np.ndarray
    """(P,) position in `prediction_ids`."""
    pair_counts: np.ndarray
    """(P,) pixels that the two labels share, at least 1."""

    @cached_property
    def instances(self) -> "OverlapTable":
        """The table without the background of either image; the sizes of the instances are still those in the whole image."""
        truth_start = int(0 in self.truth_ids[:1])
        prediction_start = int(0 in self.prediction_ids[:1])
        kept = (self.pair_truth >= truth_start) & (self.pair_prediction >= prediction_start)
        return OverlapTable(
            truth_ids=self.truth_ids[truth_start:],
            truth_sizes=self.truth_sizes[truth_start:],
            prediction_ids=self.prediction_ids[prediction_start:],
            prediction_sizes=self.prediction_sizes[prediction_start:],
            pair_truth=self.pair_truth[kept] - truth_start,
            pair_prediction=self.pair_prediction[kept] - prediction_start,
            pair_counts=self.pair_counts[kept],
        )

    @cached_property
    def pair_iou(self) -> np.ndarray:
        """(P,) float64, intersection over union of each pair."""
        return self.pair_counts / (self._pair_size_sums - self.pair_counts)

    @cached_property
    def pair_dice(self) -> np.ndarray:
        """(P,) float64, twice the intersection over the sum of sizes of each pair."""
        return 2 * self.pair_counts / self._pair_size_sums

    @property
    def _pair_size_sums(self) -> np.ndarray:
        return self.truth_sizes[self.pair_truth] + self.prediction_sizes[self.pair_prediction]


def overlap_table(prediction: np.ndarray, truth: np.ndarray) -> OverlapTable:
    """Overlap table of two images, counted in one vectorised pass.

    Args:
        prediction: Non-negative integers of any shape, 0 = background; ids need not be consecutive.
        truth: The same, of the same shape.

    Returns:
        The sizes of all labels, and the pixel count of every pair of labels that overlap.

    Raises:
        GrdError: Different shapes, arrays that hold no integers (or booleans), or negative ids.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    _check_labels(prediction, "prediction")
    _check_labels(truth, "ground truth")
    if prediction.shape != truth.shape:
        raise GrdError(
            f"scores: expected prediction and ground truth of one shape, "
            f"found {prediction.shape} and {truth.shape}; was one of them padded or cropped?"
        )
    truth_of_pair, prediction_of_pair, counts = _count_pairs(truth.ravel(), prediction.ravel())
    truth_ids, pair_truth = np.unique(truth_of_pair, return_inverse=True)
    prediction_ids, pair_prediction = np.unique(prediction_of_pair, return_inverse=True)
    return OverlapTable(
        truth_ids=truth_ids,
        truth_sizes=_sum_by(pair_truth, counts, len(truth_ids)),
        prediction_ids=prediction_ids,
        prediction_sizes=_sum_by(pair_prediction, counts, len(prediction_ids)),
        pair_truth=pair_truth,
        pair_prediction=pair_prediction,
        pair_counts=counts,
    )


def _check_labels(labels: np.ndarray, name: str) -> None:
    if not np.issubdtype(labels.dtype, np.integer):
        raise GrdError(f"scores: expected integer labels, found a {name} of {labels.dtype}; convert it to integers")
    if labels.size and labels.min() < 0:
        raise GrdError(f"scores: expected labels of at least 0, found {labels.min()} in the {name}; relabel it")


def _count_pairs(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth id, prediction id and pixel count of every pair that occurs, sorted by the two ids."""
    width = int(prediction.max(initial=0)) + 1
    cells = (int(truth.max(initial=0)) + 1) * width
    if cells > np.iinfo(np.int64).max:
        return _count_pairs_of_huge_ids(truth, prediction)
    chunks = [slice(start, start + _CHUNK) for start in range(0, max(truth.size, 1), _CHUNK)]
    counted = [_sum_by_key(*_runs(truth[chunk], prediction[chunk], width), cells) for chunk in chunks]
    keys, counts = (np.concatenate(parts) for parts in zip(*counted, strict=True))
    pairs, counts = _sum_by_key(keys, counts, cells)
    return pairs // width, pairs % width, counts


def _runs(truth: np.ndarray, prediction: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys truth * width + prediction of the runs of pixels with the same two labels, and the lengths of the runs.

    Most neighbouring pixels have the same labels, so there are far fewer runs to sort than pixels.
    """
    begins = np.ones(truth.size, dtype=bool)
    begins[1:] = (truth[1:] != truth[:-1]) | (prediction[1:] != prediction[:-1])
    starts = np.flatnonzero(begins)
    return truth[starts].astype(np.int64) * width + prediction[starts].astype(np.int64), np.diff(starts, append=truth.size)


def _sum_by_key(keys: np.ndarray, counts: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys that occur, ascending, and the sum of the counts of each; keys are below `cells`."""
    if cells <= _BINCOUNT_CELLS:
        sums = _sum_by(keys, counts, cells)
        present = np.flatnonzero(sums)
        return present, sums[present]
    present, positions = np.unique(keys, return_inverse=True)
    return present, _sum_by(positions, counts, len(present))


def _count_pairs_of_huge_ids(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`_count_pairs` by the ranks of the ids, for ids whose product does not fit into 64 bits."""
    truth_ids, truth_ranks = np.unique(truth, return_inverse=True)
    prediction_ids, prediction_ranks = np.unique(prediction, return_inverse=True)
    rows, columns, counts = _count_pairs(truth_ranks, prediction_ranks)
    return truth_ids[rows], prediction_ids[columns], counts


def _sum_by(positions: np.ndarray, counts: np.ndarray, length: int) -> np.ndarray:
    sums = np.zeros(length, dtype=np.int64)
    np.add.at(sums, positions, counts)
    return sums
