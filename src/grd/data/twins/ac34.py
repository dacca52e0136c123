"""Twin of AC3 and AC4: neurites whose labels leave a thin line between them."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from grd.config.datasets import Source
from grd.config.scales import Twin
from grd.data.readers.ac34 import ARCHIVE
from grd.data.twins import shapes
from grd.data.twins.micrographs import electron_micrograph
from grd.data.twins.neurites import carve_borders, neurites

SECTIONS = {"AC3": 256, "AC4": 100}
DIAMETER = 16.0  # pixels
# per volume: names of images and of labels, and the number of the first image; labels count from the last section, down to 1
FILES = {
    "AC3": ("ac3_EM/Thousand_highmag_256slices_2kcenter_1k_inv_{:04d}.png", "ac3_dbseg_images/ac3_daniel_s{:04d}.png", 0),
    "AC4": ("ac4_EM/affinecropped4_inv_{:04d}.png", "ac4_seg_daniel/ac4_daniel_s{:04d}.png", 1),
}


def members(settings: Source, twin: Twin) -> Iterator[tuple[str, str, bytes]]:
    """Sections of both volumes: grey PNG, and PNG whose colours are ids, R * 65536 + G * 256 + B."""
    for index, (volume, (image_name, label_name, first)) in enumerate(FILES.items()):
        rng = shapes.generator(twin.seed, index)
        images, labels = draw(rng, volume, twin)
        colours = label_colours(rng, labels)
        for number, (image, colour) in enumerate(zip(images, colours, strict=True)):
            last = len(images) - number
            yield ARCHIVE, f"AC3AC4Package/{image_name.format(first + number)}", shapes.encode(Image.fromarray(image), "PNG")
            yield ARCHIVE, f"AC3AC4Package/{label_name.format(last)}", shapes.encode(Image.fromarray(colour), "PNG")


def draw(rng: np.random.Generator, volume: str, twin: Twin) -> tuple[np.ndarray, np.ndarray]:
    """Draw a volume: images (Z, Y, X) uint8 and labels (Z, Y, X) int32, ids from 1, 0 between the neurites."""
    labels = neurites(rng, (SECTIONS[volume], *twin.size), twin.magnification * DIAMETER, twin.drift)
    return electron_micrograph(rng, labels), carve_borders(labels)


def label_colours(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """Colours (Z, Y, X, 3) uint8 for labels (Z, Y, X): ids with gaps, in the order of the labels; 0 is black."""
    ids = np.sort(rng.choice(2**24 - 1, labels.max(), replace=False)) + 1
    palette = np.concatenate([[0], ids])[:, None] >> np.array([16, 8, 0]) & 255
    return palette.astype(np.uint8)[labels]
