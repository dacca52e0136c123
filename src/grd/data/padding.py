"""The place of a sample on its canvas, and mirror padding of volumes at their outermost planes, which are not repeated.

Needs no torch: readers of the base environment use it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grd.errors import GrdError

if TYPE_CHECKING:
    from torch import Tensor


def middle(size: Sequence[int], canvas: Sequence[int]) -> tuple[slice, ...]:
    """The region of this size in the middle of a canvas; an odd margin is smaller at the start."""
    starts = [(outer - inner) // 2 for inner, outer in zip(size, canvas, strict=True)]
    return tuple(slice(start, start + length) for start, length in zip(starts, size, strict=True))


def crop_to(maps: "Tensor", size: Sequence[int]) -> "Tensor":
    """The middle (…, *size) of maps (…, *spatial)."""
    index: tuple[Any, ...] = (..., *middle(size, maps.shape[-len(size) :]))
    return maps[index]


def mirrored_index(first: int, length: int, have: int) -> np.ndarray:
    """Indices first, first + 1, … (length,) of an axis of `have` pixels, mirrored at both ends as often as needed."""
    period = max(2 * (have - 1), 1)
    place = np.arange(first, first + length) % period
    return np.minimum(place, period - place) if have > 1 else np.zeros_like(place)


def mirrored_region(volume: np.ndarray, corner: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """The region (*size) at `corner` of a volume (Z, Y, X), mirrored beyond the border; reads only the voxels it needs."""
    wanted = [mirrored_index(*along) for along in zip(corner, size, volume.shape, strict=True)]
    part = np.asarray(volume[tuple(slice(index.min(), index.max() + 1) for index in wanted)])
    return part[np.ix_(*(index - index.min() for index in wanted))]


def check_canvas(size: Sequence[int], canvas: Sequence[int]) -> None:
    """GrdError if images of this size do not fit on the canvas."""
    if any(outer < inner for inner, outer in zip(size, canvas, strict=True)):
        raise GrdError(f"expected a canvas of at least {tuple(size)}, found {tuple(canvas)}; change `canvas` of the data set")


def check_context(shape: Sequence[int], margin: Sequence[int], where: str) -> None:
    """GrdError if a volume is not larger than the context that a network needs on each side; it would be mirrored twice."""
    if len(shape) != 3 or any(have <= need for have, need in zip(shape, margin, strict=True)):
        raise GrdError(
            f"{where}: expected a volume of at least {' x '.join(str(need + 1) for need in margin)} (sections, rows, columns), "
            f"the context of the network's valid convolutions, found shape {tuple(shape)}; choose less context "
            "(`kernels` or `pooling` of the network, in the scale's file)"
        )
