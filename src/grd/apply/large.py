"""Samples of any size → labels, block after block: memory for one block, whatever the size of the sample."""

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from grd.apply.blocks import Grid
from grd.apply.stitching import Stitching, Whole
from grd.config.segmenters import MutexSegmenter, Segmenter
from grd.data.sizes import circle_diameter
from grd.errors import GrdError
from grd.inference.boxes import Box, within
from grd.inference.predict import Prediction, Predictor
from grd.inference.regions import REGIONS, ArrayLike
from grd.segmentation import merge_small_segments, segment
from grd.segmentation.images import Surroundings, partition

LARGE = {2: 8_000_000, 3: 120_000_000}
"""Pixels of images and voxels of volumes above which a sample is segmented in blocks. All at once, so many take 2.2 GB with
ResUNet-tiny and 5.6 GB with MALA-tiny; teachers take several times as much. The test volumes of AC3/4 and CREMI are smaller."""

BLOCKS = {2: (1024, 1024), 3: (64, 512, 512)}
"""Sides of the blocks, by spatial rank."""


def is_large(shape: Sequence[int], rank: int) -> bool:
    """True for the shape of a sample that is segmented in blocks."""
    return math.prod(shape[:rank]) > LARGE[rank]


def segment_large(
    predictor: Predictor,
    settings: Segmenter,
    sample: ArrayLike,
    grey: Callable[[np.ndarray], np.ndarray],
    out: Any,
    block: Sequence[int] | None = None,
) -> int:
    """Write the instances of a sample to `out`, and return their number.

    The result is that of the whole sample but for a few objects, nearly all at the seams of blocks. Affinities are the same, and
    what is background, too small or too large is decided on whole segments.

    Args:
        predictor: That of images for (H, W) and (H, W, 3), that of volumes for (Z, Y, X).
        settings: A segmenter that needs no ground truth.
        sample: Array-like of any number type.
        grey: Turns a part of the sample into uint8, by a rule that is the same for all parts.
        out: Array-like (H, W) or (Z, Y, X) that takes int32; it is written twice, block by block.
        block: Sides of the blocks, those of BLOCKS if None. Their margins are read and segmented twice.

    Raises:
        GrdError: Blocks smaller than their margins, `foreground: learned` of a model that knows no background, or what `segment`
            raises.
    """
    rank = predictor.network.rank
    if getattr(settings, "foreground", "") == "learned" and predictor.background is None:
        raise GrdError(
            'segmenter with foreground: "learned": expected a model that knows the background\'s direction, found none; '
            "choose another segmenter"
        )
    regions = REGIONS[rank](predictor, GreySample(sample, grey))
    side = tuple(block or BLOCKS[rank])
    grain = settings.strides if isinstance(settings, MutexSegmenter) else (1,) * rank
    grid = Grid(regions.canvas, regions.place, side, margins(predictor, side), grain)  # type: ignore[arg-type]
    stitching, blocks = Stitching(grid), grid.blocks()
    for each in tqdm(blocks, "blocks", leave=False, disable=None, file=sys.stderr):
        shown = grid.shown(each)
        numbers = stitching.add(each, *segments_of(regions.predict(each.region), predictor.offsets, settings))
        out[within(shown, grid.place)] = numbers[within(shown, each.region)]
        del numbers  # the next block needs the memory
    whole = stitching.whole()
    ids = instance_ids(whole, settings, int(out[(slice(1),) * rank].item()))
    for each in tqdm(blocks, "labels", leave=False, disable=None, file=sys.stderr):
        place = within(grid.shown(each), grid.place)
        out[place] = ids[out[place]]
    return int(ids.max())


class GreySample:
    """A sample whose parts are grey values, uint8."""

    def __init__(self, sample: ArrayLike, grey: Callable[[np.ndarray], np.ndarray]) -> None:
        self.sample, self.grey, self.shape = sample, grey, tuple(sample.shape)

    def __getitem__(self, region: Box) -> np.ndarray:
        """Grey values of a region."""
        return self.grey(np.asarray(self.sample[region]))


def margins(predictor: Predictor, side: Sequence[int]) -> tuple[int, ...]:
    """Width of the margins of blocks: four diameters of the objects of an image; an eighth of a volume's block."""
    if predictor.network.rank == 3:
        return tuple(max(length // 8, 1) for length in side)
    size = predictor.card.use.object_size if predictor.card.use else 0
    return (max(math.ceil(4 * circle_diameter(size)), 32),) * 2


def segments_of(maps: Prediction, offsets: Sequence[Sequence[int]], settings: Segmenter) -> tuple[np.ndarray, np.ndarray | None]:
    """Segments 1 … n (*region) of a region, before anything is dropped, and its similarity to the background."""
    if not isinstance(settings, MutexSegmenter):
        return segment(maps.affinities, offsets, settings), None
    segments = partition(maps.affinities, offsets, settings, Surroundings())
    return merge_small_segments(segments, settings.merge_passes), maps.background  # type: ignore[arg-type]


def instance_ids(whole: Whole, settings: Segmenter, corner: int) -> np.ndarray:
    """Instance 1 … n, or 0 for background, of each number: (n + 1,) int32. `corner` is the number of the sample's first pixel."""
    kept = whole.shown > 0
    if isinstance(settings, MutexSegmenter):
        if settings.foreground == "learned":
            kept &= whole.similarity <= 0
        if settings.max_size is not None:
            kept &= whole.sizes <= settings.max_size
        if settings.foreground == "corner":
            kept[whole.segment[corner]] = False
        kept &= whole.shown >= settings.min_size
    return np.where(kept, kept.cumsum(), 0).astype(np.int32)[whole.segment]
