"""A user's own images and masks: files of any format in two folders, or a folder per image.

A mask is a label image (a number for each object, 0 for background) or a folder with one mask file per object. Masks have the
names of their images, or these with an ending such as `-labels` or `_mask`; what ends an image's name, such as `_img`, may be
left out.
"""

import logging
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from grd.config.datasets import Folder
from grd.data.ids import relabel_consecutive
from grd.data.readers import volumes
from grd.data.readers.celegans import flatten
from grd.data.sample import Sample
from grd.errors import GrdError
from grd.reading.axes import Choice, frames
from grd.reading.files import open_file
from grd.reading.labels import Labels, read_labels
from grd.reading.paths import ALL_ENDS, ENDINGS, IMAGE_ENDS, LABEL_ENDS, composed, files_by_name, files_of, is_folder

IMAGES, MASKS = "images", "masks"
Pair = tuple[Path, Path]

log = logging.getLogger(__name__)


def read(files: dict[str, Path], allow_missing: bool, settings: Folder) -> Iterator[Sample]:
    """The samples of files named `images/NAME` and `masks/NAME`, in the order of their names."""
    for name in sorted(key.removeprefix(f"{IMAGES}/") for key in files if key.startswith(f"{IMAGES}/")):
        yield from read_pair(name, (files[f"{IMAGES}/{name}"], files[f"{MASKS}/{name}"]), settings)


def read_pair(name: str, pair: Pair, settings: Folder) -> Iterator[Sample]:
    """The sample of an image and its mask, or samples NAME:0, NAME:1, … of a file with several images; ids are consecutive.

    GrdError for a mask of another size, with more than 65,535 objects, or for another number of images than of masks.
    """
    image, mask = pair
    with open_file(image) as stored:
        stack = frames(stored, settings.rank, Choice(settings.axes, settings.channel))
        found, labels = stack.samples, read_mask(mask, settings.rank, settings.axes).in_order_of(stack.names or [""], str(image))
        for number, (pixels, objects) in enumerate(zip(found, labels, strict=True)):
            size = pixels.shape[: settings.rank]
            if size != objects.shape:
                raise GrdError(f"{mask}: expected the size {size} of {image}, found {objects.shape}; replace one of the two")
            yield Sample(name if len(found) == 1 else f"{name}:{number}", pixels[...], _consecutive(objects, mask))


def read_mask(mask: Path, rank: int, axes: str | None = None) -> Labels:
    """Labels (H, W) or (Z, Y, X) of a label file, or of a folder with a mask per object, whose pixels other than 0 are its own.

    Where objects of a folder overlap, the smaller one is on top. `axes` are those of the images, which masks without channels
    may share.
    """
    if rank == 3 or not is_folder(mask):
        return read_labels(mask, rank, shared=re.sub("[CS]", "", (axes or "").upper()))
    objects = {path: _object(path) for path in files_of(mask)}
    first = next(iter(objects))
    if other := next((path for path in objects if objects[path].shape != objects[first].shape), None):
        raise GrdError(
            f"{mask}: expected objects in masks of one size, found {objects[first].shape} in {first.name} and "
            f"{objects[other].shape} in {other.name}; replace one of the two"
        )
    return Labels(str(mask), [flatten(list(objects.values()))], [""])


def _object(path: Path) -> np.ndarray:
    """The one object (H, W) of a mask; GrdError for several pages, and for numbers that tell several objects apart."""
    pages = read_labels(path, 2, whole=True).arrays
    numbers = np.unique(pages[0])
    if len(pages) > 1 or np.count_nonzero(numbers) > 1:
        found = f"{len(pages)} pages" if len(pages) > 1 else f"{np.count_nonzero(numbers)} different numbers"
        raise GrdError(
            f"{path}: expected the mask of one object, as it lies in a folder for an image, found {found}; if it is a label "
            f"image, name it {path.parent.name}{path.suffix} and put it in place of the folder"
        )
    return pages[0] > 0


def _consecutive(labels: np.ndarray, where: Path) -> np.ndarray:
    if labels.ndim == 3:
        return volumes.relabel_blocks(iter(labels[:, None]), labels.shape, str(where))
    if (count := len(np.unique(labels[labels > 0]))) > volumes.MOST_IDS:
        raise GrdError(f"{where}: expected at most {volumes.MOST_IDS} objects, found {count}; crop the image")
    return relabel_consecutive(labels).astype(np.uint16)


def find_pairs(images: Path, masks: Path) -> dict[str, Pair]:
    """Image and mask of each sample, by its name; GrdError for an image without mask, and for a mask without image.

    Both may be one folder: of files `NAME` and `NAME_mask`, or of folders `NAME`, in which `images` has the image and `masks` a
    mask per object. `masks` may also hold a folder `NAME` of such masks for each image.
    """
    for folder in (images, masks):
        if not folder.is_dir():
            raise GrdError(f"{folder}: expected a folder, found {'a file' if folder.exists() else 'none'}; check the path")
    pictures, labels = _images(images, images == masks), _masks(masks, images == masks)
    if lonely := sorted(pictures.keys() ^ labels.keys()):
        where = masks if lonely[0] in pictures else images
        raise GrdError(
            f"{where}: expected an image and a mask of each of {len(pictures.keys() | labels.keys())} names, found one of the "
            f"two for {', '.join(lonely[:5])}{', …' if len(lonely) > 5 else ''}; complete the folders, or take these away"
        )
    return {_checked(name): (pictures[name], labels[name]) for name in pictures}


def _images(folder: Path, shared: bool) -> dict[str, Path]:
    """Image files by name of the sample; in a folder of both, those without the ending of a mask."""
    if nested := _below(folder, IMAGES):
        _warn_of_others(folder, [path.parent for path in nested.values()])
        return {name: _only_file(inner) for name, inner in nested.items()}
    files = [path for path in files_of(folder) if not (shared and LABEL_ENDS.search(path.stem))]
    return files_by_name(folder, IMAGE_ENDS, files)


def _masks(folder: Path, shared: bool) -> dict[str, Path]:
    """Label files, or folders with a mask per object, by name of the sample."""
    if nested := _below(folder, MASKS):
        return nested
    folders = _subfolders(folder)
    if folders and not any(path.suffix.lower() in ENDINGS for path in folder.iterdir()):
        return files_by_name(folder, IMAGE_ENDS, folders)
    files = [path for path in files_of(folder) if not shared or LABEL_ENDS.search(path.stem)]
    return files_by_name(folder, ALL_ENDS, files)


def _below(folder: Path, kind: str) -> dict[str, Path]:
    """Folders NAME/`kind`, by NAME."""
    return {composed(path.name): path / kind for path in _subfolders(folder) if (path / kind).is_dir()}


def _warn_of_others(folder: Path, taken: Collection[Path]) -> None:
    """Warn of subfolders and image files that are left out, since there are folders NAME/images beside them."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith(".")]
    others = sorted(path.name for path in {*_subfolders(folder), *files} - set(taken))
    if others:
        log.warning(
            "%s: left out %s: only folders with a folder %s in them, such as %s, are read",
            folder,
            ", ".join(others[:5]) + ", …" * (len(others) > 5),
            IMAGES,
            min(taken).name,
        )


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_folder(path) and not path.name.startswith("."))


def _only_file(folder: Path) -> Path:
    found = files_of(folder)
    if len(found) > 1:
        raise GrdError(f"{folder}: expected one image, found {found[0].name} and {found[1].name}; take one away")
    return found[0]


def _checked(name: str) -> str:
    """The name itself; GrdError for one that a split file cannot hold."""
    if {"[", "]", ":"} & set(name):
        raise GrdError(f"{name}: expected a name without brackets and colons, which mark parts of samples; rename image and mask")
    return name
