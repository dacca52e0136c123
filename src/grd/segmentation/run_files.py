"""A run's weights → its labels file, and its model: the weights with a card that says how to use them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from grd.config.parsing import Closed, Extent
from grd.config.segmenters import Segmenter, chosen_names
from grd.data.store import Arrays, Split, read_split, write_labels
from grd.errors import error_location
from grd.inference.predict import ImagePredictor, Prediction, Predictor, load_predictor
from grd.metrics.scoring import mean_scores
from grd.networks.model_file import Background, Use, save_model
from grd.segmentation import segment
from grd.segmentation.background import learn_background
from grd.segmentation.choice import Held, Scores, choose
from grd.system.hardware import versions

TRAINING_IMAGES, VALIDATION_IMAGES = 5, 50  # at most, from which background and numbers are learnt


class Evaluation(Closed):
    """The part of a data set that decides how its runs are segmented, and what their cards say.

    `metric` is the data set's first, by which numbers are chosen on validation images; `percentiles` are those that its images
    were stretched between; `data` are texts about the data set.
    """

    canvas: Extent
    segmenters: dict[str, Segmenter]
    metric: str
    data: dict[str, str]
    percentiles: tuple[float, float] | None = None


@dataclass(frozen=True)
class Calibration:
    """What training and validation data say: the objects' median size in pixels or voxels, the background's direction, the
    segmenters with numbers that were chosen, and their mean scores on validation samples."""

    object_size: float
    background: Background | None
    segmenters: dict[str, Segmenter]
    scores: dict[str, Scores]


def segment_run(
    weights: Path, samples: Path, evaluation: Evaluation, labels: Path, model: Path, device: torch.device, threads: int = 1
) -> None:
    """Segment the test split with every segmenter of the data set, and write the files `labels` and `model`.

    Numbers that depend on validation data, and the background's direction, are learnt first. `threads` images are segmented at
    a time (the watershed releases Python's lock). Images of different sizes are not padded to the data set's canvas, but each to
    the smallest that the network takes.
    """
    test = read_split(samples, "test")
    of_own_size = not (test.stacked or test.holds_volumes)
    predictor = load_predictor(weights, device, None if of_own_size else evaluation.canvas)
    with error_location(str(samples)):
        learnt = calibrate(predictor, read_split(samples, "training"), read_split(samples, "validation"), evaluation)
        instances = segment_split(predictor, learnt.segmenters, test, threads)
    write_labels(labels, test.names, instances, {name: _chosen(evaluation, learnt, name) for name in instances})
    largest = test.largest
    use = Use(
        predictor.network.nearest_size(largest[:2]) if of_own_size else evaluation.canvas,
        largest,
        learnt.object_size,
        learnt.background,
        {name: settings.model_dump(mode="json") for name, settings in learnt.segmenters.items()},
        learnt.scores,
        evaluation.data,
        versions(),
        evaluation.percentiles,
    )
    save_model(model, replace(predictor.card, use=use), predictor.network.state_dict())


def calibrate(predictor: Predictor, training: Split, validation: Split, evaluation: Evaluation) -> Calibration:
    """Learn how to use a network from training and validation samples; the predictor of images knows their background then."""
    size = median_object_size(training.labels)
    return CALIBRATIONS[predictor.network.rank](predictor, size, training, validation.spread(VALIDATION_IMAGES), evaluation)


def _calibrate_images(
    predictor: ImagePredictor, size: float, training: Split, validation: Split, evaluation: Evaluation
) -> Calibration:
    background, predictions = learn_background(predictor, training.spread(TRAINING_IMAGES), validation)
    predictor.background = background  # with which the test images are predicted
    held = Held(predictions, list(validation.labels), predictor.offsets, size, evaluation.metric)
    learnt = Calibration(size, background, {}, {})
    for name, settings in evaluation.segmenters.items():
        best, scores = choose(settings, held)
        if not scores:
            pairs = zip(predictions, held.truths, strict=True)
            scores = mean_scores((segment_sample(predictor.offsets, best, *pair), pair[1]) for pair in pairs)
        learnt.segmenters[name], learnt.scores[name] = best, scores
    return learnt


def _calibrate_volumes(
    predictor: Predictor, size: float, training: Split, validation: Split, evaluation: Evaluation
) -> Calibration:
    """The same without background, and with scores only of what is chosen: volumes are predicted for that alone."""
    tuned = any(map(chosen_names, evaluation.segmenters.values()))
    predictions = [predictor.predict(volume) for volume in validation.images if tuned]
    held = Held(predictions, list(validation.labels), predictor.offsets, size, evaluation.metric)
    learnt = Calibration(size, None, {}, {})
    for name, settings in evaluation.segmenters.items():
        learnt.segmenters[name], scores = choose(settings, held)
        learnt.scores.update({name: scores} if scores else {})
    return learnt


CALIBRATIONS: dict[int, Callable[..., Calibration]] = {2: _calibrate_images, 3: _calibrate_volumes}
"""Ways to learn it, by spatial rank."""


def segment_split(predictor: Predictor, segmenters: Mapping[str, Segmenter], split: Split, threads: int) -> dict[str, Arrays]:
    """Instances (n, *spatial) int32 of all samples by each segmenter; memory holds affinities of `threads` images, or of one
    volume."""
    found = {name: _zeros_like(split.labels) for name in segmenters}
    together = 1 if split.holds_volumes else threads
    starts = tqdm(range(0, len(split.names), together), predictor.card.run, leave=False, disable=None)
    with ThreadPoolExecutor(threads) as pool:
        for chosen in (slice(first, first + together) for first in starts):
            predictions = [predictor.predict(sample) for sample in split.images[chosen]]
            for name, settings in segmenters.items():
                action = partial(segment_sample, predictor.offsets, settings)
                found[name][chosen] = list(pool.map(action, predictions, split.labels[chosen]))
    return found


def _zeros_like(labels: Arrays) -> Arrays:
    if isinstance(labels, np.ndarray):
        return np.zeros(labels.shape, np.int32)
    return [np.zeros(sample.shape, np.int32) for sample in labels]


def segment_sample(
    offsets: Sequence[Sequence[int]], settings: Segmenter, prediction: Prediction, truth: np.ndarray | None = None
) -> np.ndarray:
    """Instances (*spatial) int32 of one sample; a segmenter with `foreground: truth` takes the foreground from `truth`."""
    return segment(prediction.affinities, offsets, settings, truth, prediction.size, prediction.background)


def median_object_size(labels: Arrays) -> float:
    """Median size of the instances in samples (n, *spatial), in pixels or voxels; 0 without instances."""
    sizes = np.concatenate([np.bincount(sample.ravel())[1:] for sample in labels])
    return float(np.median(sizes[sizes > 0])) if sizes.any() else 0.0


def _chosen(evaluation: Evaluation, learnt: Calibration, name: str) -> dict[str, Any]:
    settings = learnt.segmenters[name].model_dump()
    return {key: settings[key] for key in chosen_names(evaluation.segmenters[name])}
