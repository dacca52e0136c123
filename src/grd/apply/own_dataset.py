"""Folders of images and masks → a data set of the pipeline: a split, a list of files, and entries in config/."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from grd.apply.inspection import Inspection, inspect_pairs
from grd.apply.own_settings import dataset_text, split_text, table_text
from grd.config.datasets import Dataset, Folder
from grd.config.experiments import Experiment
from grd.config.parsing import parse, read_yaml
from grd.config.splits import parse_entry
from grd.data.readers.folder import IMAGES, MASKS, Pair, find_pairs
from grd.errors import GrdError
from grd.provenance.file_list import entry_of, write_list
from grd.system.files import write_text

SCALE = "own"
SHARE = 0.2  # of the samples for validation, and as many for the test
THINNEST = 25  # sections of a volume that is cut into three parts


def import_folders(
    name: str,
    images: Path,
    masks: Path,
    volumes: bool = False,
    seed: int = 0,
    axes: str | None = None,
    channel: int | None = None,
    config: Path = Path("config"),
) -> str:
    """Make a data set of two folders; returns what was found, what was written, and how to go on, for the screen.

    Files of config/ are written anew or grow at their end. `axes` and `channel` are for images whose files leave them open.

    Raises GrdError, with nothing written, for a name that is taken or cannot be one, for files without counterpart or that cannot
    be read, and for fewer samples than three splits need.
    """
    datasets, experiments = config / "datasets.yaml", config / "experiments.yaml"
    split, files = config / "splits" / f"{name}.yaml", config / "folders" / f"{name}.json"
    table = f"table_{name}"
    _check_name(name, {name: read_yaml(datasets), table: read_yaml(experiments)}, [split, files])
    folder = Folder(images=images, masks=masks, files=files, volumes=volumes, axes=axes, channel=channel)
    pairs = find_pairs(images, masks)
    found = inspect_pairs(pairs, folder)
    lists, note = split_lists(found, seed, images)
    _check_splits(lists, found, masks, seed)
    entry, row = dataset_text(name, found, folder, split.as_posix()), table_text(name, volumes, SCALE)
    _check_text(Dataset, datasets, name, entry)
    _check_text(Experiment, experiments, table, row)
    with _all_or_nothing([files, split, datasets, experiments]):
        write_list(files, _entries(pairs, folder))
        write_text(split, split_text(lists, f"{name}: {note}"))
        _append(datasets, entry)
        _append(experiments, row)
    return found.describe() + _summary(table, lists, [split, files, datasets, experiments])


def split_lists(found: Inspection, seed: int, where: Path) -> tuple[dict[str, list[str]], str]:
    """Entries for training, validation and test, about 60, 20 and 20 %, and a note on how they were drawn.

    Whole files are drawn, so that moments of a film are not spread over splits. Of fewer than three files, films are cut in time
    and volumes along their sections.
    """
    if found.rank == 3 and len(found.samples) < 3:
        return _parts(found, where), "each volume is cut: its first 60 % of sections, the next 20 %, and the last 20 %."
    if len(found.samples) < 3:
        raise GrdError(
            f"{where}: expected at least 3 images with masks, one each for training, validation and test, found "
            f"{len(found.samples)}; add some, or cut the images"
        )
    files = list(found.files.values())
    drawn = [[facts.name for facts in files[number]] for number in np.random.default_rng(seed).permutation(len(files))]
    units, what = (drawn, "files") if len(drawn) >= 3 else ([[name] for names in drawn for name in names], "samples")
    few = max(1, round(SHARE * len(units)))
    parts = {"training": units[: -2 * few], "validation": units[-2 * few : -few], "test": units[-few:]}
    order = [facts.name for facts in found.samples]
    note = f"{len(units)} {what}, files in a random order (numpy default_rng({seed}).permutation), cut at 60 and 80 %."
    return {split: sorted(chain.from_iterable(names), key=order.index) for split, names in parts.items()}, note


def _check_splits(lists: Mapping[str, Sequence[str]], found: Inspection, masks: Path, seed: int) -> None:
    """GrdError for a split without objects."""
    filled = {facts.name: facts.filled for facts in found.samples}
    for split, entries in lists.items():
        parts = [parse_entry(entry) for entry in entries]
        if not any(filled[name][part].any() for name, part in parts):
            cut = f", sections {entries[0]}; label some of them, or add volumes"
            drawn = f" as drawn with seed {seed}; take another --seed, or add images with objects"
            raise GrdError(f"{masks}: expected objects in each split, found none in {split}{cut if parts[0][1] else drawn}")


def _parts(found: Inspection, where: Path) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {"training": [], "validation": [], "test": []}
    for facts in found.samples:
        depth = facts.shape[0]
        if depth < THINNEST:
            raise GrdError(
                f"{where}: expected 3 volumes, or volumes of at least {THINNEST} sections that can be cut into three, found "
                f"{len(found.samples)} with {depth} sections in {facts.name}; add some"
            )
        few = round(SHARE * depth)
        bounds = (0, depth - 2 * few, depth - few, depth)
        for split, first, stop in zip(lists, bounds, bounds[1:], strict=False):
            lists[split].append(f"{facts.name}[{first}:{stop}]")
    return lists


def _check_name(name: str, taken: Mapping[str, Mapping[str, Any]], files: Sequence[Path]) -> None:
    """GrdError for a name that YAML or paths of results cannot have, or that is in use."""
    good = name.replace("_", "a").isalnum() and name.isascii() and name.islower()
    if not good or not isinstance(yaml.safe_load(name), str):
        raise GrdError(f"data set '{name}': expected a name of small letters, digits and _, found another; choose such a name")
    used = [key for key, content in taken.items() if key in content] + [str(path) for path in files if path.exists()]
    if used:
        raise GrdError(f"data set '{name}': expected a new name, found {used[0]} in use; choose another, or remove what has it")


def _check_text(model: type[Dataset] | type[Experiment], path: Path, key: str, text: str) -> None:
    """GrdError unless a file has the entry that is meant when the text stands at its end."""
    before = read_yaml(path)
    try:
        after = yaml.safe_load(path.read_text(encoding="utf-8") + "\n" + text)
    except yaml.YAMLError:
        after = {}
    if key not in after or before | {key: after[key]} != after:
        raise GrdError(f"{path}: expected entries one below the other, found a file that cannot grow at its end; mend it")
    parse(model, after[key], path, key)


@contextmanager
def _all_or_nothing(paths: Sequence[Path]) -> Iterator[None]:
    """Files that are new or grow in this context are as they were before if it ends with an error."""
    sizes = {path: path.stat().st_size if path.exists() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, size in sizes.items():
            if size is None:
                path.unlink(missing_ok=True)
            elif path.stat().st_size > size:
                os.truncate(path, size)
        raise


def _append(path: Path, text: str) -> None:
    whole = path.read_bytes().endswith(b"\n")
    try:
        with open(path, "a", encoding="utf-8", newline="") as file:
            file.write(("\n" if whole else "\n\n") + text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _entries(pairs: Mapping[str, Pair], folder: Folder) -> dict[str, Any]:
    kinds = ((IMAGES, folder.images), (MASKS, folder.masks))
    return {
        f"{kind}/{name}": entry_of(path, below)
        for name, pair in pairs.items()
        for (kind, below), path in zip(kinds, pair, strict=True)
    }


def _summary(table: str, lists: Mapping[str, Sequence[str]], written: Sequence[Path]) -> str:
    counts = ", ".join(f"{len(entries)} for {split}" for split, entries in lists.items())
    return (
        f"split: {counts}\n"
        f"written: {', '.join(map(str, written))}\n"
        f"train and score a teacher, and a student alone and taught:\n"
        f"  snakemake --cores all --config scale={SCALE} -- {table}\n"
    )
