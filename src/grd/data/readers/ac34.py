"""AC3 and AC4: neurites of the mouse's cortex, serial sections of 30 nm at 6 nm per pixel.

AC3AC4Package.zip holds a grey PNG per section, 256 of AC3 and 100 of AC4, and as many PNG whose colours are ids,
R * 65536 + G * 256 + B. Images and labels pair by the order of their numbers, which may start at 0 or at 1. Instead
there may be the volumes alone: `AC3_inputs.h5` and the like, each with one dataset `main`, and for AC4 the files of
SNEMI3D's training set, which is AC4.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from grd.data.archives import hdf5, zips
from grd.data.images import read_image
from grd.data.readers import volumes
from grd.data.readers.images import incomplete
from grd.data.sample import Sample
from grd.errors import GrdError

ARCHIVE = "AC3AC4Package.zip"
MAIN = "main"
# of each volume: patterns of its images and of its labels in the package, the group is the number of the section
MEMBERS = {
    "AC3": (r"(?:^|/)Thousand_highmag_256slices_2kcenter_1k_inv_(\d+)\.png$", r"(?:^|/)ac3_daniel_s(\d+)\.png$"),
    "AC4": (r"(?:^|/)affinecropped4_inv_(\d+)\.png$", r"(?:^|/)ac4_daniel_s(\d+)\.png$"),
}
# pairs of files that stand in for the package, the better first
PAIRS = {
    "AC3": [("AC3_inputs.h5", "AC3_labels.h5")],
    "AC4": [("AC4_inputs.h5", "AC4_labels.h5"), ("train-input.tif", "train-labels.tif")],
}


def read(archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
    """The volumes `AC3` and `AC4`, from the package or from the files instead: image (Z, Y, X) uint8, labels (Z, Y, X).

    A volume of which there is nothing is a GrdError, or with `allow_missing` is left out.
    """
    for name in MEMBERS:
        volume = _from_package(name, archives[ARCHIVE]) if ARCHIVE in archives else _from_pair(name, archives)
        if volume is not None:
            yield volume
        elif not allow_missing:
            where = ", ".join(map(str, archives.values()))
            raise incomplete(f"{where}: expected the volumes AC3 and AC4, found no {name}", "ac34")


def ids(colours: np.ndarray) -> np.ndarray:
    """Ids (Y, X) uint32 of a section's colours (Y, X, 3 or 4); those of a grey section (Y, X) are its values."""
    if colours.ndim == 2:
        return colours.astype(np.uint32)
    red, green, blue = (colours[..., channel].astype(np.uint32) for channel in range(3))
    return (red << 16) | (green << 8) | blue


def _from_package(name: str, path: Path) -> Sample | None:
    with zips.opened(path) as file:
        images, masks = (_by_number(zips.members(file, pattern)) for pattern in MEMBERS[name])
        if not images and not masks:
            return None
        if len(images) != len(masks):
            raise GrdError(
                f"{path}: expected as many sections of labels as of images in {name}, found {len(masks)} and {len(images)}; "
                "get the archive again"
            )
        volume = np.empty((len(images), *zips.image(file, images[0]).shape[:2]), np.uint8)
        for section, picture in zip(volume, _sections(file, images, volume.shape), strict=True):
            section[:] = picture if picture.ndim == 2 else picture[..., 0]
        colours = (ids(mask)[None] for mask in _sections(file, masks, volume.shape))
        return Sample(name, volume, volumes.consecutive(colours, volume.shape, f"{path}: {masks[0]} to {masks[-1]}"))


def _by_number(members: dict[str, str]) -> list[str]:
    return [members[number] for number in sorted(members, key=int)]


def _sections(file: zipfile.ZipFile, members: list[str], shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The sections (Y, X[, channels]) uint8, one after another; another type, or size than `shape` says, is a GrdError."""
    for member in members:
        section = zips.image(file, member)
        if section.shape[:2] != shape[1:] or section.dtype != np.uint8:
            raise GrdError(
                f"{file.filename}: expected uint8 sections of shape {shape[1:]}, found {section.dtype} of shape "
                f"{section.shape[:2]} in {member}; get the archive again"
            )
        yield section


def _from_pair(name: str, archives: dict[str, Path]) -> Sample | None:
    """The volume of the first pair that is complete; None if there is none."""
    for inputs, labels in PAIRS[name]:
        if inputs in archives and labels in archives:
            read_pair = _from_h5 if inputs.endswith(".h5") else _from_tif
            return read_pair(name, archives[inputs], archives[labels])
    return None


def _from_h5(name: str, inputs: Path, labels: Path) -> Sample:
    with hdf5.opened(inputs) as images:
        raw = hdf5.dataset(images, MAIN)[:]
    with hdf5.opened(labels) as masks:
        return volumes.sample(name, raw, hdf5.dataset(masks, MAIN), f"{inputs}: {MAIN}", f"{labels}: {MAIN}")


def _from_tif(name: str, inputs: Path, labels: Path) -> Sample:
    return volumes.sample(name, read_image(inputs), read_image(labels), str(inputs), str(labels))
