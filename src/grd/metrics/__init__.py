"""How well a predicted label image agrees with the ground truth. Every score is computed from one overlap table."""

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

__all__ = [
    "OverlapTable",
    "aji",
    "difference_in_count",
    "object_f1",
    "overlap_table",
    "panoptic_quality",
    "pixel_dice",
    "score_instances",
    "symmetric_best_dice",
]
