"""BBBC039V1: nuclei of U2OS cells, Hoechst fluorescence.

images.zip holds 16-bit tif, masks.zip RGBA PNG of the same names whose red channel is a *colouring*: 0 is background,
and touching nuclei have different colours of 1 to 3. So an instance is a connected component of one colour, with
4-connectivity (23,617 instances in the 200 images). The reader keeps
instances of any size; the setting `min_instance` drops small ones.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from skimage.measure import label

from grd.data.archives import zips
from grd.data.readers.images import image_sample, pair_names
from grd.data.sample import Sample

IMAGES = "images.zip"
MASKS = "masks.zip"
# images without a nucleus, whose masks are empty; for any other image an empty mask is an error
EMPTY = frozenset(
    {
        "IXMtest_F13_s7_w13C1B1D8C-293E-454F-B0FD-6C2C3F9F5173",
        "IXMtest_L01_s2_w1E5038251-DBA3-44D0-BC37-E43E2FC8C174",
        "IXMtest_L10_s6_w12D12D64C-2639-4CA8-9BB4-99F92C9B7068",
    }
)


def read(archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
    """Images in the order of their names (`IXMtest_A02_s1_w1…`): image (H, W) uint16, labels (H, W)."""
    with zips.open_file(archives[IMAGES]) as pictures, zips.open_file(archives[MASKS]) as colourings:
        images = zips.members(pictures, r"(?:^|/)images/(IXMtest_[^/]*)\.tif$")
        masks = zips.members(colourings, r"(?:^|/)masks/(IXMtest_[^/]*)\.png$")
        for name in pair_names("bbbc039", images, masks, archives[IMAGES].parent, allow_missing):
            labels = instances(zips.read_image(colourings, masks[name]))
            yield image_sample(name, zips.read_image(pictures, images[name]), labels, archives[MASKS], name in EMPTY)


def instances(mask: np.ndarray) -> np.ndarray:
    """Labels (H, W) of a colouring (H, W), or of the red channel of one (H, W, channels)."""
    return label(mask[..., 0] if mask.ndim == 3 else mask, background=0, connectivity=1)
