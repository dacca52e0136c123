"""Archives → one prepared file: samples as uint8, sorted into their splits."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grd.config.datasets import Source
from grd.config.splits import parse_entry
from grd.data import readers, store
from grd.data.readers.images import missing_samples_error, relabel_consecutive
from grd.data.sample import Sample
from grd.data.splits import split_names
from grd.errors import GrdError
from grd.reading.grey import grey_rule

log = logging.getLogger(__name__)


def prepare(dataset: str, settings: Source, archives: dict[str, Path], out: Path, allow_missing: bool) -> None:
    """Write the prepared data set to `out` (format `samples` of the store), each split in the order of its list.

    Instances smaller than `settings.min_instance` pixels are background.

    Raises GrdError for names of a split that the archives lack, for images without mask and for masks without image; with
    `allow_missing` these are left out and logged. Raises GrdError for images of different sizes within a split.
    """
    splits = split_names(settings, archives)
    wanted = {parse_entry(entry)[0] for entries in splits.values() for entry in entries}
    samples = _read_samples(dataset, settings, archives, wanted, allow_missing)
    _check_complete(dataset, wanted, samples, _folder(archives), allow_missing)
    store.write_samples(out, {split: _stack(split, entries, samples, _folder(archives)) for split, entries in splits.items()})


def drop_small_instances(labels: np.ndarray, smallest: int) -> np.ndarray:
    """Labels without the instances of fewer than `smallest` pixels; ids become consecutive."""
    if smallest == 0:
        return labels
    sizes = np.bincount(labels.ravel())
    return relabel_consecutive(np.where(sizes[labels] < smallest, 0, labels))


def _read_samples(
    dataset: str, settings: Source, archives: dict[str, Path], wanted: set[str], allow_missing: bool
) -> dict[str, Sample]:
    """Samples of the wanted names, by name, with images as uint8 and instances that are large enough."""
    found = tqdm(
        readers.read(dataset, archives, allow_missing),
        dataset,
        len(wanted),
        unit="image",
        disable=not sys.stderr.isatty(),
    )
    return {sample.name: _prepare_sample(sample, settings) for sample in found if sample.name in wanted}


def _prepare_sample(sample: Sample, settings: Source) -> Sample:
    rule = grey_rule(sample.image, settings.percentiles, sample.name)
    return Sample(sample.name, rule(sample.image), drop_small_instances(sample.labels, settings.min_instance))


def _folder(archives: dict[str, Path]) -> Path:
    return next(iter(archives.values())).parent


def _check_complete(dataset: str, wanted: set[str], samples: Mapping[str, Sample], where: Path, allow_missing: bool) -> None:
    absent = ", ".join(sorted(wanted - set(samples)))
    fault = f"{where}: expected the {len(wanted)} samples of the split, found no image with a mask for {absent}"
    if absent and not allow_missing:
        raise missing_samples_error(fault, dataset)
    if absent:
        log.warning("%s; left out because of allow_missing", fault)


def _stack(split: str, entries: list[str], samples: Mapping[str, Sample], where: Path) -> store.Split:
    present = [entry for entry in entries if parse_entry(entry)[0] in samples]
    if not present:
        raise GrdError(f"{split} split: expected at least one of its {len(entries)} samples, found none; complete the archives")
    parts = [_part(entry, samples, where) for entry in present]
    _check_sizes(dict(zip(present, parts, strict=True)), where)
    return store.Split(
        present, np.stack([part.image for part in parts]), np.stack([part.labels for part in parts]).astype(np.uint16)
    )


def _part(entry: str, samples: Mapping[str, Sample], where: Path) -> Sample:
    """The sample, or the part of a sample, that an entry of a split names; ids of a part become consecutive."""
    name, part = parse_entry(entry)
    sample = samples[name]
    if not part:
        return sample
    if len(part) > sample.labels.ndim or any(not p.start < p.stop <= n for p, n in zip(part, sample.labels.shape, strict=False)):
        raise GrdError(f"{where}: expected {entry} of {name}, found a size of {sample.labels.shape}; correct the split file")
    return Sample(entry, sample.image[part], relabel_consecutive(sample.labels[part]))


def _check_sizes(samples: Mapping[str, Sample], where: Path) -> None:
    first: dict[tuple[int, ...], str] = {}
    for name, sample in samples.items():
        first.setdefault(sample.image.shape, name)
    if len(first) > 1:
        (one, a), (other, b) = list(first.items())[:2]
        raise GrdError(f"{where}: expected images of one size, found {one} in {a} and {other} in {b}; get the archives again")
