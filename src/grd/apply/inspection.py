"""Facts of a user's images and masks, as far as they decide how networks are trained on them."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import pi
from pathlib import Path

import numpy as np
from skimage.measure import label
from tqdm import tqdm

from grd.config.datasets import Folder
from grd.data.readers.folder import Pair, read_pair
from grd.data.sample import Sample
from grd.data.sizes import circle_diameter
from grd.errors import GrdError
from grd.reading.grey import grey_rule


@dataclass(frozen=True)
class Facts:
    """Facts of a sample: name, shape (H, W), (H, W, 3) or (Z, Y, X), number type, pixels or voxels of each object, whether there
    are objects in each row or section, True if some pixels have no object, and True if its only number marks several separate
    regions."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    areas: np.ndarray
    filled: np.ndarray
    background: bool
    scattered: bool

    @classmethod
    def of(cls, sample: Sample) -> "Facts":
        """Facts of a sample, whose ids are consecutive."""
        counts = np.bincount(sample.labels.ravel(), minlength=1)
        scattered = len(counts) == 2 and int(label(sample.labels > 0).max()) > 1
        filled = np.array([rows.any() for rows in sample.labels])
        return cls(sample.name, sample.image.shape, str(sample.image.dtype), counts[1:], filled, bool(counts[0]), scattered)


@dataclass(frozen=True)
class Inspection:
    """Facts of all samples, by the name of their pair of files."""

    files: Mapping[str, Sequence[Facts]]
    rank: int

    @cached_property
    def samples(self) -> list[Facts]:
        """Facts of all samples, file by file."""
        return [facts for found in self.files.values() for facts in found]

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """Distinct sizes, the smallest first."""
        return sorted({facts.shape[: self.rank] for facts in self.samples}, key=lambda size: (np.prod(size), size))

    @property
    def coloured(self) -> bool:
        """True if an image has colours."""
        return any(len(facts.shape) > self.rank for facts in self.samples)

    @property
    def diameter(self) -> float:
        """Width in pixels of a circle, or sphere, with the median size of the objects."""
        size = float(np.median(np.concatenate([facts.areas for facts in self.samples])))
        return circle_diameter(size) if self.rank == 2 else 2 * (size * 3 / (4 * pi)) ** (1 / 3)

    def describe(self) -> str:
        """Two lines: samples, their size and type; objects, their number and size."""
        number, count = len(self.samples), [len(facts.areas) for facts in self.samples]
        kind = ("image", "volume")[self.rank - 2] + ("s" if number > 1 else "")
        first, last = (" x ".join(map(str, size)) for size in (self.sizes[0], self.sizes[-1]))
        types = " and ".join(sorted({facts.dtype for facts in self.samples}))
        per = f"{min(count)} to {max(count)}" if min(count) < max(count) else f"{count[0]}"
        return (
            f"{number} {kind} with masks: {first}{f' to {last}' if first != last else ''} pixels, {types}, "
            f"{'in colours' if self.coloured else 'grey'}\n"
            f"objects: {per} in each (median {np.median(count):g}), {self.diameter:.0f} pixels wide in the median\n"
        )


def inspect_pairs(pairs: Mapping[str, Pair], settings: Folder) -> Inspection:
    """Facts of all samples, each read once; GrdError for values that are not grey, and masks that teach nothing."""
    files: dict[str, list[Facts]] = {}
    for name, pair in tqdm(pairs.items(), "reading", leave=False, disable=not sys.stderr.isatty()):
        files[name] = []
        for sample in read_pair(name, pair, settings):
            grey_rule(sample.image, where=f"{settings.images}, {sample.name}")  # refuses what preparation would
            files[name].append(Facts.of(sample))
    found = Inspection(files, settings.rank)
    _check_objects(found, settings.masks)
    return found


def _check_objects(found: Inspection, masks: Path) -> None:
    counts = [len(facts.areas) for facts in found.samples]
    if not any(counts):
        raise GrdError(f"{masks}: expected objects, pixels other than 0, found none in any mask; check the folder")
    if max(counts) == 1 and (joined := next((facts for facts in found.samples if facts.scattered), None)):
        raise GrdError(
            f"{masks}: expected a number of its own for each object, found one number for all, also for the separate regions of "
            f"{joined.name}; number them first, for instance with skimage.measure.label"
        )
    if found.rank == 2 and not any(facts.background for facts in found.samples):
        raise GrdError(f"{masks}: expected background, pixels of 0, found none in any mask; mark what is no object with 0")
