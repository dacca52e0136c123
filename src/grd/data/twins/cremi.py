"""Twins of CREMI A, B and C: neurites that fill a volume; one section of the training part is defective."""

import io
from collections.abc import Iterator

import h5py
import numpy as np

from grd.config.datasets import Source
from grd.config.scales import Twin
from grd.data.readers.cremi import NEURONS, RAW, archive_name
from grd.data.twins import shapes
from grd.data.twins.micrographs import Look, electron_micrograph
from grd.data.twins.neurites import neurites

SECTIONS = 125
TRAINING = 50  # sections, from the first
RESOLUTION = (40.0, 4.0, 4.0)  # nm, z y x
# A is the easiest: thick neurites and clear membranes
DIAMETERS = {"A": 18.0, "B": 15.0, "C": 14.0}
LOOKS = {"A": Look(0.6, 0.3, 0.035), "B": Look(0.5, 0.5, 0.045), "C": Look(0.5, 0.45, 0.06)}


def members(settings: Source, twin: Twin, sample: str) -> Iterator[tuple[str, str, bytes]]:
    """File of a sample: `volumes/raw` uint8 and `volumes/labels/neuron_ids` uint64."""
    rng = shapes.generator(twin.seed, ord(sample))
    raw, labels = draw(rng, sample, twin)
    ids = np.sort(rng.choice(10 * (labels.max() + 1), labels.max() + 1, replace=False)).astype(np.uint64) + 1
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, volume in ((RAW, raw), (NEURONS, ids[labels])):
            stored = file.create_dataset(path, data=volume, chunks=True, compression="gzip", track_times=False)
            stored.attrs["resolution"] = RESOLUTION
    yield archive_name(sample), archive_name(sample), buffer.getvalue()


def draw(rng: np.random.Generator, sample: str, twin: Twin) -> tuple[np.ndarray, np.ndarray]:
    """Draw a sample: raw (125, Y, X) uint8 and labels (125, Y, X) int32, ids from 1."""
    labels = neurites(rng, (SECTIONS, *twin.size), twin.magnification * DIAMETERS[sample], twin.drift)
    defective = int(rng.integers(5, TRAINING - 5))
    return electron_micrograph(rng, labels, [defective], LOOKS[sample]), labels
