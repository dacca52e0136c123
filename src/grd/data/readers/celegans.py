"""C. elegans (BBBC010): worms in 384-well plates, brightfield.

BBBC010_v2_images.zip holds two 16-bit tif per well, `…_<well>_w1_<GUID>.tif` (GFP) and `…_<well>_w2_<GUID>.tif`
(brightfield, the one that is read); BBBC010_v1_foreground_eachworm.zip holds one PNG per worm,
`<well>_<nn>_ground_truth.png`; these masks overlap.
"""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from grd.data.archives import zips
from grd.data.readers.images import image_sample, pair_names
from grd.data.sample import Sample
from grd.errors import GrdError

IMAGES = "BBBC010_v2_images.zip"
WORMS = "BBBC010_v1_foreground_eachworm.zip"


def read(archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
    """Wells in the order of their names (`A01`): image (H, W) uint16, labels (H, W)."""
    with zips.open_file(archives[IMAGES]) as pictures, zips.open_file(archives[WORMS]) as masks:
        images = zips.members(pictures, r"_([A-E]\d{2})_w2_[0-9A-F-]+\.tif$")
        worms = group_by_well(zips.members(masks, r"(?:^|/)([A-E]\d{2}_\d{2})_ground_truth\.png$"))
        for well in pair_names("celegans", images, worms, archives[IMAGES].parent, allow_missing):
            image = zips.read_image(pictures, images[well])
            labels = flatten([_read_worm(masks, member, image.shape) for member in worms[well]])
            yield image_sample(well, image, labels, archives[WORMS])


def group_by_well(members: dict[str, str]) -> dict[str, list[str]]:
    """Member names of each well, in the order of the worms' numbers, from member names by `<well>_<nn>`."""
    wells: dict[str, list[str]] = {}
    for key in sorted(members):
        wells.setdefault(key[:3], []).append(members[key])
    return wells


def flatten(worms: Sequence[np.ndarray]) -> np.ndarray:
    """Draw overlapping worms (H, W) bool into one label image (H, W); the id of a worm is its position in `worms`, from 1.

    Worms are drawn by descending area; among equal areas the later one is drawn first. So the smaller worm lies on top of
    an overlap, since it would lose the greater share of its pixels (on the real masks no worm loses half of its own). The
    authors' rule is not published.
    """
    labels = np.zeros(worms[0].shape, np.uint16)
    areas = [np.count_nonzero(worm) for worm in worms]
    for index in sorted(range(len(worms)), key=lambda index: (areas[index], index), reverse=True):
        labels[worms[index]] = index + 1
    return labels


def _read_worm(file: zipfile.ZipFile, member: str, size: tuple[int, ...]) -> np.ndarray:
    mask = zips.read_image(file, member)
    if mask.shape != size or not mask.any():
        found = f"{size} and {mask.shape}" if mask.shape != size else "an empty mask"
        raise GrdError(
            f"{file.filename}: expected one worm in {member} and the size of its image, found {found}; get the archives again"
        )
    return mask > 0
