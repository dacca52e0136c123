"""Scores of a predicted label image against the ground truth, all computed from one overlap table."""

from grd.metrics.instances import (
    aji,
    difference_in_count,
    object_f1,
    panoptic_quality,
    pixel_dice,
    score_instances,
    symmetric_best_dice,
)
from grd.metrics.overlap import OverlapTable, overlap_table
from grd.metrics.partitions import adapted_rand_error, score_partition, variation_of_information

__all__ = [
    "OverlapTable",
    "adapted_rand_error",
    "aji",
    "difference_in_count",
    "object_f1",
    "overlap_table",
    "panoptic_quality",
    "pixel_dice",
    "score_instances",
    "score_partition",
    "symmetric_best_dice",
    "variation_of_information",
]
