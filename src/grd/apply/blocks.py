"""Blocks that cover a canvas, each with a margin that it shares with its neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from grd.errors import GrdError
from grd.inference.boxes import Box, overlap

Index = tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """A part of a canvas.

    index: Place among the blocks, per axis.
    core: The part of the canvas that no other block has.
    region: The core and its margin, as far as the canvas goes.
    """

    index: Index
    core: Box
    region: Box


@dataclass(frozen=True)
class Grid:
    """Blocks of a canvas.

    place: The sample's place on the canvas. Cores begin at multiples of `side` in the sample, as the chunks of its file may.
    margin: Least width of the margins; at the start they are up to `grain` - 1 wider, as regions begin on multiples of `grain`.
    """

    canvas: Sequence[int]
    place: Box
    side: Sequence[int]
    margin: Sequence[int]
    grain: Sequence[int]

    def __post_init__(self) -> None:
        if any(side < margin for side, margin in zip(self.side, self.margin, strict=True)):
            raise GrdError(
                f"blocks: expected sides of at least their margins, {tuple(self.margin)}, found {tuple(self.side)}; "
                "choose larger blocks"
            )

    def blocks(self) -> list[Block]:
        """All blocks, the last axis fastest."""
        axes = [list(enumerate(self._cores(axis))) for axis in range(len(self.canvas))]
        return [self._block(*zip(*along, strict=True)) for along in product(*axes)]

    def near(self, block: Block, axis: int, seam: int) -> Box:
        """The part of a block's region that is at most a margin away from a seam across an axis."""
        part = slice(seam - self.margin[axis], seam + self.margin[axis])
        return overlap(block.region, tuple(part if dim == axis else own for dim, own in enumerate(block.region)))

    def shown(self, block: Block) -> Box:
        """The part of a block's core that lies in the sample."""
        return overlap(block.core, self.place)

    def _cores(self, axis: int) -> list[slice]:
        inner = self.place[axis]
        ends = [0, *range(inner.start + self.side[axis], inner.stop, self.side[axis]), self.canvas[axis]]
        return [slice(*pair) for pair in pairwise(ends)]

    def _block(self, index: Index, core: Box) -> Block:
        return Block(index, core, tuple(map(self._widen, core, self.margin, self.grain, self.canvas)))

    @staticmethod
    def _widen(part: slice, margin: int, grain: int, length: int) -> slice:
        return slice(max(part.start - margin, 0) // grain * grain, min(part.stop + margin, length))
