"""Tif files: pages, series, axes and pixel sizes as ImageJ, OME and microscopes write them."""

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from grd.errors import GrdError
from grd.reading.stored import MICROMETRES, Stored, known_axes

AT_ONCE = 1 << 28
"""Bytes up to which a compressed array is read whole; larger ones are read where they are sliced."""
MINISWHITE, PALETTE, CENTIMETRE = 0, 3, 3  # values of tags
SHOWN = {0, 1, 2, 3, 6}  # grey, RGB, palettes, and YCbCr, which only JPEG has
LOSSY = {6, 7, 33003, 33004, 33005, 34712, 34892, 50001, 50002, 52546}  # JPEG, JPEG 2000, WebP, JPEG XL


def open_tif(path: Path, part: str | None, preferred: Sequence[str], resources: ExitStack) -> Stored:
    """The array of a series; GrdError if there are several, and `part` names none by its number."""
    file = resources.enter_context(tifffile.TiffFile(path))
    if part is None and len({(series.shape, series.dtype) for series in file.series}) == 1 < len(file.series):
        file = resources.enter_context(tifffile.TiffFile(path, is_shaped=False))  # written page by page
    series = _series(file, path, part)
    page, pixels = series.keyframe, _ome_pixels(file, int(part or 0))
    _check(series, path)
    palette = None
    if page.photometric == PALETTE and page.colormap is not None:
        palette = (np.asarray(page.colormap).T >> 8).astype(np.uint8)
    return Stored(
        str(path) if part is None else f"{path}:{part}",
        _array(file, path, series, resources),
        known_axes(series.axes, len(series.shape)),
        _ome_pixel_size(pixels) if file.is_ome else _pixel_size(file, page),
        channels=_channel_names(pixels),
        palette=palette,
        inverted=page.photometric == MINISWHITE,
        lossy=page.compression in LOSSY,
    )


def _series(file: tifffile.TiffFile, path: Path, part: str | None) -> tifffile.TiffPageSeries:
    numbers = [str(number) for number in range(len(file.series))]
    if part is not None and part not in numbers:
        raise GrdError(f"{path}: expected a series from 0 to {len(numbers) - 1}, found '{part}'; name one of them")
    if part is None and len(numbers) > 1:
        listed = ", ".join(f"{number} {each.shape}" for number, each in zip(numbers, file.series, strict=True))
        raise GrdError(f"{path}: expected one series of images, found {len(numbers)} ({listed}); name one, as in {path.name}:0")
    if not numbers:
        raise GrdError(f"{path}: expected an image, found a tif without pages; replace the file")
    return file.series[int(part or 0)]


def _check(series: tifffile.TiffPageSeries, path: Path) -> None:
    if series.keyframe.photometric not in SHOWN:
        colours = tifffile.PHOTOMETRIC(series.keyframe.photometric).name
        raise GrdError(f"{path}: expected grey values or RGB, found {colours}; convert the colours to RGB")
    absent = sum(page is None for page in series._pages)
    if absent:
        raise GrdError(
            f"{path}: expected all {len(series._pages)} planes of its series, found {absent} in files that are not there; "
            "put them beside it, or save it as one file"
        )


def _array(file: tifffile.TiffFile, path: Path, series: tifffile.TiffPageSeries, resources: ExitStack) -> Any:
    if series.nbytes <= AT_ONCE:
        return series.asarray()
    if series.dataoffset is not None and series.keyframe.compression == 1:
        kind = np.dtype(series.dtype).newbyteorder(file.byteorder)
        return np.memmap(path, kind, "r", series.dataoffset, series.shape)
    import zarr

    return zarr.open_array(resources.enter_context(series.aszarr(level=0)), mode="r")


def _pixel_size(file: tifffile.TiffFile, page: tifffile.TiffPage) -> dict[str, float]:
    described: Mapping[str, Any] = file.imagej_metadata or {}
    unit = str(described.get("unit", "")).replace("\\u00B5", "µ")
    factor = MICROMETRES.get(unit, 1e4 if not described and page.resolutionunit == CENTIMETRE else 0)
    sizes = {letter: _length(page, tag) * factor for letter, tag in (("X", "XResolution"), ("Y", "YResolution"))}
    if file.is_imagej and "spacing" in described:
        sizes["Z"] = float(described["spacing"]) * factor
    return _plausible(sizes)


def _length(page: tifffile.TiffPage, name: str) -> float:
    """Length of a pixel in the file's unit: the inverse of the tag, which is a fraction."""
    tag = page.tags.get(name)
    above, below = tag.value if tag is not None else (0, 0)
    return below / above if above else 0.0


def _ome_pixels(file: tifffile.TiffFile, number: int) -> ElementTree.Element:
    """What OME says of a series; nothing where it speaks of more or fewer images than there are series."""
    elements = ElementTree.fromstring(file.ome_metadata).iter() if file.is_ome and file.ome_metadata else ()
    pixels = [each for each in elements if each.tag.endswith("}Pixels")]
    return pixels[number] if len(pixels) == len(file.series) else ElementTree.Element("Pixels")


def _ome_pixel_size(pixels: ElementTree.Element) -> dict[str, float]:
    sizes = {}
    for letter in "XYZ":
        unit = MICROMETRES.get(pixels.get(f"PhysicalSize{letter}Unit", "µm"), 0)
        sizes[letter] = float(pixels.get(f"PhysicalSize{letter}", 0)) * unit
    return _plausible(sizes)


def _channel_names(pixels: ElementTree.Element) -> list[str]:
    found = [each.get("Name") for each in pixels if each.tag.endswith("}Channel")]
    return [name for name in found if name] if all(found) else []


def _plausible(sizes: dict[str, float]) -> dict[str, float]:
    return {letter: size for letter, size in sizes.items() if math.isfinite(size) and size > 0}
