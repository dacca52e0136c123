"""CREMI A, B and C: neurites of the fruit fly's brain, serial sections of 40 nm at 4 nm per pixel.

`sample_A_20160501.hdf` holds `volumes/raw` (125, 1250, 1250) uint8 and `volumes/labels/neuron_ids` of the same shape,
uint64, where ids from 2**63 mark invalid voxels. The authors' files, and so the samples here, are the middle 1024 x 1024 of each
section: notes of their laboratory say so, and their code tiles no more. A few sections of the raw volumes are defective. The
authors restored them by a learned interpolation of frames (SFF); which ones, they do not say. `interpolate_sections` is ours.
Labels of such sections may be defective, too, and stay.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from grd.data.archives import hdf5
from grd.data.padding import middle
from grd.data.readers import volumes
from grd.data.sample import Sample

RAW = "volumes/raw"
NEURONS = "volumes/labels/neuron_ids"
SIDE = 1024  # pixels of a section, at most
LONGEST = 3  # defective sections in a row
COARSE = 4  # pixels, the side of the squares whose means are compared, so that noise hardly counts

log = logging.getLogger(__name__)


def archive_name(sample: str) -> str:
    """Official name of a sample's file."""
    return f"sample_{sample}_20160501.hdf"


def restored_names(sample: str) -> tuple[str, str]:
    """Names of the authors' files of a sample: images whose defective sections are restored, and labels."""
    return f"cremi{sample}_inputs_interp.h5", f"cremi{sample}_labels.h5"


def read(archives: dict[str, Path], allow_missing: bool = False, *, sample: str) -> Iterator[Sample]:
    """The one volume of a sample ('A', 'B', 'C'), named `sample_A`, the middle of its sections: image and labels (Z, Y, X).

    The authors' files replace the official one; their sections are restored.
    """
    if archive_name(sample) in archives:
        volume = _read_official(archives[archive_name(sample)], sample)
    else:
        volume = volumes.read_h5_pair(f"sample_{sample}", *(archives[name] for name in restored_names(sample)))
    yield _middle(volume)


def _read_official(path: Path, sample: str) -> Sample:
    with hdf5.open_file(path) as file:
        raw, neurons = hdf5.dataset(file, RAW), hdf5.dataset(file, NEURONS)
        volume = volumes.volume_sample(f"sample_{sample}", raw, neurons, f"{path}: {RAW}", f"{path}: {NEURONS}")
    defective = defective_sections(volume.image)
    if defective:
        listed = ", ".join(map(str, defective))
        log.warning("%s: sections %s of %s are defective; they are replaced by interpolation", path, listed, RAW)
    return replace(volume, image=interpolate_sections(volume.image, defective))


def _middle(volume: Sample) -> Sample:
    """The middle of each section, of at most SIDE x SIDE pixels, with consecutive ids."""
    depth, *sides = volume.labels.shape
    region = middle([depth, *(min(SIDE, side) for side in sides)], volume.labels.shape)
    labels = volume.labels[region]
    ids = volumes.relabel_blocks((section[None] for section in labels), labels.shape, volume.name)
    return replace(volume, image=volume.image[region], labels=ids)


def defective_sections(raw: np.ndarray) -> list[int]:
    """Indices of the sections of a volume (Z, Y, X) that are blank or match no neighbour, ascending.

    A section is blank if its contrast (standard deviation) is less than a tenth of the median contrast. A run of up to three
    sections matches no neighbour if the sections on its two sides resemble each other twice as much as the run's ends
    resemble them, and more than by chance (a correlation of 0.05, and of four of its standard errors). Good neighbours
    resemble each other more than sections that lie farther apart, so that a good section is never replaced.
    """
    coarse = np.stack([_standardise(section) for section in raw])
    contrast = np.array([float(section.std()) for section in raw])
    found = set(np.flatnonzero(contrast < 0.1 * np.median(contrast)).tolist())
    for length in range(1, LONGEST + 1):
        for first in range(1, len(raw) - length):
            run = range(first, first + length)
            if found.isdisjoint(run) and _matches_no_neighbour(coarse[first - 1 : first + length + 1]):
                found.update(run)
    return sorted(found)


def interpolate_sections(raw: np.ndarray, defective: list[int]) -> np.ndarray:
    """Replace defective sections of a volume (Z, Y, X) uint8, in place, by linear interpolation of the nearest good ones.

    At an end of the volume, where only one side has a good section, they become copies of it.
    """
    good = np.setdiff1d(np.arange(len(raw)), defective)
    for z in defective:
        after = int(np.searchsorted(good, z))
        low, high = good[max(after - 1, 0)], good[min(after, len(good) - 1)]
        share = (z - low) / (high - low) if high > low else 0.0
        raw[z] = np.rint((1 - share) * raw[low] + share * raw[high])
    return raw


def _standardise(section: np.ndarray) -> np.ndarray:
    """Means of the squares of a section (n,), scaled to mean 0 and norm 1; zeros if all are equal or there are none."""
    rows, columns = (side // COARSE for side in section.shape)
    squares = section[: rows * COARSE, : columns * COARSE].reshape(rows, COARSE, columns, COARSE)
    values = squares.mean((1, 3), dtype=np.float32).ravel()
    values = values - values.mean() if values.size else values
    return values / (float(np.linalg.norm(values)) or 1)


def _matches_no_neighbour(run: np.ndarray) -> bool:
    """True if the first and last of standardised sections (k, n) resemble each other, but not the ones between them."""
    across, before, behind = run[0] @ run[-1], run[0] @ run[1], run[-2] @ run[-1]
    chance = max(0.05, 4 / np.sqrt(max(run.shape[1], 1)))
    return bool(across > chance and across > 2 * max(before, behind))
