"""Scores of instance segmentation: SBD, |DiC|, AJI, F1, PQ, Dice.

Conventions for all of them: label 0 is background and no instance. A score belongs to one image (the paper averages over the
images of a test set). If prediction and truth are both without instances, the image is perfect (similarity 1); if only one of
them is, it is a complete miss (similarity 0). No image is dropped from the
means in `scores.csv` (`scoring.mean_scores`, which selects, leaves out images without instances).

"The released code" is that of the paper's authors. Its metrics for C. elegans and BBBC039 (AJI, F1, PQ, Dice) are missing from
the release; for these it means the metrics of the same names in the authors' earlier work. Those leave images with an empty
prediction out of the means, which flatters a weak model.
"""

import numpy as np

from grd.metrics.overlap import OverlapTable, overlap_table

_MATCH_IOU = 0.5
"""IoU that a match must exceed: above one half an instance has only one partner (Kirillov et al., CVPR 2019, theorem 1)."""


def score_instances(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Instance scores of one image by name, all from one overlap table.

    Args:
        prediction: Integer labels of any dimension, 0 = background; ids need not be consecutive.
        truth: The same, of the same shape.

    Returns:
        `sbd`, `aji`, `f1`, `pq`, `dice` as fractions in [0, 1], higher is better, and `dic`, the absolute difference
        in count, in instances, lower is better.

    Raises:
        GrdError: Different shapes, or arrays that hold no labels.
    """
    table = overlap_table(prediction, truth)
    return {
        "sbd": symmetric_best_dice(table),
        "dic": difference_in_count(table),
        "aji": aji(table),
        "f1": object_f1(table),
        "pq": panoptic_quality(table),
        "dice": pixel_dice(table),
    }


def symmetric_best_dice(table: OverlapTable) -> float:
    """Symmetric best Dice, SBD in [0, 1] (Scharr et al., Machine Vision and Applications 2016).

    The best Dice of an instance is its highest Dice with any instance of the other image. SBD is the lower one of two means of
    best Dice: over the prediction's instances and over the truth's.

    The released code takes the lowest label of each image for the background, even in an image without background, and expects
    consecutive ids.
    """
    instances = table.instances
    if _is_trivial(instances):
        return _trivial_score(instances)
    of_truth = _highest(instances.pair_dice, instances.pair_truth, len(instances.truth_ids))
    of_prediction = _highest(instances.pair_dice, instances.pair_prediction, len(instances.prediction_ids))
    return float(min(of_truth.mean(), of_prediction.mean()))


def difference_in_count(table: OverlapTable) -> float:
    """|DiC|, the absolute difference between the numbers of instances, 0 or more (Scharr et al., 2016).

    The released code subtracts the lowest label of an image from its highest, which counts the same for consecutive
    ids that start at 0.
    """
    instances = table.instances
    return float(abs(len(instances.prediction_ids) - len(instances.truth_ids)))


def aji(table: OverlapTable) -> float:
    """Aggregated Jaccard index, AJI in [0, 1] (Kumar et al., IEEE TMI 2017), each prediction used at most once.

    In ascending order of their ids, the truth's instances each take the prediction with the highest IoU among those that
    overlap them and are still free (among equals the lowest id). AJI = sum of the intersections / (sum of the unions + sizes of
    the truth's instances without a prediction + sizes of the free predictions).

    This one-to-one reading is that of the released code, and of the first script of the definition's authors, and so presumably
    that of the paper's numbers. In their later script (MoNuSeg 2018, and HoVer-Net's `get_fast_aji`) one prediction can serve
    several instances of the truth, and its area adds to the union each time: where a prediction covers a tiny instance and then
    a large one, that gives almost 0.5 and this reading almost 0. The released code has a bug that is not repeated here: a truth
    instance without an overlap marks prediction 1 as used, so that the instance that overlaps prediction 1 loses it.
    """
    instances = table.instances
    if _is_trivial(instances):
        return _trivial_score(instances)
    pairs = _greedy_pairs(instances)
    intersection = int(instances.pair_counts[pairs].sum())
    # A pair's union is both sizes less the intersection; an instance without a partner counts with its size.
    union = int(instances.truth_sizes.sum() + instances.prediction_sizes.sum()) - intersection
    return intersection / union


def object_f1(table: OverlapTable) -> float:
    """F1 score of instances in [0, 1]; a truth and a prediction match if their IoU exceeds 0.5.

    F1 = 2 TP / (2 TP + FP + FN) (Caicedo et al., Cytometry A 2019, for BBBC039); the same number is the recognition
    quality of PQ. The released code returns it under the name "Dice": compare it with the column "Dice" of the
    paper's tables.
    """
    instances = table.instances
    if _is_trivial(instances):
        return _trivial_score(instances)
    return 2 * len(_matched_iou(instances)) / (len(instances.truth_ids) + len(instances.prediction_ids))


def panoptic_quality(table: OverlapTable) -> float:
    """Panoptic quality of the one class "instance", PQ in [0, 1] (Kirillov et al., CVPR 2019).

    PQ = sum of the matches' IoU / (TP + FP / 2 + FN / 2); a truth and a prediction match if their IoU exceeds 0.5.
    The released code divides by TP + 1e-6 in the segmentation quality, which lowers its result by at most 1e-6.
    """
    instances = table.instances
    if _is_trivial(instances):
        return _trivial_score(instances)
    return 2 * float(_matched_iou(instances).sum()) / (len(instances.truth_ids) + len(instances.prediction_ids))


def pixel_dice(table: OverlapTable) -> float:
    """Dice of the two foregrounds in [0, 1], regardless of instances (Dice, Ecology 1945).

    Twice the pixels that are foreground in both images over the sum of the foreground pixels of each. The released
    code returns it under the name "F1", which is the same number for pixels: compare it with the column "F1" of the
    paper's tables.
    """
    instances = table.instances
    if _is_trivial(instances):
        return _trivial_score(instances)
    shared = 2 * int(instances.pair_counts.sum())
    return shared / int(instances.truth_sizes.sum() + instances.prediction_sizes.sum())


def _is_trivial(instances: OverlapTable) -> bool:
    return len(instances.truth_ids) == 0 or len(instances.prediction_ids) == 0


def _trivial_score(instances: OverlapTable) -> float:
    return 1.0 if len(instances.truth_ids) == len(instances.prediction_ids) else 0.0


def _highest(values: np.ndarray, positions: np.ndarray, length: int) -> np.ndarray:
    """Highest value (length,) at each position, 0 at positions without a value."""
    best = np.zeros(length)
    np.maximum.at(best, positions, values)
    return best


def _matched_iou(instances: OverlapTable) -> np.ndarray:
    return instances.pair_iou[instances.pair_iou > _MATCH_IOU]


def _greedy_pairs(instances: OverlapTable) -> list[int]:
    """Pairs that AJI takes: for each truth in turn the best prediction that is still free."""
    # Sorted by truth, then by descending IoU; the sort is stable, so the lowest prediction id comes first among equals.
    order = np.lexsort((-instances.pair_iou, instances.pair_truth))
    taken_truths: set[int] = set()
    taken_predictions: set[int] = set()
    pairs = []
    for pair in order.tolist():
        truth, prediction = int(instances.pair_truth[pair]), int(instances.pair_prediction[pair])
        if truth not in taken_truths and prediction not in taken_predictions:
            taken_truths.add(truth)
            taken_predictions.add(prediction)
            pairs.append(pair)
    return pairs
