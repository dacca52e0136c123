"""Measurements of instances: tables with a row per object, csv files, one line that sums an image up.

Columns of a table, in this order; of the axes z, y and x an image has y and x:

- `label`: the object's number in the label image.
- `area` in pixels; of a volume `volume` in voxels.
- `centroid_y`, `centroid_x` in pixels: 0 is the middle of the first pixel, as in napari and scikit-image (Fiji adds 0.5).
- `bbox_y_min`, `bbox_x_min`, `bbox_y_max`, `bbox_x_max` in pixels: the object lies in min … max - 1.
- `mean_intensity`, `integrated_intensity`: mean and sum of the image's own grey values in the object. An image of several
  channels has the pair for each, followed by the channel's name (`mean_intensity_DAPI`), or by its number 1, 2, 3, …
- `area_um2` in µm² (`volume_um3` in µm³), `centroid_y_um`, `centroid_x_um` in µm: where the size of a pixel is known.
"""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from grd.data.ids import BLOCK, consecutive, label_counts
from grd.errors import GrdError
from grd.system.files import write_text

AXES = {2: "yx", 3: "zyx"}
EXTENT = {2: ("area", "pixels", "µm²", "area_um2"), 3: ("volume", "voxels", "µm³", "volume_um3")}


def measure(
    labels: np.ndarray,
    intensities: np.ndarray,
    pixel_size: Sequence[float] | None = None,
    channel_names: Sequence[str] = (),
) -> pd.DataFrame:
    """Table of the instances (H, W) or (Z, Y, X), ordered by label; the module says which columns.

    `intensities` are the image's own values, (*spatial) or (*spatial, channels) of any number type; sums are taken in float64, so
    those of whole numbers are exact. `pixel_size` is in µm per axis. Names of channels that are empty or not all different are
    replaced by numbers. GrdError for arrays, sizes or names that do not fit the labels.
    """
    channels = _as_channels(labels, intensities)
    names = _suffixes(channels.shape[-1], channel_names)
    _check_pixel_size(labels, pixel_size)
    ids, places = consecutive(labels)
    sums = _sums(places, channels, len(ids) + 1)[:, 1:]
    axes, extent = AXES[labels.ndim], sums[0]
    centroids = dict(zip(axes, sums[1 : 1 + len(axes)] / extent, strict=True))
    columns = {"label": ids, EXTENT[labels.ndim][0]: extent.astype(np.int64)}
    columns |= {f"centroid_{axis}": centroid for axis, centroid in centroids.items()}
    columns |= _boxes(places)
    for name, total in zip(names, sums[1 + len(axes) :], strict=True):
        columns |= {f"mean_intensity{name}": total / extent, f"integrated_intensity{name}": total}
    if pixel_size is not None:
        columns[EXTENT[labels.ndim][3]] = extent * prod(pixel_size)
        columns |= {f"centroid_{axis}_um": centroids[axis] * size for axis, size in zip(axes, pixel_size, strict=True)}
    return pd.DataFrame(columns)


def join(tables: Mapping[str, pd.DataFrame], name: str = "image") -> pd.DataFrame:
    """One table of several images, whose names are the first column; cells that an image lacks are empty."""
    return pd.concat(tables, names=[name]).reset_index(level=name)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table whole or not at all; letters of file names that are no Unicode become their codes."""
    write_text(path, table.to_csv(index=False).encode("utf-8", "backslashreplace").decode())


def summary(labels: np.ndarray, pixel_size: Sequence[float] | None = None) -> str:
    """Number of the instances and their median area or volume, such as '123 objects, median area 712 pixels (75.3 µm²)'."""
    _check_pixel_size(labels, pixel_size)
    ids, places = consecutive(labels)
    sizes = label_counts(places, len(ids))[1:]
    if not len(sizes):
        return "no objects"
    extent, unit, physical, _ = EXTENT[labels.ndim]
    median = float(np.median(sizes))
    text = f"{len(sizes)} object{'s' if len(sizes) > 1 else ''}, median {extent} {median:.10g} {unit}"
    return text if pixel_size is None else f"{text} ({_three_digits(median * prod(pixel_size))} {physical})"


def _three_digits(value: float) -> str:
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


def _as_channels(labels: np.ndarray, intensities: np.ndarray) -> np.ndarray:
    """Intensities as (*spatial, channels)."""
    channels = intensities[..., None] if intensities.ndim == labels.ndim else intensities
    if channels.shape[:-1] != labels.shape:
        raise GrdError(
            f"expected an image of the labels' size {labels.shape}, found {intensities.shape}; give the image that was segmented"
        )
    return channels


def _suffixes(count: int, names: Sequence[str]) -> list[str]:
    if names and len(names) != count:
        raise GrdError(f"expected a name for each of {count} channel(s), found {len(names)} name(s); correct them")
    if count == 1:
        return [""]
    distinct = len(set(names) - {""}) == count
    return [f"_{name}" for name in (names if distinct else range(1, count + 1))]


def _check_pixel_size(labels: np.ndarray, pixel_size: Sequence[float] | None) -> None:
    if pixel_size is not None and (len(pixel_size) != labels.ndim or min(pixel_size) <= 0):
        found = ", ".join(map(str, pixel_size))
        raise GrdError(f"expected a pixel size above 0 for each of {labels.ndim} axes, found {found}; correct it")


def _sums(labels: np.ndarray, channels: np.ndarray, count: int) -> np.ndarray:
    """Sums over each of `count` ids: of 1, of the coordinates, of the channels' values; (1 + axes + channels, count) float64."""
    sums = np.zeros((1 + labels.ndim + channels.shape[-1], count))
    rows = max(1, BLOCK // max(1, prod(labels.shape[1:])))
    for start in range(0, len(labels), rows):
        block = labels[start : start + rows]
        places = np.nonzero(block)
        ids, values = block[places], channels[start : start + rows][places]
        sums[0] += np.bincount(ids, minlength=count)
        weights = [places[0] + start, *places[1:], *values.T]
        sums[1:] += [np.bincount(ids, weight, minlength=count) for weight in weights]
    return sums


def _boxes(labels: np.ndarray) -> dict[str, np.ndarray]:
    """First and last but one coordinate of each of the labels 1, 2, 3, …"""
    found = [[(side.start, side.stop) for side in box] for box in ndimage.find_objects(labels)]
    boxes = np.array(found, np.int64).reshape(-1, labels.ndim, 2)
    ends = ((end, axis) for end in (0, 1) for axis in range(labels.ndim))
    return {f"bbox_{AXES[labels.ndim][axis]}_{('min', 'max')[end]}": boxes[:, axis, end] for end, axis in ends}
