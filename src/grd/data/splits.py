"""The samples of a data set by split, from its split file or from the lists in an archive."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grd.config.datasets import Source
from grd.config.splits import check_disjoint, read_lists
from grd.data.archives import zips
from grd.data.store import SPLITS, spread

METADATA = "metadata.zip"


def split_names(settings: Source, archives: dict[str, Path]) -> dict[str, list[str]]:
    """Entries by split, from the data set's split file or from the lists in its metadata.zip; of each its `settings.subset`.

    Raises GrdError if a split is absent or if a sample, or a part of it, occurs twice.
    """
    if settings.split != "archive":
        return subsets(read_lists(settings.split), settings.subset)
    splits = _read_archive_lists(archives[METADATA])
    check_disjoint(splits, archives[METADATA])
    return subsets(splits, settings.subset)


def subsets(splits: Mapping[str, list[str]], sizes: Mapping[Any, int]) -> dict[str, list[str]]:
    """Of each split at most the number of entries in `sizes`, spread evenly over its list; all where `sizes` has no number."""
    return {
        split: [entries[index] for index in spread(len(entries), sizes.get(split, len(entries)))]
        for split, entries in splits.items()
    }


def _read_archive_lists(path: Path) -> dict[str, list[str]]:
    """The official lists, a file name such as `NAME.png` per line."""
    with zips.open_file(path) as file:
        listed = zips.members(file, r"(?:^|/)metadata/(training|validation|test)\.txt$")
        lines = {split: zips.read_text(file, listed.get(split, f"metadata/{split}.txt")).split() for split in SPLITS}
    return {split: [line.removesuffix(".png") for line in lines[split]] for split in SPLITS}
