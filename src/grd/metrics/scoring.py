"""Scores by spatial rank, and which of two is better."""

from collections.abc import Callable

from grd.metrics.instances import score_instances
from grd.metrics.partitions import score_partition

SCORES: dict[int, Callable[..., dict[str, float]]] = {2: score_instances, 3: score_partition}
"""Images are scored by their instances, volumes by their partition."""

LOWER_IS_BETTER = ("dic", "voi", "arand")


def merit(metric: str, score: float) -> float:
    """A number that is higher for a better score: the score itself, or its negative where lower is better."""
    return -score if metric in LOWER_IS_BETTER else score
