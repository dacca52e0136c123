"""Zip files read in place, with errors that name file and member."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image

from grd.errors import GrdError

LARGEST = 1 << 28  # bytes of an unpacked member; images and lists take a few megabytes

# all that zipfile and Pillow raise for damaged, truncated or monstrous members
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    RuntimeError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
)


@contextmanager
def open_file(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file, open for reading.

    GrdError if it is damaged or no zip file, or has members that are encrypted or lie outside the archive's folder.
    """
    try:
        file = zipfile.ZipFile(path)
    except UNREADABLE as error:
        raise GrdError(f"{path}: expected a readable zip file, found a damaged one ({error}); get it again") from None
    with file:
        for member in file.infolist():
            _check(member, path)
        yield file


def _check(member: zipfile.ZipInfo, path: Path) -> None:
    # members are read in place, but a user may unpack the archive with another tool; Windows' paths include those of Unix
    name = PureWindowsPath(member.filename)
    if name.anchor or ".." in name.parts or "\\" in member.filename:
        raise GrdError(
            f"{path}: expected members below the archive's own folder, found {member.filename!r}; get the official archive"
        )
    if member.flag_bits & 1:
        raise GrdError(
            f"{path}: expected members without a password, found {member.filename!r} encrypted; unpack and zip them without one"
        )


def is_zip(path: Path) -> bool:
    """True if a file is a zip by its name or its contents, readable or not."""
    return path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


def names(file: zipfile.ZipFile) -> list[str]:
    """Names of the members of a zip, without the copies that macOS adds."""
    return [name for name in file.namelist() if not name.startswith("__MACOSX") and "/__MACOSX/" not in name]


def members(file: zipfile.ZipFile, pattern: str) -> dict[str, str]:
    """Member names by sample name, the first group of `pattern`; GrdError if a sample has two members."""
    found: dict[str, str] = {}
    for name in names(file):
        if match := re.search(pattern, name):
            if match[1] in found:
                raise GrdError(
                    f"{file.filename}: expected one member for {match[1]}, found {found[match[1]]} and {name}; "
                    "get the official archive"
                )
            found[match[1]] = name
    return found


def read_image(file: zipfile.ZipFile, member: str) -> np.ndarray:
    """An image member as an array (H, W[, channels]); a palette image gives its indices, not its colours."""
    try:
        with Image.open(io.BytesIO(_read_member(file, member))) as image:
            return np.asarray(image)
    except UNREADABLE as error:
        raise GrdError(
            f"{file.filename}: expected a readable image in {member}, found a damaged one ({error}); get the archive again"
        ) from None


def _read_member(file: zipfile.ZipFile, member: str) -> bytes:
    size = file.getinfo(member).file_size  # zipfile unpacks no more than this, whatever the member holds
    if size > LARGEST:
        raise GrdError(
            f"{file.filename}: expected members of at most {LARGEST >> 20} MiB, found {member} of {size >> 20} MiB; "
            "get the official archive"
        )
    return file.read(member)


def read_text(file: zipfile.ZipFile, member: str) -> str:
    """A text member as a string."""
    try:
        return _read_member(file, member).decode()
    except (KeyError, *UNREADABLE) as error:
        raise GrdError(
            f"{file.filename}: expected a text file {member}, found none that is readable ({error}); get the archive again"
        ) from None
