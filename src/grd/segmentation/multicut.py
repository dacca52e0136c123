"""Multicut of a region adjacency graph (Beier et al., Nature Methods 2017), the paper's "LMC"; it is not lifted."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from grd.data.ids import relabel_consecutive
from grd.segmentation.fragments import NEAREST, nearest_affinities, smoothed_fragments


def multicut(affinities: np.ndarray, offsets: Sequence[Sequence[int]], solver: str, beta: float) -> np.ndarray:
    """Partition the fragments of a volume at the lowest sum of costs of the cut edges.

    An edge between two fragments is a boundary with probability p = 1 - mean affinity across it. A cut of it costs
    (ln((1 - p) / p) + ln((1 - beta) / beta)) * size, with p clipped to [0.001, 0.999]; size is the number of voxel faces that the
    fragments share, relative to the largest.

    Args:
        affinities: (C, Z, Y, X) floating point in [-1, 1], high = same instance; clipped to [0, 1]. Not modified.
        offsets: C offsets, (-1, 0, 0), (0, -1, 0), (0, 0, -1) among them; other channels are not used.
        solver: One of those of `MulticutSegmenter`, elf's that need no other software: fusion moves take minutes, the others
            seconds. The paper's code uses Kernighan-Lin, started from a greedy additive solution.
        beta: Boundary bias within (0, 1); a higher value cuts more.

    Returns:
        (Z, Y, X) int32 labels, segments 1 ... n.

    Raises:
        GrdError: Wrong shapes or offsets.
    """
    nearest = nearest_affinities(affinities, offsets)
    fragments = smoothed_fragments(nearest)
    segments = relabel_consecutive(_segment_of_fragments(nearest, fragments, solver, beta) + 1)
    # Ids of fragments start at 1. Signed ids index without a copy.
    return np.concatenate([[np.int32(0)], segments])[fragments.view(np.int64)]


def _segment_of_fragments(affinities: np.ndarray, fragments: np.ndarray, solver: str, beta: float) -> np.ndarray:
    """Segment number (n,), from 0, of every fragment, by ascending id."""
    # Imported here because elf imports scikit-learn, which takes seconds; other segmenters do not need it.
    from elf.segmentation.features import compute_rag
    from elf.segmentation.multicut import get_multicut_solver, transform_probabilities_to_costs

    graph = compute_rag(fragments, n_threads=1)
    if graph.number_of_edges == 0:
        return np.zeros(1, dtype=np.int64)
    means, sizes = _edge_features(graph, fragments, affinities)
    costs = transform_probabilities_to_costs(1 - means, beta=beta, edge_sizes=sizes)
    # The graph has a node for the id 0, which no fragment has.
    return get_multicut_solver(solver)(graph, costs)[1:].astype(np.int64)


def _edge_features(graph: Any, fragments: np.ndarray, affinities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean affinity across each edge of the graph, and the edge's size in voxel faces, both (E,) float64."""
    from bioimage_cpp.graph.features import affinity_features

    sums, sizes = np.zeros(graph.number_of_edges), np.zeros(graph.number_of_edges)
    # One channel at a time, since each is converted to float64 on the way.
    for channel, offset in zip(affinities, NEAREST, strict=True):
        means, faces = affinity_features(graph, fragments, channel[None], [offset], number_of_threads=1).T
        sums += means * faces
        sizes += faces
    return sums / sizes, sizes
