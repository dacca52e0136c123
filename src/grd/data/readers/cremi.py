"""CREMI A, B and C: neurites of the fruit fly's brain, serial sections of 40 nm at 4 nm per pixel.

`sample_A_20160501.hdf` holds `volumes/raw` (125, 1250, 1250) uint8 and `volumes/labels/neuron_ids` of the same shape,
uint64, where ids from 2**63 mark what is not valid. A few sections of the raw volumes are lost or spoilt. The authors'
input had them replaced by interpolation, in a way that is not published; ours is in `restored`.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from grd.data.archives import hdf5
from grd.data.readers import volumes
from grd.data.sample import Sample

RAW = "volumes/raw"
NEURONS = "volumes/labels/neuron_ids"
LONGEST = 3  # defective sections in a row
COARSE = 4  # pixels: sections are compared as means of squares of this side, where noise hardly counts

log = logging.getLogger(__name__)


def archive(sample: str) -> str:
    """The official name of a sample's file."""
    return f"sample_{sample}_20160501.hdf"


def read(archives: dict[str, Path], allow_missing: bool = False, *, sample: str) -> Iterator[Sample]:
    """The one volume of a sample ('A', 'B', 'C'), named `sample_A`: image (Z, Y, X) uint8, labels (Z, Y, X)."""
    path = archives[archive(sample)]
    with hdf5.opened(path) as file:
        raw, neurons = hdf5.dataset(file, RAW), hdf5.dataset(file, NEURONS)
        volume = volumes.sample(f"sample_{sample}", raw, neurons, f"{path}: {RAW}", f"{path}: {NEURONS}")
    spoilt = defective(volume.image)
    if spoilt:
        listed = ", ".join(map(str, spoilt))
        log.warning("%s: sections %s of %s are defective, and replaced by interpolation", path, listed, RAW)
    yield Sample(volume.name, restored(volume.image, spoilt), volume.labels)


def defective(raw: np.ndarray) -> list[int]:
    """The sections of a volume (Z, Y, X) that are blank or fit to nothing, in order.

    Blank is a section with less than a tenth of the median contrast (standard deviation). A run of up to three sections
    fits to nothing if the sections on both its sides resemble each other twice as much as the run's ends resemble them,
    and more than by chance (a correlation of 0.05, and of four of its standard errors). Good neighbours
    resemble each other more than sections that lie farther apart, so that a good section is safe.
    """
    coarse = np.stack([_standardised(section) for section in raw])
    contrast = np.array([float(section.std()) for section in raw])
    found = set(np.flatnonzero(contrast < 0.1 * np.median(contrast)).tolist())
    for length in range(1, LONGEST + 1):
        for first in range(1, len(raw) - length):
            run = range(first, first + length)
            if found.isdisjoint(run) and _fits_to_nothing(coarse[first - 1 : first + length + 1]):
                found.update(run)
    return sorted(found)


def restored(raw: np.ndarray, spoilt: list[int]) -> np.ndarray:
    """A volume (Z, Y, X) uint8 whose spoilt sections are interpolated linearly between the nearest good ones, in place.

    At an end of the volume, where only one side has a good section, they are copies of it.
    """
    good = np.setdiff1d(np.arange(len(raw)), spoilt)
    for z in spoilt:
        after = int(np.searchsorted(good, z))
        low, high = good[max(after - 1, 0)], good[min(after, len(good) - 1)]
        share = (z - low) / (high - low) if high > low else 0.0
        raw[z] = np.rint((1 - share) * raw[low] + share * raw[high])
    return raw


def _standardised(section: np.ndarray) -> np.ndarray:
    """Means of squares of a section (n,), of mean 0 and norm 1; zeros if they are all equal, or if there are none."""
    rows, columns = (side // COARSE for side in section.shape)
    squares = section[: rows * COARSE, : columns * COARSE].reshape(rows, COARSE, columns, COARSE)
    values = squares.mean((1, 3), dtype=np.float32).ravel()
    values = values - values.mean() if values.size else values
    return values / (float(np.linalg.norm(values)) or 1)


def _fits_to_nothing(run: np.ndarray) -> bool:
    """Whether the inner ones of standardised sections (k, n) are unlike the first and the last, which are alike."""
    across, before, behind = run[0] @ run[-1], run[0] @ run[1], run[-2] @ run[-1]
    chance = max(0.05, 4 / np.sqrt(max(run.shape[1], 1)))
    return bool(across > chance and across > 2 * max(before, behind))
