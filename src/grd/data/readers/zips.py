"""What the readers share: zip members read in place, images paired with masks, samples checked."""

import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image

from grd.data.sample import Sample
from grd.errors import GrdError

LARGEST = 1 << 28  # bytes of a member unpacked; images and lists take a few megabytes
# everything that zipfile and Pillow raise for damaged, truncated or monstrous members
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
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file, open for reading; GrdError if it is none, is damaged, or has encrypted members or ones that climb out."""
    try:
        file = zipfile.ZipFile(path)
    except UNREADABLE as error:
        raise GrdError(f"{path}: expected a readable zip file, found a damaged one ({error}); get it again") from None
    with file:
        for member in file.infolist():
            _check(member, path)
        yield file


def _check(member: zipfile.ZipInfo, path: Path) -> None:
    # members are read in place, but what follows the archive about may unpack it; Windows' paths cover those of Unix
    name = PureWindowsPath(member.filename)
    if name.anchor or ".." in name.parts or "\\" in member.filename:
        raise GrdError(
            f"{path}: expected members below the archive's own folder, found {member.filename!r}; get the official archive"
        )
    if member.flag_bits & 1:
        raise GrdError(
            f"{path}: expected members without a password, found {member.filename!r} encrypted; unpack and zip them without one"
        )


def looks_like_zip(path: Path) -> bool:
    """Whether a file is a zip by its name or by its contents, readable or not."""
    return path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


def names(file: zipfile.ZipFile) -> list[str]:
    """The members of a zip, without the copies that macOS adds."""
    return [name for name in file.namelist() if not name.startswith("__MACOSX") and "/__MACOSX/" not in name]


def members(file: zipfile.ZipFile, pattern: str) -> dict[str, str]:
    """Member names by sample name, which is the pattern's first group; two members of one sample are a GrdError."""
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


def image(file: zipfile.ZipFile, member: str) -> np.ndarray:
    """An image member as an array (H, W[, channels]); of a palette image the indices, not the colours."""
    try:
        with Image.open(io.BytesIO(_content(file, member))) as opened_image:
            return np.asarray(opened_image)
    except UNREADABLE as error:
        raise GrdError(
            f"{file.filename}: expected a readable image in {member}, found a damaged one ({error}); get the archive again"
        ) from None


def _content(file: zipfile.ZipFile, member: str) -> bytes:
    size = file.getinfo(member).file_size  # no more than this is unpacked, whatever the member holds
    if size > LARGEST:
        raise GrdError(
            f"{file.filename}: expected members of at most {LARGEST >> 20} MiB, found {member} of {size >> 20} MiB; "
            "get the official archive"
        )
    return file.read(member)


def text(file: zipfile.ZipFile, member: str) -> str:
    """A text member."""
    try:
        return _content(file, member).decode()
    except (KeyError, *UNREADABLE) as error:
        raise GrdError(
            f"{file.filename}: expected a text file {member}, found none that is readable ({error}); get the archive again"
        ) from None


def paired(dataset: str, images: Collection[str], masks: Collection[str], where: Path, allow_missing: bool = False) -> list[str]:
    """The names that have both an image and a mask, sorted; a name with only one is a GrdError unless `allow_missing`."""
    without = {"mask": sorted(set(images) - set(masks)), "image": sorted(set(masks) - set(images))}
    lacking = "; ".join(f"no {what} for {', '.join(which)}" for what, which in without.items() if which)
    if lacking and not allow_missing:
        raise incomplete(f"{where}: expected an image and a mask of every sample, found {lacking}", dataset)
    return sorted(set(images) & set(masks))


def incomplete(fault: str, dataset: str) -> GrdError:
    """The error for missing samples, with the setting that accepts them."""
    return GrdError(f"{fault}; complete the archives, or accept this with 'allow_missing: [{dataset}]' in config/config.yaml")


def sample(name: str, picture: np.ndarray, labels: np.ndarray, where: Path, may_be_empty: bool = False) -> Sample:
    """An image (H, W[, 3]) and its labels (H, W), checked, the ids made consecutive."""
    if picture.shape[:2] != labels.shape:
        raise GrdError(
            f"{where}: expected image and mask of {name} to have one size, found {picture.shape[:2]} and "
            f"{labels.shape}; get the archives again"
        )
    if not may_be_empty and not labels.any():
        raise GrdError(f"{where}: expected instances in the mask of {name}, found an empty mask; get the archive again")
    return Sample(name, picture, consecutive(labels))


def consecutive(labels: np.ndarray) -> np.ndarray:
    """Labels (H, W) with the ids 1..n in the order of the old ids, uint16; 0 stays 0."""
    ids = np.unique(labels)
    return np.searchsorted(ids[ids > 0], labels, side="left").astype(np.uint16) + (labels > 0).astype(np.uint16)
