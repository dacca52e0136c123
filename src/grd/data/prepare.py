"""Archives, or folders of a user → one prepared file: samples as uint8, sorted into their splits."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grd.config.datasets import Source
from grd.config.splits import parse_entry, sample_names
from grd.data import readers, store
from grd.data.ids import drop_small, relabel_consecutive
from grd.data.readers.images import missing_samples_error
from grd.data.sample import Sample
from grd.data.splits import split_names
from grd.errors import GrdError
from grd.reading.grey import grey_rule

log = logging.getLogger(__name__)


def prepare(dataset: str, settings: Source, archives: dict[str, Path], out: Path, allow_missing: bool) -> None:
    """Write the prepared data set to `out` (format `samples` of the store), each split in the order of its list.

    Instances smaller than `settings.min_instance` pixels are background.

    Raises GrdError for names of a split that the archives lack, for images without mask and for masks without image; with
    `allow_missing` these are left out and logged.
    """
    splits = split_names(settings, archives)
    wanted = sample_names(splits)
    samples = _read_samples(dataset, settings, archives, wanted, allow_missing)
    _check_complete(dataset, wanted, samples, _folder(archives), allow_missing)
    parts = {split: _parts(split, entries, samples, _folder(archives)) for split, entries in splits.items()}
    stacked = _have_one_size(parts)
    if not stacked:
        log.info("%s: images of different sizes; each is evaluated at its own", dataset)
    store.write_samples(out, {split: _split(named, stacked) for split, named in parts.items()})


def _read_samples(
    dataset: str, settings: Source, archives: dict[str, Path], wanted: set[str], allow_missing: bool
) -> dict[str, Sample]:
    """Samples of the wanted names, by name, with images as uint8 and instances that are large enough."""
    found = tqdm(
        readers.read(dataset, archives, allow_missing, settings.folder),
        dataset,
        len(wanted),
        unit="image",
        disable=not sys.stderr.isatty(),
    )
    return {sample.name: _prepare_sample(sample, settings) for sample in found if sample.name in wanted}


def _prepare_sample(sample: Sample, settings: Source) -> Sample:
    rule = grey_rule(sample.image, settings.percentiles, sample.name)
    labels = drop_small(sample.labels, settings.min_instance).astype(np.uint16) if settings.min_instance else sample.labels
    return Sample(sample.name, rule(sample.image), labels)


def _folder(archives: dict[str, Path]) -> Path:
    return next(iter(archives.values())).parent


def _check_complete(dataset: str, wanted: set[str], samples: Mapping[str, Sample], where: Path, allow_missing: bool) -> None:
    absent = ", ".join(sorted(wanted - set(samples)))
    fault = f"{where}: expected the {len(wanted)} samples of the split, found no image with a mask for {absent}"
    if absent and not allow_missing:
        raise missing_samples_error(fault, dataset)
    if absent:
        log.warning("%s; left out because of allow_missing", fault)


def _parts(split: str, entries: list[str], samples: Mapping[str, Sample], where: Path) -> list[Sample]:
    """The samples, or parts of samples, of a split, named by their entries; GrdError if there are none."""
    present = [entry for entry in entries if parse_entry(entry)[0] in samples]
    if not present:
        raise GrdError(f"{split} split: expected at least one of its {len(entries)} samples, found none; complete the archives")
    return [_part(entry, samples, where) for entry in present]


def _have_one_size(splits: Mapping[str, list[Sample]]) -> bool:
    """True if all images have one size; of volumes, which are cut into parts, those of each split need to have one."""
    sizes = [{part.image.shape for part in parts} for parts in splits.values()]
    of_images = any(part.labels.ndim == 2 for parts in splits.values() for part in parts)
    return all(len(found) == 1 for found in ([set().union(*sizes)] if of_images else sizes))


def _split(parts: list[Sample], stacked: bool) -> store.Split:
    images, labels = [part.image for part in parts], [part.labels.astype(np.uint16) for part in parts]
    names = [part.name for part in parts]
    return store.Split(names, np.stack(images), np.stack(labels)) if stacked else store.Split(names, images, labels)


def _part(entry: str, samples: Mapping[str, Sample], where: Path) -> Sample:
    """The sample, or the part of a sample, that an entry of a split names; ids of a part become consecutive."""
    name, part = parse_entry(entry)
    sample = samples[name]
    if not part:
        return sample
    if len(part) > sample.labels.ndim or any(not p.start < p.stop <= n for p, n in zip(part, sample.labels.shape, strict=False)):
        raise GrdError(f"{where}: expected {entry} of {name}, found a size of {sample.labels.shape}; correct the split file")
    return Sample(entry, sample.image[part], relabel_consecutive(sample.labels[part]).astype(np.uint16))
