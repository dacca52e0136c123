"""Agglomeration of fragments by mean affinity (Funke et al., IEEE TPAMI 2019), with the library waterz."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from statistics import fmean
from threading import Lock

import numpy as np

from grd.data.ids import relabel_consecutive
from grd.errors import GrdError
from grd.metrics import score_partition
from grd.segmentation.fragments import nearest_affinities, seeded_fragments

_SCORE = "OneMinus<EdgeStatisticValue<RegionGraphType, MeanAffinityProvider<RegionGraphType, ScoreValue>>>"
"""Name in waterz of one minus the mean affinity of all voxel pairs between two regions; compiled in its wheel."""

_QUEUE_BINS = 256
_STANDARD_OUTPUT = Lock()


def agglomerate(
    affinities: np.ndarray, offsets: Sequence[Sequence[int]], thresholds: Sequence[float]
) -> Iterator[tuple[float, np.ndarray]]:
    """Join fragments, the most similar neighbours first, until one minus their affinity reaches a threshold.

    One agglomeration stops at every threshold, each time with the result that this threshold alone gives. Scores are sorted into
    256 bins of equal width, as in the paper's code.

    Args:
        affinities: (C, Z, Y, X) floating point in [-1, 1], high = same instance; clipped to [0, 1]. Not modified.
        offsets: C offsets, (-1, 0, 0), (0, -1, 0), (0, 0, -1) among them; other channels are not used.
        thresholds: One minus affinity, within [0, 1]; a higher value joins more. The paper's code uses 0.5.

    Returns:
        An iterator over the thresholds, ascending: (threshold, (Z, Y, X) int32 labels 1 ... n), each a new array, so that
        memory holds one volume of labels if the caller keeps none.

    Raises:
        GrdError: Wrong shapes or offsets.
    """
    return _steps(nearest_affinities(affinities, offsets), sorted(set(thresholds)))


def best_threshold(
    affinities: Iterable[np.ndarray],
    offsets: Sequence[Sequence[int]],
    truths: Iterable[np.ndarray],
    grid: Sequence[float],
) -> tuple[float, dict[float, float]]:
    """The threshold with the lowest mean VOI on validation volumes, and the mean VOI of every threshold.

    Args:
        affinities: One (C, Z, Y, X) array per volume, as for `agglomerate`; one at a time is in memory.
        offsets: C offsets, shared by the volumes.
        truths: (Z, Y, X) integer ground truth of each volume; voxels of label 0 are not scored.
        grid: The thresholds to choose from.

    Returns:
        The threshold, the lowest one among equals; and by threshold, ascending, the mean VOI over the volumes, the sum of
        split and merge error in bits.

    Raises:
        GrdError: As for `agglomerate`, a ground truth of another shape or without any label, or no volume.
    """
    scores = [_scores(volume, offsets, truth, grid) for volume, truth in zip(affinities, truths, strict=True)]
    if not scores:
        raise GrdError("waterz: expected validation volumes to choose a threshold on, found none; set a number as threshold")
    means = {threshold: fmean(of_volume[threshold] for of_volume in scores) for threshold in scores[0]}
    return min(means, key=lambda threshold: (means[threshold], threshold)), means


def _scores(
    affinities: np.ndarray, offsets: Sequence[Sequence[int]], truth: np.ndarray, grid: Sequence[float]
) -> dict[float, float]:
    steps = agglomerate(affinities, offsets, grid)
    return {threshold: score_partition(labels, truth)["voi"] for threshold, labels in steps}


def _steps(affinities: np.ndarray, thresholds: list[float]) -> Iterator[tuple[float, np.ndarray]]:
    # Imported here because other segmenters do not need it.
    import waterz

    labels = seeded_fragments(affinities)
    steps = waterz.agglomerate(affinities, thresholds, fragments=labels, scoring_function=_SCORE, discretize_queue=_QUEUE_BINS)
    for threshold in thresholds:
        with _silence():
            next(steps)
        # Each step overwrites `labels`, so callers need a copy; relabelling makes one.
        yield threshold, relabel_consecutive(labels.view(np.int64))


@contextmanager
def _silence() -> Iterator[None]:
    """Discard standard output, Python's and the process's, since waterz prints every step from C++.

    The descriptor belongs to the whole process, so only one thread at a time may replace it.
    """
    with _STANDARD_OUTPUT, open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        kept = os.dup(1)
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
