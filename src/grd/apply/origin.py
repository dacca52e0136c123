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

MARK = ", values "
PIECE, PIECES = 1 << 22, 16
"""Values that are read together, and the number of such pieces that are read of an array, evenly spread if it has more."""


class Origin(NamedTuple):
    """An image that was segmented.

    image: Name of its file, its part, and the options that choose a part of it, such as `a.tif --time 1`.
    values: A checksum of its values; nothing if labels of an earlier version do not say it.
    """

    image: str
    values: str = ""

    def __str__(self) -> str:
        return f"{self.image}{MARK}{self.values}"

    @classmethod
    def of(cls, path: Path, choice: Choice) -> "Origin":
        """That of labels to be made of a file; the same wherever the file lies."""
        file, part = locate(path)
        with open_file(path) as stored, readable(stored.where):
            return cls(f"{file.name}{f':{part}' if part else ''} {choice}".rstrip(), checksum(stored.array))

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """The origin in a text that `str` made, or an earlier version, which knew no checksum."""
        image, mark, values = text.rpartition(MARK)
        return cls(image, values) if mark else cls(text)


def checksum(array: Any) -> str:
    """Checksum of the shape and values of anything with shape, dtype and slicing: of parts of it if it is very large."""
    planes = np.ndindex(*array.shape[:-3])
    pieces = [(*plane, *region) for plane in planes for region in regions((*array.shape[-3:], 1), PIECE)]
    kind, found = np.dtype(array.dtype).newbyteorder("="), crc32(repr(tuple(array.shape)).encode())
    for piece in pieces[:: max(1, math.ceil(len(pieces) / PIECES))]:
        found = crc32(np.ascontiguousarray(array[piece[: len(array.shape)]], kind).data, found)
    return f"{found:08x}"
