"""Scores of neuron segmentation: variation of information and adapted Rand error, of a volume as a whole.

Conventions for both: voxels with the label 0 in the ground truth are left out; 0 in the prediction is a segment like any other.
Lower is better. A ground truth without any label leaves nothing to compare, and is an error, not a perfect score.
"""

from dataclasses import dataclass

import numpy as np

from grd.errors import GrdError
from grd.metrics.overlap import OverlapTable, overlap_table


def score_partition(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Partition scores of a volume by name, all from one overlap table.

    Args:
        prediction: Non-negative integer labels of any shape; ids need not be consecutive.
        truth: The same, of the same shape; 0 = not labelled.

    Returns:
        `voi` in bits, the sum of `voi_split` (over-segmentation) and `voi_merge` (under-segmentation), and `arand`, a
        fraction in [0, 1].

    Raises:
        GrdError: Different shapes, arrays that hold no labels, or a truth without any label above 0.
    """
    table = overlap_table(prediction, truth)
    split, merge = variation_of_information(table)
    return {"voi": split + merge, "voi_split": split, "voi_merge": merge, "arand": adapted_rand_error(table)}


def variation_of_information(table: OverlapTable) -> tuple[float, float]:
    """Variation of information in bits, as (split, merge) = (H(prediction | truth), H(truth | prediction)).

    Meila, COLT 2003; the order is that of `skimage.metrics.variation_of_information(truth, prediction)`, which the
    paper's code calls, with label 0 of the truth ignored. VOI is the sum of the two.

    Raises:
        GrdError: The truth has no label above 0.
    """
    labelled = _labelled_part(table)
    voxels = labelled.counts.sum()
    split = labelled.counts @ np.log2(labelled.truth_sizes[labelled.truth] / labelled.counts)
    merge = labelled.counts @ np.log2(labelled.prediction_sizes[labelled.prediction] / labelled.counts)
    return float(split / voxels), float(merge / voxels)


def adapted_rand_error(table: OverlapTable) -> float:
    """Adapted Rand error in [0, 1]: one minus the F-score of the pairs of voxels that share a segment.

    Arganda-Carreras et al., Frontiers in Neuroanatomy 2015; as `skimage.metrics.adapted_rand_error(truth, prediction)`,
    which ignores label 0 of the truth. If no two voxels share a segment in either volume, the two agree and the error is 0
    (skimage: NaN).

    Raises:
        GrdError: The truth has no label above 0.
    """
    labelled = _labelled_part(table)
    together = _ordered_pairs(labelled.truth_sizes) + _ordered_pairs(labelled.prediction_sizes)
    return 1 - 2 * _ordered_pairs(labelled.counts) / together if together else 0.0


@dataclass(frozen=True, eq=False)
class _LabelledPart:
    """Overlap table of the voxels with a label in the truth; sizes and counts are float64, whose squares do not overflow."""

    truth: np.ndarray
    prediction: np.ndarray
    counts: np.ndarray
    truth_sizes: np.ndarray
    prediction_sizes: np.ndarray


def _labelled_part(table: OverlapTable) -> _LabelledPart:
    kept = table.truth_ids[table.pair_truth] > 0
    if not kept.any():
        raise GrdError("scores: expected a ground truth with labels above 0, found none; choose a labelled volume")
    truth, prediction = table.pair_truth[kept], table.pair_prediction[kept]
    counts = table.pair_counts[kept].astype(np.float64)
    return _LabelledPart(truth, prediction, counts, np.bincount(truth, counts), np.bincount(prediction, counts))


def _ordered_pairs(sizes: np.ndarray) -> float:
    """Number of ordered pairs of different voxels in the same group, for groups of these sizes."""
    return float(sizes @ (sizes - 1))
