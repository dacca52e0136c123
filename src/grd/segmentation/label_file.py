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


def write_label_file(affinities: Path, samples: Path, split: str, settings: Segmenter, out: Path, threads: int = 1) -> None:
    """Segment every sample of a split of an affinities file, and write the instances into a labels file.

    `threads` samples are segmented at a time (the watershed releases Python's lock). If a waterz threshold depends on validation
    data, it is chosen first, on the file's validation split. The labels file has the threshold as its attribute `threshold`.
    """
    choices = {name: choose(settings, affinities, samples) for name, choose in CHOICES.get(settings.algorithm, {}).items()}
    settings = settings.model_copy(update=choices)
    truths = read_split(samples, split).labels
    with affinity_reader(affinities, split) as (names, offsets, maps), ThreadPoolExecutor(threads) as pool:
        labels = list(pool.map(partial(_segment, offsets, settings), maps, truths))
    write_labels(out, names, np.stack(labels), **choices)


def _segment(offsets: list[tuple[int, ...]], settings: Segmenter, affinity: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return segment(affinity, offsets, settings, truth)


def _threshold(settings: WaterzSegmenter, affinities: Path, samples: Path) -> float:
    """The threshold in the settings, or the one with the lowest VOI on the validation split."""
    if settings.threshold != "validation":
        return settings.threshold
    truths = read_split(samples, "validation").labels
    with affinity_reader(affinities, "validation") as (_, offsets, maps):
        threshold, scores = best_threshold(maps, offsets, truths, settings.thresholds, settings.scoring)
    table = ", ".join(f"{candidate:g}: {score:.4f}" for candidate, score in scores.items())
    _log.info("waterz: threshold %g has the lowest VOI on the validation split; in bits: %s", threshold, table)
    return threshold


CHOICES: dict[str, dict[str, Callable[..., float]]] = {"waterz": {"threshold": _threshold}}
"""Numbers that are chosen on validation data and stored in the labels file: by algorithm and name, the function to call."""
