"""One labelling from the segments of overlapping blocks."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from grd.apply.blocks import Block, Grid, Index
from grd.inference.boxes import within
from grd.metrics.overlap import overlap_table

SAME = 0.5  # intersection over union above which segments of two blocks are one
PART = 0.9  # share of the smaller one in the larger above which they are one if they cross the seam


class Whole(NamedTuple):
    """Whole segments, put together from those of blocks.

    segment: (n + 1,) the whole segment of each number that `Stitching.add` gives; 0 belongs to none.
    sizes, shown, similarity: Per whole segment its pixels on the canvas and in the sample, and the sum of its similarity to the
        background.
    """

    segment: np.ndarray
    sizes: np.ndarray
    shown: np.ndarray
    similarity: np.ndarray


class Stitching:
    """Numbers for the segments of blocks, and which of them are one.

    Segments of two neighbours are one if each has pixels in its own core, and if they agree up to a margin away from the seam,
    where both blocks have seen the sample (`same_segments`). So blocks change only what lies at a seam. Memory holds what is near
    the seams of a row of blocks, and a few numbers per segment.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid, self.count = grid, 0
        self._open: dict[tuple[Index, int], np.ndarray] = {}
        self._pairs: list[np.ndarray] = [np.zeros((2, 0), int)]
        self._sums: list[np.ndarray] = [np.zeros((3, 1))]

    def add(self, block: Block, segments: np.ndarray, similarity: np.ndarray | None = None) -> np.ndarray:
        """Numbers (*region) int32 for the segments 1 … n in a block's region; blocks come in the grid's order.

        `similarity` (*region) is that of each pixel to the background.
        """
        numbers = segments + np.int32(self.count)
        self._sums.append(self._measure(block, segments, similarity))
        self.count += int(segments.max())
        for axis, part in enumerate(block.core):
            before = tuple(place - (dim == axis) for dim, place in enumerate(block.index))
            if (before, axis) in self._open:
                near = self.grid.near(block, axis, part.start)
                here = numbers[within(near, block.region)]
                self._pairs.append(same_segments(self._open.pop((before, axis)), here, axis, part.start - near[axis].start))
            if part.stop < self.grid.canvas[axis]:
                self._open[block.index, axis] = numbers[within(self.grid.near(block, axis, part.stop), block.region)].copy()
        return numbers

    def whole(self) -> Whole:
        """The whole segments of all blocks so far, in the order of their first numbers."""
        sums, pairs = np.concatenate(self._sums, axis=1), np.concatenate(self._pairs, axis=1)
        first, second = pairs[:, (sums[0][pairs] > 0).all(axis=0)]
        links = coo_array((np.ones(len(first), bool), (first, second)), (self.count + 1, self.count + 1))
        segment = connected_components(links, directed=False)[1]
        return Whole(segment, *(np.bincount(segment, values) for values in sums))

    def _measure(self, block: Block, segments: np.ndarray, similarity: np.ndarray | None) -> np.ndarray:
        """Pixels in the core, pixels of these in the sample, and similarity in the core, of the segments 1 … n: (3, n)."""
        count, core = int(segments.max()) + 1, within(block.core, block.region)
        shown = within(self.grid.shown(block), block.region)
        sizes = [np.bincount(segments[part].ravel(), minlength=count) for part in (core, shown)]
        weights = None if similarity is None else similarity[core].ravel()
        return np.stack([*sizes, np.bincount(segments[core].ravel(), weights, count)])[:, 1:]


def same_segments(before: np.ndarray, here: np.ndarray, axis: int, seam: int) -> np.ndarray:
    """Pairs (2, n) of the numbers of two labellings of the same pixels, on both sides of a seam, whose segments are one.

    They are alike; or they share pixels on both sides, and hardly any of the smaller one is outside the larger one: a block may
    see two branches of an object whose fork lies in the other one.
    """
    table = overlap_table(here, before)
    pairs = np.stack([table.truth_ids[table.pair_truth], table.prediction_ids[table.pair_prediction]])
    sides = zip(np.split(before, [seam], axis), np.split(here, [seam], axis), strict=True)
    first, second = (_codes(*side) for side in sides)
    crosses = np.isin(_codes(*pairs), np.intersect1d(first, second))
    smaller = np.minimum(table.truth_sizes[table.pair_truth], table.prediction_sizes[table.pair_prediction])
    return pairs[:, (table.pair_iou > SAME) | crosses & (table.pair_counts > PART * smaller)]


def _codes(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A number for each pair of numbers."""
    return one.astype(np.int64) << 32 | other
