"""Label images as compressed tif files that napari, Fiji and QuPath open, or as OME-Zarr."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from errno import ENOSPC
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile

from grd.apply.origin import Origin
from grd.errors import GrdError
from grd.provenance.file_list import content_digest
from grd.system.files import atomic_write

LARGEST_CLASSIC = 2**32 - 2**25
"""Bytes of labels up to which the file is a classic tif: Fiji reads no BigTIFF without Bio-Formats."""
AT_ONCE = 2**28
"""Bytes of labels up to which a file is encoded in memory, which finds a full disk by itself."""
TILE = 1024
"""Side of the tiles and chunks of large labels."""
SOFTWARE = "grd predict"
"""The program that wrote a file, as the file says; programs in which labels are corrected replace it."""


def write_labels(
    path: Path, labels: np.ndarray, origin: Origin, pixel_size: Sequence[float] | None = None, axes: str | None = None
) -> None:
    """Write a label image (H, W) or volume (Z, Y, X), whole or not at all, by the ending of the name as tif or OME-Zarr.

    16-bit, or 32-bit if a label exceeds 65535; Fiji shows these as decimal numbers, exact up to 16,777,216. `axes` are letters of
    TZCYX in this order, YX or ZYX by default, so that Fiji shows sections as Z; `pixel_size` is in µm per axis; the file says
    of what image the labels are (`origin`). OSError for a full disk.
    """
    axes = axes or "ZYX"[-labels.ndim :]
    kind = np.uint16 if labels.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32
    write = write_zarr if path.suffix == ".zarr" else write_tif
    write(path, labels, np.dtype(kind), pixel_size, axes, f"{SOFTWARE} {ascii_name(str(origin))}")


def ascii_name(text: str) -> str:
    """A text in which other letters than those of ASCII, which alone a tif takes, are written as their codes."""
    return text.encode("ascii", "backslashreplace").decode()


def origin_of(path: Path) -> Origin | None:
    """What labels that `write_labels` wrote are of, as `ascii_name`; None for other files, also for corrected labels."""
    with suppress(Exception):  # of a damaged file, anything
        software = _software_of_zarr(path) if path.suffix == ".zarr" else _software_of_tif(path)
        if software.startswith(SOFTWARE):
            return Origin.parse(software.removeprefix(f"{SOFTWARE} "))
    return None


def _software_of_tif(path: Path) -> str:
    with tifffile.TiffFile(path) as file:
        return str(file.pages.first.software)


def _software_of_zarr(path: Path) -> str:
    """What its attributes say; nothing if labels were changed since."""
    attributes = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    return str(attributes["software"]) if attributes["sha256"] == content_digest(path / "0") else ""


def last_change(path: Path) -> int:
    """The time, in ns, at which a file, or the newest file in a folder but for hidden ones, was changed."""
    files = [each for each in path.rglob("[!.]*") if each.is_file()] if path.is_dir() else [path]
    return max((file.stat().st_mtime_ns for file in files), default=0)


def write_tif(
    path: Path, labels: np.ndarray, kind: np.dtype, pixel_size: Sequence[float] | None, axes: str, software: str
) -> None:
    """The same as tif. The compression, deflate, is lossless and known to every reader."""
    with atomic_write(path) as part:
        if labels.nbytes <= AT_ONCE:
            file = BytesIO()  # tifffile does not report a full disk
            _encode(file, labels, kind, pixel_size, axes, software)
            part.write_bytes(file.getbuffer())
        else:
            with open(part, "wb") as stream:
                _encode(stream, labels, kind, pixel_size, axes, software)
            _check_whole(part, path)


def _encode(
    file: BinaryIO, labels: np.ndarray, kind: np.dtype, pixel_size: Sequence[float] | None, axes: str, software: str
) -> None:
    sizes = dict(zip(axes, pixel_size or (), strict=bool(pixel_size)))
    units: dict[str, Any] = {"unit": "um"} if sizes else {}
    if "Z" in sizes:
        units["spacing"] = sizes["Z"]
    content: dict[str, Any]
    if labels.nbytes > AT_ONCE:
        content = {"data": _tiles(labels, kind), "shape": labels.shape, "dtype": kind, "tile": (TILE, TILE)}
    else:
        content = {"data": labels.astype(kind)}
    tifffile.imwrite(
        file,
        **content,
        bigtiff=labels.size * kind.itemsize > LARGEST_CLASSIC,
        photometric="minisblack",
        compression="zlib",
        description=tifffile.imagej_description(
            labels.shape, axes=axes, rgb=False, min=0, max=int(labels.max(initial=0)), **units
        ),
        metadata=None,  # the description is ImageJ's, which tifffile itself writes for 16 bits only
        software=software,
        resolution=(1 / sizes["X"], 1 / sizes["Y"]) if sizes else None,
        resolutionunit="none",
    )


def _tiles(labels: np.ndarray, kind: np.dtype) -> Iterator[np.ndarray]:
    """Tiles of all planes, row by row, filled up with zeros at the borders."""
    rows, columns = (range(0, side, TILE) for side in labels.shape[-2:])
    for plane in np.ndindex(labels.shape[:-2]):
        for top, left in product(rows, columns):
            part = labels[plane][top : top + TILE, left : left + TILE].astype(kind)
            yield np.pad(part, [(0, TILE - side) for side in part.shape])


def _check_whole(part: Path, path: Path) -> None:
    """OSError if a tif ends before its last tile."""
    with tifffile.TiffFile(part) as file:
        ends = [
            offset + count for page in file.pages for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        ]
    if part.stat().st_size < max(ends):
        raise OSError(ENOSPC, "no room for the whole file", str(path))


def write_zarr(
    path: Path, labels: np.ndarray, kind: np.dtype, pixel_size: Sequence[float] | None, axes: str, software: str
) -> None:
    """The same as OME-Zarr 0.5 of one resolution; GrdError for an existing folder of another kind."""
    import zarr

    if path.exists() and not (path / "zarr.json").exists():
        raise GrdError(f"{path}: expected no file or folder but zarr, found another; choose another folder for labels")
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    group = zarr.open_group(part, mode="w", zarr_format=3)
    chunks = (*(1 for _ in labels.shape[:-2]), *(min(TILE, side) for side in labels.shape[-2:]))
    array = group.create_array("0", shape=labels.shape, chunks=chunks, dtype=kind)
    for index in product(*(range(0, side, chunk) for side, chunk in zip(labels.shape, chunks, strict=True))):
        region = tuple(slice(first, first + chunk) for first, chunk in zip(index, chunks, strict=True))
        array[region] = labels[region].astype(kind)
    units = {letter: {"type": "time"} if letter == "T" else {"type": "space"} for letter in axes}
    if pixel_size:
        units = {letter: unit | ({"unit": "micrometer"} if letter != "T" else {}) for letter, unit in units.items()}
    scale: list[Any] = [{"type": "scale", "scale": list(pixel_size or (1.0,) * labels.ndim)}]
    image: dict[str, Any] = {
        "axes": [{"name": letter.lower(), **unit} for letter, unit in units.items()],
        "datasets": [{"path": "0", "coordinateTransformations": scale}],
    }
    ome: dict[str, Any] = {"version": "0.5", "multiscales": [image], "image-label": {}}
    group.attrs.update({"ome": ome, "software": software, "sha256": content_digest(part / "0")})
    shutil.rmtree(path, ignore_errors=True)
    part.rename(path)
