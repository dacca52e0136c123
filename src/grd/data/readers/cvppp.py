"""CVPPP A1: rosette plants seen from above, one id per leaf.

CVPPP2017_LSC_training.zip holds `A1/plantNNN_rgb.png` (RGB or RGBA), `A1/plantNNN_label.png` (palette, the index is the
id, ids have gaps) and other folders (A2 to A4), which are not read.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from grd.data.archives import zips
from grd.data.readers.images import image_sample, pair_names
from grd.data.sample import Sample
from grd.errors import GrdError

ARCHIVE = "CVPPP2017_LSC_training.zip"


def read(archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
    """Plants in the order of their names (`plant001`): image (H, W, 3) uint8, labels (H, W)."""
    path = archives[ARCHIVE]
    with zips.open_file(path) as file:
        images = zips.members(file, r"(?:^|/)A1/(plant\d{3})_rgb\.png$")
        masks = zips.members(file, r"(?:^|/)A1/(plant\d{3})_label\.png$")
        for name in pair_names("cvppp", images, masks, path, allow_missing):
            labels = zips.read_image(file, masks[name])
            yield image_sample(name, _rgb(zips.read_image(file, images[name]), name, path), _ids(labels, name, path), path)


def _rgb(image: np.ndarray, name: str, where: Path) -> np.ndarray:
    if image.ndim != 3 or image.dtype != np.uint8:
        raise GrdError(
            f"{where}: expected an RGB image of {name}, found {image.dtype} of shape {image.shape}; get the archive again"
        )
    return image[..., :3]


def _ids(labels: np.ndarray, name: str, where: Path) -> np.ndarray:
    if labels.ndim != 2:
        raise GrdError(
            f"{where}: expected a palette or grey mask of {name}, whose values are ids, found shape {labels.shape}; "
            "get the archive again"
        )
    return labels
