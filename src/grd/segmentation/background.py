"""The background's direction in embedding space.

In training the background of all images is one instance, so its embeddings point one way in all of them. Its mean direction in
training images, and a threshold chosen on validation images, tell background segments without ground truth, corner pixel or size
limit.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import replace

import numpy as np

from grd.data.padding import middle
from grd.data.store import Split
from grd.inference.predict import ImagePredictor, Prediction
from grd.networks.model_file import Background

BINS = 2001
"""Candidate thresholds in [-1, 1]."""


def mean_direction(predictor: ImagePredictor, images: Split) -> list[float] | None:
    """Unit vector (D,) of the mean embedding of label 0 over images; None if they show no background."""
    total = np.zeros(1)
    for image, truth in zip(images.images, images.labels, strict=True):
        vectors = predictor.embedding(image).cpu().numpy()
        total = total + vectors[:, truth == 0].sum(1, dtype=np.float64)
    length = np.linalg.norm(total)
    return (total / length).tolist() if length > 0 else None


def best_cosine(similarities: Iterable[np.ndarray], truths: Iterable[np.ndarray]) -> float:
    """Threshold on cosines (H, W) with the least balanced error, the mean share of background and of foreground pixels on its
    wrong side; of equals the middle of their first range."""
    counts = np.zeros((2, BINS))
    for similarity, truth in zip(similarities, truths, strict=True):
        bins = np.rint((similarity.clip(-1, 1) + 1) / 2 * (BINS - 1)).astype(int)
        for row, chosen in enumerate((truth == 0, truth > 0)):
            counts[row] += np.bincount(bins[chosen], minlength=BINS)
    background, foreground = (row.cumsum() / max(row.sum(), 1) for row in counts)  # shares at or below a threshold
    errors = background + 1 - foreground
    best = np.flatnonzero(errors == errors.min())
    first_range = best[best - best[0] == np.arange(len(best))]
    return float(first_range.mean() / (BINS - 1) * 2 - 1)


def learn_background(predictor: ImagePredictor, training: Split, validation: Split) -> tuple[Background | None, list[Prediction]]:
    """The background's direction and threshold, None if no training image shows background; and the predictions of the validation
    images, which know of it."""
    direction, seeing = mean_direction(predictor, training), copy(predictor)
    seeing.background = None if direction is None else Background(direction, 0.0)  # so that predictions have the cosines
    found = [seeing.predict(image) for image in validation.images]
    cosines = [one.background for one in found if one.background is not None]
    if direction is None:
        return None, found
    shown = (each[middle(one.size, each.shape)] for each, one in zip(cosines, found, strict=True))
    threshold = best_cosine(shown, validation.labels)
    pairs = zip(found, cosines, strict=True)
    return Background(direction, threshold), [replace(one, background=each - np.float32(threshold)) for one, each in pairs]
