"""Scores by spatial rank, their means over images, and which of two is better."""

from collections.abc import Callable, Iterable
from statistics import fmean

import numpy as np

from grd.errors import GrdError
from grd.metrics.instances import score_instances
from grd.metrics.partitions import score_partition

SCORES: dict[int, Callable[..., dict[str, float]]] = {2: score_instances, 3: score_partition}
"""Images are scored by their instances, volumes by their partition."""


def mean_scores(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Means of all scores of instances over pairs of prediction and truth (*size), by which weights and settings are chosen.

    Truths without an instance are left out: a score is 1 there, or 0 for a single speck, and among few images that would decide.
    Raises GrdError if no truth has an instance.
    """
    found = [score_instances(*pair) for pair in pairs if pair[1].any()]
    if not found:
        raise GrdError("expected validation images with instances, found none; name some in the split")
    return {name: fmean(scores[name] for scores in found) for name in found[0]}


LOWER_IS_BETTER = ("dic", "voi", "arand")


def merit(metric: str, score: float) -> float:
    """A number that is higher for a better score: the score itself, or its negative where lower is better."""
    return -score if metric in LOWER_IS_BETTER else score
