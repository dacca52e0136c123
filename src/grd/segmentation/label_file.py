"""Affinities file → labels file."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from grd.config.segmenters import Segmenter, WaterzSegmenter
from grd.data.store import affinity_reader, read_split, write_labels
from grd.segmentation import segment
from grd.segmentation.waterz import best_threshold

_log = logging.getLogger(__name__)


def segment_split(affinities: Path, samples: Path, split: str, settings: Segmenter, out: Path, threads: int = 1) -> None:
    """Segment every sample of a split of an affinities file, on several threads (the watershed releases Python's lock).

    A waterz threshold that is to come from validation data is chosen first, on that part of the affinities file; the
    labels file tells the threshold used as its attribute `threshold`.
    """
    chosen = {name: choose(settings, affinities, samples) for name, choose in CHOSEN.get(settings.algorithm, {}).items()}
    settings = settings.model_copy(update=chosen)
    truths = read_split(samples, split).labels
    with affinity_reader(affinities, split) as (names, offsets, maps), ThreadPoolExecutor(threads) as pool:
        labels = list(pool.map(partial(_segment, offsets, settings), maps, truths))
    write_labels(out, names, np.stack(labels), **chosen)


def _segment(offsets: list[tuple[int, ...]], settings: Segmenter, affinity: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return segment(affinity, offsets, settings, truth)


def _threshold(settings: WaterzSegmenter, affinities: Path, samples: Path) -> float:
    """The threshold of the settings, or the one that the validation split calls for."""
    if settings.threshold != "validation":
        return settings.threshold
    truths = read_split(samples, "validation").labels
    with affinity_reader(affinities, "validation") as (_, offsets, maps):
        threshold, scores = best_threshold(maps, offsets, truths, settings.thresholds, settings.scoring)
    table = ", ".join(f"{candidate:g}: {score:.4f}" for candidate, score in scores.items())
    _log.info("waterz: threshold %g has the lowest VOI on the validation split; in bits: %s", threshold, table)
    return threshold


CHOSEN: dict[str, dict[str, Callable[..., float]]] = {"waterz": {"threshold": _threshold}}
"""By algorithm, numbers that may be chosen on validation data; the labels file tells them."""
