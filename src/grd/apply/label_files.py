"""Label images as compressed tif files that napari, Fiji and QuPath open."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from grd.system.files import atomic_write

LARGEST_CLASSIC = 2**32 - 2**25
"""Bytes of labels up to which the file is a classic tif: Fiji reads no BigTIFF without Bio-Formats."""


def write_labels(path: Path, labels: np.ndarray, pixel_size: Sequence[float] | None = None, axes: str | None = None) -> None:
    """Write a label image (H, W) or volume (Z, Y, X) as tif, whole or not at all; OSError for a full disk.

    16-bit, or 32-bit if a label exceeds 65535; Fiji shows these as decimal numbers, exact up to 16,777,216. The compression,
    deflate, is lossless and known to every reader. `axes` are letters of TZCYX in this order, YX or ZYX by default, so that Fiji
    shows sections as Z; `pixel_size` is in µm per axis. The file is encoded in memory: tifffile does not report a full disk.
    """
    axes = axes or "ZYX"[-labels.ndim :]
    top = int(labels.max(initial=0))
    sizes = dict(zip(axes, pixel_size or (), strict=bool(pixel_size)))
    units: dict[str, Any] = {"unit": "um"} if sizes else {}
    if "Z" in sizes:
        units["spacing"] = sizes["Z"]
    pages = labels.astype(np.uint16 if top <= np.iinfo(np.uint16).max else np.uint32)
    file = BytesIO()
    tifffile.imwrite(
        file,
        pages,
        bigtiff=pages.nbytes > LARGEST_CLASSIC,
        photometric="minisblack",
        compression="zlib",
        description=tifffile.imagej_description(labels.shape, axes=axes, min=0, max=top, **units),
        metadata=None,  # the description is ImageJ's, which tifffile itself writes for 16 bits only
        resolution=(1 / sizes["X"], 1 / sizes["Y"]) if sizes else None,
        resolutionunit="none",
    )
    with atomic_write(path) as part:
        part.write_bytes(file.getbuffer())
