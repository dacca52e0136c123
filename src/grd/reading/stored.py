"""One array of a file, and what the file says of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from grd.errors import GrdError

UNNAMED = "Q"
LETTERS = "TZCYXSN" + UNNAMED

MICROMETRES = {
    **{"µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6},
    **{"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6},
}
"""Micrometres of a unit, by the names that ImageJ, OME-TIFF and OME-Zarr give it."""


@dataclass(frozen=True)
class Stored:
    """An array in a file, read where it is sliced.

    Attributes:
        where: File and part, for messages.
        array: Anything with `shape`, `dtype` and slicing.
        axes: A letter per axis: T, Z, C, Y and X as in microscopy, S for red, green, blue (and alpha), N for separate images, Q
            for an axis that the file does not name.
        pixel_size: µm by axis letter, where the file says so.
        names: Names of the images along N.
        channels: Names of the channels along C.
        palette: Colours (n, 3) uint8 of the values, if these are numbers of colours.
        inverted: 0 is white.
        lossy: Compression changed the values, so that they are no labels.
    """

    where: str
    array: Any
    axes: str
    pixel_size: dict[str, float] = field(default_factory=dict)
    names: Sequence[str] = ()
    channels: Sequence[str] = ()
    palette: np.ndarray | None = None
    inverted: bool = False
    lossy: bool = False

    def describe(self) -> str:
        """Shape and axes for a message: `shape (3, 512, 512) with axes CYX`."""
        named = f"axes {self.axes.replace(UNNAMED, '?')}" if set(self.axes) - {UNNAMED} else "axes without names"
        return f"shape {tuple(self.array.shape)} with {named}"


def locate(path: Path) -> tuple[Path, str | None]:
    """A path `file.h5:volumes/raw` → the file, and the part of it; a path that exists has no part."""
    text = str(path)
    head, colon, part = text.rpartition(":")
    if path.exists() or not colon or not Path(head).exists():
        return path, None
    return Path(head), part


def no_parts(path: Path, part: str | None) -> None:
    """GrdError if a part of a file is named whose format has a single array."""
    if part is not None:
        raise GrdError(f"{path}:{part}: expected a file without parts, found '{part}'; leave out the colon and what follows")


def known_axes(letters: str, rank: int) -> str:
    """Axes of an array of `rank` axes in LETTERS: letters of other programs, and what is missing in front, become Q."""
    known = "".join(letter if letter in LETTERS else UNNAMED for letter in letters.upper())
    return known.rjust(rank, UNNAMED)[-rank:] if rank else ""


@contextmanager
def readable(where: Path | str) -> Iterator[None]:
    """Context in which whatever a library raises about a file becomes a GrdError that names it: of a damaged one, anything."""
    try:
        yield
    except (GrdError, PermissionError):
        raise
    except MemoryError as error:
        raise GrdError(
            f"{where}: expected an array that fits into memory, found one that does not; is the file damaged?"
        ) from error
    except Exception as error:
        found = " ".join(str(error).split()) or type(error).__name__
        raise GrdError(f"{where}: expected a readable file, found {found}; convert or replace it") from error
