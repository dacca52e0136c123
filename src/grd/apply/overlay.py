"""Pictures of a segmentation: outlines of its instances on the image."""

from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path

import numpy as np
from matplotlib.image import imsave
from scipy.ndimage import maximum_filter, minimum_filter

from grd.apply.label_files import SOFTWARE
from grd.data.ids import consecutive
from grd.errors import GrdError
from grd.reading.grey import stretch
from grd.reporting.figures.colours import PALETTE, choose_colours
from grd.system.files import atomic_write

LONGEST = 4096
"""Pixels of a picture's longest side; of a larger image every second, third, … pixel is shown."""
PERCENTILES = 1, 99.8
"""Those of the grey values that are shown as black and as white."""
COLOURS = np.rint(255 * PALETTE / PALETTE.max(axis=1, keepdims=True)).astype(np.uint8)
"""The palette as bright as it can be, since most micrographs are dark."""
COLOURS[6] = 255, 40, 40
"""Red in place of a brown that would be as bright as the orange."""
GAP = 8
"""White pixels between sections of a volume."""


def overlay(labels: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Picture (H', W', 3) uint8 of instances (H, W) or (Z, Y, X), outlined on their image (*spatial) or (*spatial, channels).

    8-bit RGB images are shown as they are. Of others each channel is stretched between two percentiles; three are red, green and
    blue, of another number of channels the brightest is shown in grey. A volume is a row of three sections: at a quarter, half
    and three quarters of its depth. Neighbours differ in colour, as far as the palette suffices. GrdError if labels and image
    differ in size.
    """
    if image.shape[: labels.ndim] != labels.shape:
        raise GrdError(
            f"expected an image of the labels' size {labels.shape}, found {image.shape}; give the image that was segmented"
        )
    channels = image if image.ndim > labels.ndim else image[..., None]
    if labels.ndim == 2:
        labels, channels = labels[None], channels[None]
    shown = _shown(labels.shape)
    return _row(_outlined(consecutive(labels[shown])[1], _display(channels[shown])))


def write_overlay(path: Path, labels: np.ndarray, image: np.ndarray) -> None:
    """Write the picture of instances on their image as PNG, whole or not at all."""
    picture = overlay(labels, image)
    with atomic_write(path) as part:
        imsave(part, picture, format="png", metadata={"Software": SOFTWARE}, pil_kwargs={"compress_level": 1})


def _shown(shape: Sequence[int]) -> tuple[list[int], slice, slice]:
    """Index of the voxels (Z, Y, X) in the picture, whose sides are at most LONGEST."""
    depth, height, width = shape
    sections = sorted({depth * quarter // 4 for quarter in (1, 2, 3)})
    gaps = len(sections) - 1
    step = ceil(max(height, len(sections) * width) / (LONGEST - gaps * (GAP + 1)))  # + 1: each section's width is rounded up
    return sections, slice(None, None, step), slice(None, None, step)


def thickness(labels: np.ndarray) -> int:
    """Pixels of an outline: more in large pictures, so that it is seen there, but at most a tenth of a typical object's width.

    Labels are consecutive, in sections (n, H, W).
    """
    count, height, width = labels.shape
    sizes = np.bincount(labels.ravel())[1:] / count
    typical = sqrt(np.median(sizes[sizes > 0])) if sizes.any() else 0
    return max(1, round(min(max(height, count * width) / 350, typical / 10)))


def _outlined(labels: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Pictures (n, H, W, 3) with outlines of the instances (n, H, W), which lie within these."""
    window = 2 * thickness(labels) + 1
    highest = maximum_filter(labels, (1, window, window))
    outline = (labels > 0) & (minimum_filter(labels, (1, window, window)) != highest)
    if outline.any():
        ids, places = np.unique(labels[outline], return_inverse=True)
        near = outline & (labels != highest)
        pairs = set(zip(labels[near].tolist(), highest[near].tolist(), strict=True))
        colours = choose_colours(ids.tolist(), pairs)
        pictures[outline] = COLOURS[[colours[number] for number in ids.tolist()]][places]
    return pictures


def _display(channels: np.ndarray) -> np.ndarray:
    """Channels (..., C) as RGB (..., 3) uint8."""
    if channels.dtype == np.uint8 and channels.shape[-1] == 3:
        return channels
    shown = np.stack([_stretch(channel) for channel in np.moveaxis(channels, -1, 0)], axis=-1)
    return shown if shown.shape[-1] == 3 else np.repeat(shown.max(axis=-1, keepdims=True), 3, axis=-1)


def _stretch(values: np.ndarray) -> np.ndarray:
    """Values between two percentiles as 0 … 255; between their minimum and maximum if the percentiles are equal."""
    low, high = np.percentile(values, PERCENTILES).tolist()
    return stretch(values, low, high) if low < high else stretch(values, float(values.min()), float(values.max()))


def _row(sections: np.ndarray) -> np.ndarray:
    """Sections (n, H, W, 3) side by side, with white gaps between them."""
    padded = np.pad(sections, [(0, 0), (0, 0), (0, GAP), (0, 0)], constant_values=255)
    return np.concatenate(padded, axis=1)[:, :-GAP]
