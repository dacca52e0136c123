"""Agglomeration of fragments by mean or median affinity (Funke et al., IEEE TPAMI 2019), with the library waterz."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from statistics import fmean
from threading import Lock
from typing import Literal

import numpy as np

from grd.errors import GrdError
from grd.metrics import score_partition
from grd.segmentation.cleanup import relabel_consecutive
from grd.segmentation.fragments import nearest_affinities, seeded_fragments

_SCORES = {
    "mean": "OneMinus<EdgeStatisticValue<RegionGraphType, MeanAffinityProvider<RegionGraphType, ScoreValue>>>",
    "median": "OneMinus<HistogramQuantileAffinity<RegionGraphType, 50, ScoreValue, 256>>",
}
"""One minus the mean or median affinity of all voxel pairs between two regions, as waterz spells it; compiled in its wheel."""

Scoring = Literal["mean", "median"]

_QUEUE_BINS = 256
_STANDARD_OUTPUT = Lock()


def agglomerate(
    affinities: np.ndarray, offsets: Sequence[Sequence[int]], thresholds: Sequence[float], scoring: Scoring = "mean"
) -> Iterator[tuple[float, np.ndarray]]:
    """Join fragments, the most similar neighbours first, until one minus their affinity reaches a threshold.

    All thresholds are stops of one agglomeration; the result at each is what it would be alone. Scores are taken in
    256 steps of equal width, as in the paper's code.

    Args:
        affinities: (C, Z, Y, X) floating point in [-1, 1], high = same instance; clipped to [0, 1]. Left as it is.
        offsets: C offsets, (-1, 0, 0), (0, -1, 0), (0, 0, -1) among them; other channels are not used.
        thresholds: One minus affinity, within [0, 1]; a higher one joins more. The paper's code uses 0.5.
        scoring: Which affinity of two regions, of all voxel pairs between them. The paper's code uses the mean.

    Returns:
        An iterator over the thresholds, ascending: (threshold, (Z, Y, X) int32 labels 1 ... n, a new array each). One
        volume of labels exists at a time if the caller keeps none.

    Raises:
        GrdError: Shapes or offsets that do not fit together, no thresholds, or one outside [0, 1].
    """
    if not thresholds or not all(0 <= threshold <= 1 for threshold in thresholds):
        raise GrdError(f"waterz: expected thresholds within [0, 1], at least one, found {tuple(thresholds)}")
    return _steps(nearest_affinities(affinities, offsets), sorted(set(thresholds)), scoring)


def best_threshold(
    affinities: Iterable[np.ndarray],
    offsets: Sequence[Sequence[int]],
    truths: Iterable[np.ndarray],
    grid: Sequence[float],
    scoring: Scoring = "mean",
) -> tuple[float, dict[float, float]]:
    """The threshold of lowest variation of information, for choosing it on validation volumes.

    Args:
        affinities: One (C, Z, Y, X) array per volume, as `agglomerate` takes it; held one at a time.
        offsets: C offsets, shared by the volumes.
        truths: (Z, Y, X) integer ground truth of each volume; voxels of label 0 are not scored.
        grid: The thresholds to choose from.
        scoring: As `agglomerate` takes it.

    Returns:
        The threshold, the lowest one among equals; and for every threshold of the grid, ascending, the mean over the
        volumes of split and merge error together, in bits.

    Raises:
        GrdError: As `agglomerate`; a ground truth of another shape or without any label; or no volume at all.
    """
    scores = [_scores(volume, offsets, truth, grid, scoring) for volume, truth in zip(affinities, truths, strict=True)]
    if not scores:
        raise GrdError("waterz: expected validation volumes to choose a threshold on, found none; set a number as threshold")
    means = {threshold: fmean(of_volume[threshold] for of_volume in scores) for threshold in scores[0]}
    return min(means, key=lambda threshold: (means[threshold], threshold)), means


def _scores(
    affinities: np.ndarray, offsets: Sequence[Sequence[int]], truth: np.ndarray, grid: Sequence[float], scoring: Scoring
) -> dict[float, float]:
    steps = agglomerate(affinities, offsets, grid, scoring)
    return {threshold: score_partition(labels, truth)["voi"] for threshold, labels in steps}


def _steps(affinities: np.ndarray, thresholds: list[float], scoring: Scoring) -> Iterator[tuple[float, np.ndarray]]:
    # Imported here: whoever segments in another way need not have it.
    import waterz

    labels = seeded_fragments(affinities)
    score = _SCORES[scoring]
    steps = waterz.agglomerate(affinities, thresholds, fragments=labels, scoring_function=score, discretize_queue=_QUEUE_BINS)
    for threshold in thresholds:
        with _silence():
            next(steps)
        # Each step overwrites `labels`, so what is handed on must be a copy; relabelling makes one.
        yield threshold, relabel_consecutive(labels.view(np.int64))


@contextmanager
def _silence() -> Iterator[None]:
    """Send standard output nowhere, Python's and the process's: waterz reports every step there, from C++.

    The descriptor belongs to the whole process, so that only one thread at a time may exchange it.
    """
    with _STANDARD_OUTPUT, open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        kept = os.dup(1)
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
