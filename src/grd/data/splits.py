"""Which samples are for training, validation and test."""

from itertools import combinations
from pathlib import Path

from grd.config import Source, read_yaml
from grd.data.readers import zips
from grd.data.store import SPLITS
from grd.errors import GrdError

METADATA = "metadata.zip"


def split_names(settings: Source, archives: dict[str, Path]) -> dict[str, list[str]]:
    """Sample names by split, from the data set's split file or from the lists in its metadata.zip.

    GrdError if a split is absent or if a name occurs twice.
    """
    if settings.split == "archive":
        where, splits = archives[METADATA], _from_archive(archives[METADATA])
    else:
        where, splits = settings.split, _from_yaml(settings.split)
    _check_disjoint(splits, where)
    return splits


def _from_yaml(path: Path) -> dict[str, list[str]]:
    content = read_yaml(path)
    if set(content) != set(SPLITS) or not all(isinstance(names, list) and names for names in content.values()):
        raise GrdError(f"{path}: expected lists of names under {', '.join(SPLITS)}, found {', '.join(content)}; restore the file")
    return {split: content[split] for split in SPLITS}


def _from_archive(path: Path) -> dict[str, list[str]]:
    """The official lists, a file name such as `NAME.png` per line."""
    with zips.opened(path) as file:
        listed = zips.members(file, r"(?:^|/)metadata/(training|validation|test)\.txt$")
        lines = {split: zips.text(file, listed.get(split, f"metadata/{split}.txt")).split() for split in SPLITS}
    return {split: [line.removesuffix(".png") for line in lines[split]] for split in SPLITS}


def _check_disjoint(splits: dict[str, list[str]], where: Path) -> None:
    for split, names in splits.items():
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise GrdError(f"{where}: expected every name once, found {twice} twice in {split}; correct the list")
    for one, other in combinations(splits, 2):
        if both := sorted(set(splits[one]) & set(splits[other])):
            raise GrdError(f"{where}: expected disjoint splits, found {both[0]} in {one} and in {other}; correct the lists")
