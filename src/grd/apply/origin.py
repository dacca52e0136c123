"""What labels were made of, so that those of another image, channel or moment are not taken for them."""

import math
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from grd.reading.axes import Choice
from grd.reading.files import open_file
from grd.reading.grey import regions
from grd.reading.stored import locate, readable

MARK = ", values"
PIECE, MOST = 1 << 22, 1 << 26
"""Values that are read together, and values of which an array is read as a whole; of larger ones evenly spread parts are read."""


class Origin(NamedTuple):
    """An image that was segmented.

    image: Name of its file, its part, and the options that choose a part of it, such as `a.tif --time 1`.
    values: A checksum of its values; of formats that change values, which not all computers decode to the same, one of the file.
    """

    image: str
    values: str = ""

    def __str__(self) -> str:
        return f"{self.image}{MARK} {self.values}".rstrip()  # as readers of tif hand it back

    @classmethod
    def of(cls, path: Path, choice: Choice, with_values: bool = True) -> "Origin":
        """That of labels to be made of a file, the same wherever the file lies; without its values the file is not opened.
        GrdError for a file that cannot be read."""
        file, part = locate(path)
        image = f"{file.name}{f':{part}' if part else ''} {choice}".rstrip()
        if not with_values:
            return cls(image)
        with open_file(path) as stored, readable(stored.where):
            if stored.lossy:
                return cls(image, checksum_of_file(file))
            return cls(image, checksum(stored.array) if np.dtype(stored.array.dtype).kind in "biuf" else "")

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """The origin in a text that `str` made; ValueError for another text."""
        image, values = text.rsplit(MARK, 1)
        return cls(image, values.strip())


def checksum_of_file(path: Path) -> str:
    """Checksum of a file's bytes."""
    found = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found = crc32(piece, found)
    return f"{found:08x}"


def checksum(array: Any) -> str:
    """Checksum of the shape and values of anything with shape, dtype and slicing, whatever type of integer, or of float,
    holds the values; of more than MOST values it is that of parts."""
    found, shape = crc32(repr(tuple(array.shape)).encode()), tuple(array.shape)
    kind = np.dtype("<f8" if array.dtype.kind == "f" else "<i8")
    planes = np.ndindex(*shape[:-3]) if math.prod(shape) else ()
    pieces = [(*plane, *region) for plane in planes for region in regions((*shape[-3:], 1), PIECE)]
    for piece in pieces[:: max(1, math.ceil(math.prod(shape) / MOST))]:
        found = crc32(np.ascontiguousarray(array[piece[: len(shape)]], kind).data, found)
    return f"{found:08x}"
