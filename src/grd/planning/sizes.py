"""How large data sets are, before they are there: for estimates of time, memory and space."""

from functools import lru_cache
from math import prod
from pathlib import Path

from grd.config.datasets import Dataset
from grd.config.scales import Twin
from grd.config.splits import parse_entry, read_lists
from grd.data.store import SPLITS

COMPRESSED = 0.05
"""Share of their size that labels take in a file: of AC4, CREMI and BBBC039 1 to 4 %."""

Shape = tuple[int, ...]


def sample_shape(dataset: Dataset, twin: Twin | None) -> Shape:
    """Shape (*spatial) of an archive's image or volume; a twin's images or sections have a size of their own."""
    shape = dataset.shape[: dataset.rank]
    return shape if twin is None else (*shape[:-2], *twin.size)


def colours(dataset: Dataset) -> int:
    """Channels of an image."""
    return dataset.shape[dataset.rank] if len(dataset.shape) > dataset.rank else 1


def split_shapes(dataset: Dataset, twin: Twin | None) -> dict[str, list[Shape]]:
    """Shape (*spatial) of every sample, by split: the parts that the split file names, or as many as the archive lists."""
    whole = sample_shape(dataset, twin)
    if dataset.split == "archive":
        return {split: [whole] * number for split, number in dataset.counts.items()}
    changed = dataset.split.stat().st_mtime_ns if dataset.split.exists() else 0
    return {split: [_part(entry, whole) for entry in entries] for split, entries in _lists(dataset.split, changed).items()}


@lru_cache
def _lists(path: Path, changed: int) -> dict[str, list[str]]:
    """The lists of a split file, read once: of some hundred runs each asks for them."""
    return read_lists(path)


def _part(entry: str, whole: Shape) -> Shape:
    part = parse_entry(entry)[1]
    return (*(piece.stop - piece.start for piece in part), *whole[len(part) :])


def pixels(shapes: list[Shape]) -> int:
    """Pixels of samples."""
    return sum(prod(shape) for shape in shapes)


def samples_bytes(dataset: Dataset, twin: Twin | None) -> int:
    """Bytes of a prepared data set's file, about: images as they are, labels compressed."""
    count = sum(pixels(shapes) for shapes in split_shapes(dataset, twin).values())
    return int(count * (colours(dataset) + 2 * COMPRESSED))


def labels_bytes(dataset: Dataset, twin: Twin | None) -> int:
    """Bytes of a segmentation of the test split, about."""
    return int(pixels(split_shapes(dataset, twin)["test"]) * 4 * COMPRESSED)


def affinities_bytes(dataset: Dataset, twin: Twin | None, offsets: int) -> int:
    """Bytes of a run's affinities file: float32 for every offset."""
    shapes = split_shapes(dataset, twin)
    return sum(pixels(shapes[split]) for split in dataset.predicted_splits) * 4 * offsets


def device_bytes(dataset: Dataset, twin: Twin | None) -> int:
    """Bytes that the training and validation splits take on the device: images as they are, labels of 32 bits."""
    shapes = split_shapes(dataset, twin)
    return sum(pixels(shapes[split]) for split in SPLITS[:2]) * (colours(dataset) + 4)
