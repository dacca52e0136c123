"""Settings of segmenters that validation data choose: the threshold of waterz, and strides, passes and sizes of the watershed."""

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, product
from typing import Any, NamedTuple

import numpy as np

from grd.config.segmenters import MutexSegmenter, Segmenter, WaterzSegmenter, chosen_names
from grd.data.ids import drop_small
from grd.data.sizes import circle_diameter
from grd.inference.predict import Prediction
from grd.metrics.scoring import mean_scores, merit
from grd.segmentation.images import Surroundings, clean_up, partition
from grd.segmentation.waterz import best_threshold

log = logging.getLogger(__name__)

PASSES = ((0.008, 0.18), (0.03, 0.4), (0.08, 0.4), (0.5, 0.76))
"""The paper's passes in proportion to nuclei, from which they come: largest size in median areas, window in diameters of a circle
of that area. (300 pixels and a window of 21 for nuclei of 600 pixels.)"""
STRIDES = (0.08, 0.18)  # in diameters; the paper's 5 pixels are 0.18 of such a nucleus
SMALLEST = (0.0, 0.05)  # in median areas

Scores = dict[str, float]


class Held(NamedTuple):
    """Validation samples, and the score by which settings are chosen on them.

    predictions, truths: One per sample, the truths (*size) integers.
    offsets: Those of the affinities.
    object_size: Median size of the instances in pixels, to which candidates are in proportion.
    metric: The score of images that should be best. Volumes have the lowest VOI.
    """

    predictions: Sequence[Prediction]
    truths: Sequence[np.ndarray]
    offsets: Sequence[Sequence[int]]
    object_size: float
    metric: str


def choose(settings: Segmenter, held: Held) -> tuple[Segmenter, Scores]:
    """Settings with the numbers that are best on validation samples, and the mean scores that they have there.

    `settings` are those of the data set, with `validation` in place of the numbers to choose; without any, scores are empty.
    """
    if not chosen_names(settings):
        return settings, {}
    best, scores = CHOICES[settings.algorithm](settings, held)
    numbers = ", ".join(f"{name} {getattr(best, name)}" for name in chosen_names(settings))
    shown = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
    log.info("%s: best on validation data: %s (%s)", settings.algorithm, numbers, shown)
    return best, scores


def candidates(settings: MutexSegmenter, object_size: float) -> list[MutexSegmenter]:
    """The settings to choose from, for objects of a median size in pixels; those closest to the paper's first."""
    diameter = circle_diameter(object_size)
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


def _best_clean_up(settings: MutexSegmenter, held: Held) -> tuple[MutexSegmenter, Scores]:
    seen = [Surroundings(p.size, truth, p.background) for p, truth in zip(held.predictions, held.truths, strict=True)]
    tried: list[tuple[MutexSegmenter, Scores]] = []
    for _, group in groupby(candidates(settings, held.object_size), key=lambda candidate: candidate.strides):
        same = list(group)  # these differ in their clean-up alone, and share a partition
        maps = zip(held.predictions, seen, strict=True)
        segments = [partition(p.affinities, held.offsets, same[0], around) for p, around in maps]
        for _, subgroup in groupby(same, key=lambda candidate: candidate.merge_passes):
            alike = list(subgroup)  # these differ in `min_size` alone, by which a clean-up ends
            undropped = alike[0].model_copy(update={"min_size": 0})
            cleaned = [clean_up(each, undropped, around) for each, around in zip(segments, seen, strict=True)]
            for candidate in alike:
                labels = (drop_small(each, candidate.min_size) for each in cleaned)  # type: ignore[arg-type]
                tried.append((candidate, mean_scores(zip(labels, held.truths, strict=True))))
    return max(tried, key=lambda pair: merit(held.metric, pair[1][held.metric]))


def _best_threshold(settings: WaterzSegmenter, held: Held) -> tuple[WaterzSegmenter, Scores]:
    maps = (prediction.affinities for prediction in held.predictions)
    threshold, scores = best_threshold(maps, held.offsets, held.truths, settings.thresholds)
    table = ", ".join(f"{candidate:g}: {score:.4f}" for candidate, score in scores.items())
    log.info("waterz: VOI by threshold on the validation split, in bits: %s", table)
    return settings.model_copy(update={"threshold": threshold}), {"voi": scores[threshold]}


CHOICES: Mapping[str, Callable[..., tuple[Any, Scores]]] = {"mutex": _best_clean_up, "waterz": _best_threshold}
"""Ways to choose, by algorithm."""
