"""One rule by which values of any type become 0..255, as networks see them.

A grey image is stretched: its darkest value becomes 0, its brightest 255. Colour images and volumes whose values are whole
numbers from 0 to 255 are taken as they are, whatever type holds them; others are stretched, too. Percentiles in place of the
darkest and brightest value keep specks from darkening everything else.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from grd.errors import GrdError

BLOCK = 1 << 24
"""Values that are looked at together."""
SAMPLED = 1 << 24
"""Values of which percentiles are taken, evenly spread, where there are more."""

GreyRule = Callable[[np.ndarray], np.ndarray]


def grey_rule(image: Any, percentiles: Sequence[float] | None = None, where: str = "image") -> GreyRule:
    """Function from parts of an image to uint8.

    `image` is anything with shape, dtype and slicing: (H, W), (H, W, 3) or (Z, Y, X). `percentiles`, such as (1, 99.8), replace
    its lowest and highest value; what lies outside is clipped. GrdError for values that are no finite real numbers.
    """
    if np.dtype(image.dtype).kind not in "uifb":
        raise GrdError(f"{where}: expected grey values, found {image.dtype}; convert the image to real numbers")
    if percentiles is not None and not (0 <= percentiles[0] < percentiles[1] <= 100 and percentiles[1] > 1):
        raise GrdError(
            f"{where}: expected two percentiles, the lower one first, such as 1 and 99.8, found "
            f"{' '.join(f'{value:g}' for value in percentiles)}; correct them"
        )
    if len(image.shape) == 3 and image.dtype == np.uint8 and percentiles is None:
        return lambda part: part
    low, high, whole = _range(image, where)
    if len(image.shape) == 3 and whole and low >= 0 and high <= 255 and percentiles is None:
        return lambda part: part.astype(np.uint8)
    if percentiles is not None:
        low, high = _percentiles(image, percentiles)
    return lambda part: stretch(part, low, high)


def stretch(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values with low..high mapped to 0..255 and rounded, uint8; the rounding error is at most 1/510 of the range.

    If low and high are equal, values become zeros.
    """
    scaled = (values.astype(np.float64) - low) * (255 / (high - low) if high > low else 0)
    return np.rint(scaled.clip(0, 255, out=scaled), out=scaled).astype(np.uint8)


def _range(image: Any, where: str) -> tuple[float, float, bool]:
    """Lowest and highest value, and True if all are whole numbers."""
    low, high, whole = np.inf, -np.inf, True
    for region in regions(image.shape, BLOCK):
        part = image[region]
        least, most = float(part.min()), float(part.max())
        if not np.isfinite([least, most]).all():
            raise GrdError(f"{where}: expected finite grey values, found NaN or infinity; repair the image")
        low, high = min(low, least), max(high, most)
        whole = whole and (part.dtype.kind != "f" or bool((part == np.rint(part)).all()))
    return low, high, whole


def _percentiles(image: Any, percentiles: Sequence[float]) -> tuple[float, float]:
    step = max(1, int(np.ceil((np.prod(image.shape, dtype=float) / SAMPLED) ** 0.5)))
    spread: Any = np.s_[::step, ::step] if image.shape[2:] == (3,) else np.s_[..., ::step, ::step]  # of colours all
    parts = [image[region][spread].ravel() for region in regions(image.shape, BLOCK)]
    low, high = np.percentile(np.concatenate(parts), percentiles)
    return float(low), float(high)


def regions(shape: Sequence[int], most: int) -> Iterator[tuple[slice, ...]]:
    """Regions that cover an array (a, b, …) once, of about `most` values; cut along the first axis, or along the first two."""
    rows = max(1, int(most / max(1, np.prod(shape[1:], dtype=float))))
    columns = max(1, int(most / max(1, np.prod(shape[2:], dtype=float)))) if rows == 1 else shape[1]
    for first, left in product(range(0, shape[0], rows), range(0, shape[1], columns)):
        yield slice(first, min(first + rows, shape[0])), slice(left, min(left + columns, shape[1]))
