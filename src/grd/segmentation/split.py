"""Affinities file → labels file."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from grd.config import Segmenter
from grd.data.store import affinity_reader, read_split, write_labels
from grd.segmentation import segment


def segment_split(affinities: Path, samples: Path, split: str, settings: Segmenter, out: Path, threads: int = 1) -> None:
    """Segment every image of an affinities file, on several threads (the watershed releases Python's lock)."""
    truths = read_split(samples, split).labels
    with affinity_reader(affinities) as (names, offsets, maps), ThreadPoolExecutor(threads) as pool:
        labels = list(pool.map(partial(_segment, offsets, settings), maps, truths))
    write_labels(out, names, np.stack(labels))


def _segment(offsets: list[tuple[int, ...]], settings: Segmenter, affinity: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return segment(affinity, offsets, settings, truth if settings.foreground == "truth" else None)
