"""Settings of segmenters that validation data choose: the threshold of waterz, and strides, passes and sizes of the watershed."""

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import pi, sqrt
from statistics import fmean
from typing import Any

import numpy as np

from grd.config.segmenters import MutexSegmenter, Segmenter, WaterzSegmenter, chosen_names
from grd.inference.predict import Prediction
from grd.metrics.instances import score_instances
from grd.segmentation.images import Surroundings, clean_up, partition
from grd.segmentation.waterz import best_threshold

log = logging.getLogger(__name__)

PASSES = ((0.008, 0.18), (0.03, 0.4), (0.08, 0.4), (0.5, 0.76))
"""The paper's passes in proportion to nuclei, from which they come: largest size in median areas, window in diameters of a circle
of that area. (300 pixels and a window of 21 for nuclei of 600 pixels.)"""
STRIDES = (0.08, 0.18)  # in diameters; the paper's 5 pixels are 0.18 of such a nucleus
SMALLEST = (0.0, 0.05)  # in median areas

Offsets = Sequence[Sequence[int]]
Scores = dict[str, float]


def choose(
    settings: Segmenter,
    predictions: Sequence[Prediction],
    offsets: Offsets,
    truths: Sequence[np.ndarray],
    object_size: float,
    metric: str,
) -> tuple[Segmenter, Scores]:
    """Settings with the numbers that are best on validation samples, and the mean scores that they have there.

    Args:
        settings: Those of the data set; `validation` in place of the numbers to choose. Scores are empty if there is none.
        predictions: One per validation sample.
        offsets: Those of the affinities.
        truths: (*size) integer ground truth of each sample.
        object_size: Median size of instances in pixels, to which candidates are in proportion.
        metric: The score of images to maximise. Volumes have the lowest VOI.
    """
    if not chosen_names(settings):
        return settings, {}
    best, scores = CHOICES[settings.algorithm](settings, predictions, offsets, truths, object_size, metric)
    numbers = ", ".join(f"{name} {getattr(best, name)}" for name in chosen_names(settings))
    shown = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
    log.info("%s: best on validation data: %s (%s)", settings.algorithm, numbers, shown)
    return best, scores


def candidates(settings: MutexSegmenter, object_size: float) -> list[MutexSegmenter]:
    """The settings to choose from, for objects of a median size in pixels; those closest to the paper's first."""
    diameter = 2 * sqrt(object_size / pi)
    passes = [(max(1, round(size * object_size)), max(3, round(side * diameter))) for size, side in PASSES]
    strides = [max(1, round(share * diameter)) for share in reversed(STRIDES)]
    values: dict[str, list[Any]] = {
        "strides": [(stride, stride) for stride in strides],
        "merge_passes": [tuple(passes), tuple(passes[:-1]), ()],
        "min_size": [round(share * object_size) for share in SMALLEST],
    }
    names = chosen_names(settings)
    found = [settings.model_copy(update=dict(zip(names, each, strict=True))) for each in product(*(values[n] for n in names))]
    return list({each.model_dump_json(): each for each in found}.values())


def mean_scores(labels: Sequence[np.ndarray], truths: Sequence[np.ndarray]) -> Scores:
    """Means over images of all scores of instances."""
    found = [score_instances(*pair) for pair in zip(labels, truths, strict=True)]
    return {name: fmean(scores[name] for scores in found) for name in found[0]}


def _best_clean_up(
    settings: MutexSegmenter,
    predictions: Sequence[Prediction],
    offsets: Offsets,
    truths: Sequence[np.ndarray],
    object_size: float,
    metric: str,
) -> tuple[MutexSegmenter, Scores]:
    seen = [Surroundings(p.size, truth, p.background) for p, truth in zip(predictions, truths, strict=True)]
    segments: dict[Any, list[np.ndarray]] = {}
    best: tuple[MutexSegmenter, Scores] | None = None
    for candidate in candidates(settings, object_size):
        if candidate.strides not in segments:  # candidates that differ in their clean-up share a partition
            maps = zip(predictions, seen, strict=True)
            segments = {candidate.strides: [partition(p.affinities, offsets, candidate, around) for p, around in maps]}
        labels = [clean_up(each, candidate, around) for each, around in zip(segments[candidate.strides], seen, strict=True)]
        scores = mean_scores(labels, truths)
        if best is None or scores[metric] > best[1][metric]:
            best = candidate, scores
    assert best is not None
    return best


def _best_threshold(
    settings: WaterzSegmenter,
    predictions: Sequence[Prediction],
    offsets: Offsets,
    truths: Sequence[np.ndarray],
    object_size: float,
    metric: str,
) -> tuple[WaterzSegmenter, Scores]:
    maps = (prediction.affinities for prediction in predictions)
    threshold, scores = best_threshold(maps, offsets, truths, settings.thresholds, settings.scoring)
    table = ", ".join(f"{candidate:g}: {score:.4f}" for candidate, score in scores.items())
    log.info("waterz: VOI by threshold on the validation split, in bits: %s", table)
    return settings.model_copy(update={"threshold": threshold}), {"voi": scores[threshold]}


CHOICES: Mapping[str, Callable[..., tuple[Any, Scores]]] = {"mutex": _best_clean_up, "waterz": _best_threshold}
"""Ways to choose, by algorithm."""
