"""AC3 and AC4: neurites of the mouse's cortex, serial sections of 30 nm at 6 nm per pixel.

AC3AC4Package.zip holds a grey PNG per section, 256 of AC3 and 100 of AC4, and as many PNG whose colours are ids,
R * 65536 + G * 256 + B. Numbers may start at 0 or at 1. Labels are numbered from the last section of the images to the first, as
several who use the package report; since no document of it says so, the pictures decide (`in_order_of`). Other files may replace
the package: `AC3_inputs.h5` and the like, each with one dataset `main`, and for AC4 the files of SNEMI3D's training set, which is
AC4.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from grd.data.archives import zips
from grd.data.readers import volumes
from grd.data.readers.images import missing_samples_error
from grd.data.sample import Sample
from grd.errors import GrdError
from grd.reading.axes import frames
from grd.reading.files import open_file
from grd.reading.labels import ids_of_colours, read_labels

ARCHIVE = "AC3AC4Package.zip"
# per volume: patterns of its images and its labels in the package; the group is the number of the section
MEMBERS = {
    "AC3": (r"(?:^|/)Thousand_highmag_256slices_2kcenter_1k_inv_(\d+)\.png$", r"(?:^|/)ac3_daniel_s(\d+)\.png$"),
    "AC4": (r"(?:^|/)affinecropped4_inv_(\d+)\.png$", r"(?:^|/)ac4_daniel_s(\d+)\.png$"),
}
SEEN = 10  # sections by which the order of labels is told
# pairs of files that can replace the package, the preferred pair first
PAIRS = {
    "AC3": [("AC3_inputs.h5", "AC3_labels.h5")],
    "AC4": [("AC4_inputs.h5", "AC4_labels.h5"), ("train-input.tif", "train-labels.tif")],
}


def read(archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
    """The volumes `AC3` and `AC4`, from the package or the files that replace it: image (Z, Y, X) uint8, labels (Z, Y, X).

    Raises GrdError for a volume without any file; with `allow_missing` it is left out.
    """
    for name in MEMBERS:
        volume = _read_package(name, archives[ARCHIVE]) if ARCHIVE in archives else _read_pair(name, archives)
        if volume is not None:
            yield volume
        elif not allow_missing:
            where = ", ".join(map(str, archives.values()))
            raise missing_samples_error(f"{where}: expected the volumes AC3 and AC4, found no {name}", "ac34")


def ids(colours: np.ndarray) -> np.ndarray:
    """Ids (Y, X) uint32 of a section's colours (Y, X, 3 or 4); the ids of a grey section (Y, X) are its values."""
    if colours.ndim == 2:
        return colours.astype(np.uint32)
    return ids_of_colours(colours)


def _read_package(name: str, path: Path) -> Sample | None:
    with zips.open_file(path) as file:
        images, masks = (_sort_by_number(zips.members(file, pattern)) for pattern in MEMBERS[name])
        masks.reverse()
        if not images and not masks:
            return None
        if len(images) != len(masks):
            raise GrdError(
                f"{path}: expected as many sections of labels as of images in {name}, found {len(masks)} and {len(images)}; "
                "get the archive again"
            )
        volume = np.empty((len(images), *zips.read_image(file, images[0]).shape[:2]), np.uint8)
        for section, picture in zip(volume, _sections(file, images, volume.shape), strict=True):
            section[:] = picture if picture.ndim == 2 else picture[..., 0]
        colours = (ids(mask)[None] for mask in _sections(file, masks, volume.shape))
        labels = volumes.relabel_blocks(colours, volume.shape, f"{path}: {masks[0]} to {masks[-1]}")
        return Sample(name, volume, in_order_of(volume, labels))


def in_order_of(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Labels (Z, Y, X) as they are, or from the last section to the first: whichever has brighter neurites, and a darker label 0
    between them, in the images (Z, Y, X)."""
    return max((labels, labels[::-1]), key=lambda each: _contrast(images, each))


def _contrast(images: np.ndarray, labels: np.ndarray) -> float:
    """Mean grey value inside the neurites less that between them, over sections that are spread evenly; 0 without one of both."""
    places = np.unique(np.linspace(0, len(images) - 1, SEEN).astype(int))
    grey, inside = images[places], labels[places] > 0
    return float(grey[inside].mean() - grey[~inside].mean()) if inside.any() and not inside.all() else 0.0


def _sort_by_number(members: dict[str, str]) -> list[str]:
    return [members[number] for number in sorted(members, key=int)]


def _sections(file: zipfile.ZipFile, members: list[str], shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Sections (Y, X[, channels]) uint8, one after another; GrdError for another type, or another size than in `shape`."""
    for member in members:
        section = zips.read_image(file, member)
        if section.shape[:2] != shape[1:] or section.dtype != np.uint8:
            raise GrdError(
                f"{file.filename}: expected uint8 sections of shape {shape[1:]}, found {section.dtype} of shape "
                f"{section.shape[:2]} in {member}; get the archive again"
            )
        yield section


def _read_pair(name: str, archives: dict[str, Path]) -> Sample | None:
    """The volume of the first complete pair; None if there is none."""
    for inputs, labels in PAIRS[name]:
        if inputs in archives and labels in archives:
            read = volumes.read_h5_pair if inputs.endswith(".h5") else _read_tif_pair
            return read(name, archives[inputs], archives[labels])
    return None


def _read_tif_pair(name: str, inputs: Path, labels: Path) -> Sample:
    with open_file(inputs) as stored:
        (raw,) = frames(stored, rank=3).samples
        (neurons,) = read_labels(labels, rank=3).arrays
        return volumes.volume_sample(name, raw[...], neurons, str(inputs), str(labels))
