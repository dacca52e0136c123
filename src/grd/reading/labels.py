"""Label images and volumes as people store them."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from skimage.measure import label

from grd.errors import GrdError
from grd.reading.axes import SEPARATE, Choice, Frame, frames
from grd.reading.files import LABELS, open_file
from grd.reading.stored import UNNAMED, Stored

INVALID = 1 << 63
"""Ids from here on are CREMI's marks of voxels without ground truth; they become 0."""


PIECES = 3
"""Pieces per number above which an array is taken for a mask, a colouring or an image in place of labels."""

WHITE = 255
"""The one number of masks of all objects; who numbers objects rarely starts there."""

LOOKED_AT = {2: 1024, 3: 256}
"""Side of the middle part in which pieces are counted, by rank."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labels:
    """Label images (Y, X) or volumes (Z, Y, X) of a file, with integer ids, and their names where there are several."""

    where: str
    arrays: list[np.ndarray]
    names: list[str]

    def in_order_of(self, names: Sequence[str], where: str) -> list[np.ndarray]:
        """The arrays in the order of other images' names, by place where one side only counts its images.

        GrdError, which names the other file `where`, for another number of images, for images of other names, and for images of
        one name whose order differs.
        """
        if len(names) != len(self.names):
            raise GrdError(
                f"{self.where}: expected {len(names)} images as in {where}, found {len(self.names)}; complete one of the two"
            )
        counted = [str(number) for number in range(len(names))]
        if len(names) == 1 or self.names == names or counted in (names, self.names):
            return self.arrays
        if lonely := sorted({*names} ^ {*self.names}):
            raise GrdError(f"{self.where}: expected images of the same names as in {where}, found {lonely[0]} in one only")
        if twice := sorted(name for name, times in Counter(self.names).items() if times > 1):
            raise GrdError(f"{self.where}: expected names that differ, or the order of {where}, found several {twice[0]}")
        by_name = dict(zip(self.names, self.arrays, strict=True))
        return [by_name[name] for name in names]


def label_rank(path: Path) -> int | None:
    """2 if a file holds label images, 3 for a volume, None if its axes leave both open."""
    with open_file(path, LABELS) as stored:
        return _rank(stored)


def read_labels(path: Path, rank: int, axes: str | None = None, whole: bool = False, shared: str = "") -> Labels:
    """Labels of images (rank 2) or volumes (rank 3), with ids as they are stored, of colours R * 65536 + G * 256 + B.

    `axes` replace those of the file; so do `shared` ones, if they are as many as the file's. Colours of a palette are counted by
    their numbers. With rank 2 an array (n, Y, X) without names of axes holds n images. Objects of many pieces are warned of,
    unless all that is marked is one `whole` object. GrdError for values that are no whole numbers from 0, for colours above 255,
    and for files whose compression changes values.
    """
    with open_file(path, LABELS) as stored:
        if len(shared) == stored.array.ndim:
            axes = shared
        if stored.lossy:
            raise GrdError(f"{path}: expected labels, found a format that changes values, such as JPEG; store them as tif or PNG")
        if rank == 2 and axes is None:
            stored = replace(stored, axes=_images(stored))
        found = frames(replace(stored, palette=None, inverted=False), rank, Choice(axes))
        arrays = [_ids(sample) for sample in found.samples]
    if not whole:
        for sample, ids in zip(found.samples, arrays, strict=True):
            _warn_of_pieces(ids, sample.where)
    return Labels(str(path), arrays, found.names if found.along else [""])


def _rank(stored: Stored) -> int | None:
    long = [letter for letter, size in zip(stored.axes, stored.array.shape, strict=True) if size > 1 or letter in "YX"]
    if "Z" in long:
        return 3
    unnamed = long.count(UNNAMED)
    if unnamed == len(long):  # no names at all
        return 2 if len(long) <= 2 else None
    return None if unnamed else 2


def _images(stored: Stored) -> str:
    """Axes in which the first unnamed one of more than two holds separate images."""
    shape = stored.array.shape
    unnamed = [axis for axis, letter in enumerate(stored.axes) if letter == UNNAMED and shape[axis] > 1]
    named = len(unnamed) < sum(size > 1 for size in shape)
    colours = not named and shape[-1] in (3, 4)
    if any(letter in stored.axes for letter in SEPARATE) or len(unnamed) != (1 if named else 3) or colours:
        return stored.axes
    letters = iter("N" if named else "NYX")
    return "".join(next(letters) if axis in unnamed else letter for axis, letter in enumerate(stored.axes))


def _warn_of_pieces(labels: np.ndarray, where: str) -> None:
    """Warn of objects of many pieces: a mask of all, a colouring in which numbers return, or an image."""
    side = LOOKED_AT[labels.ndim]
    part = labels[tuple(slice(max(length - side, 0) // 2, (length + side) // 2) for length in labels.shape)]
    ids, pieces = np.unique(part[part > 0]), label(part, return_num=True)[1]
    numbers = len(ids)
    if pieces > (1 if ids.tolist() == [WHITE] else PIECES * numbers):
        log.warning(
            "%s: %d number%s for %d pieces; expected a number for each object, not a mask of all, a colouring or an image",
            where,
            numbers,
            "s" * (numbers != 1),
            pieces,
        )


def ids_of_colours(colours: np.ndarray) -> np.ndarray:
    """Ids (Y, X) uint32 of the colours (Y, X, 3 or more), R * 65536 + G * 256 + B."""
    red, green, blue = (colours[..., channel].astype(np.uint32) for channel in range(3))
    return (red << 16) | (green << 8) | blue  # type: ignore[no-any-return]


def _ids(sample: Frame) -> np.ndarray:
    values = sample[...]
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    if values.dtype.kind not in "ui" or values.min(initial=0) < 0:
        found = f"{values.dtype}, smallest {values.min()}" if values.size and values.dtype.kind in "uif" else values.dtype
        raise GrdError(f"{sample.where}: expected whole numbers from 0 as labels, found {found}; convert them")
    if sample.axes.endswith("S"):
        if values.max(initial=0) > 255:
            raise GrdError(
                f"{sample.where}: expected colours of 8 bits as labels, found the value {values.max()}; store a number for each "
                "object, or name the axes if these planes are no colours"
            )
        values = ids_of_colours(values)
    elif values.dtype == np.uint64:
        values = np.where(values >= INVALID, 0, values)
    return values
