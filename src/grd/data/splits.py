"""Splits: the samples for training, validation and test.

A name may be followed by a part of the sample, axis by axis: `AC4[0:80]` means the first 80 sections of a volume.
"""

import re
from pathlib import Path

from grd.config.datasets import Source
from grd.config.parsing import read_yaml
from grd.data.archives import zips
from grd.data.store import SPLITS
from grd.errors import GrdError

METADATA = "metadata.zip"
PART = re.compile(r"(?P<name>[^\[\]]+)(\[(?P<ranges>\d+:\d+(, *\d+:\d+)*)\])?")

Part = tuple[slice, ...]


def parse_entry(entry: str) -> tuple[str, Part]:
    """Name and part of the sample that an entry of a split means; GrdError for an entry that cannot be read."""
    match = PART.fullmatch(entry)
    if match is None:
        raise GrdError(f"split: expected a name or a part like NAME[0:80], found '{entry}'; correct the split file")
    ranges = [text.split(":") for text in (match["ranges"] or "").split(",") if text]
    return match["name"], tuple(slice(int(start), int(stop)) for start, stop in ranges)


def split_names(settings: Source, archives: dict[str, Path]) -> dict[str, list[str]]:
    """Entries by split, from the data set's split file or from the lists in its metadata.zip.

    Raises GrdError if a split is absent or if a sample, or a part of it, occurs twice.
    """
    if settings.split == "archive":
        where, splits = archives[METADATA], _read_archive_lists(archives[METADATA])
    else:
        where, splits = settings.split, read_lists(settings.split)
    _check_disjoint(splits, where)
    return splits


def read_lists(path: Path) -> dict[str, list[str]]:
    """Lists of a split file, one per split; GrdError if one is absent or empty."""
    content = read_yaml(path)
    if set(content) != set(SPLITS) or not all(isinstance(names, list) and names for names in content.values()):
        raise GrdError(f"{path}: expected lists of names under {', '.join(SPLITS)}, found {', '.join(content)}; restore the file")
    return {split: content[split] for split in SPLITS}


def _read_archive_lists(path: Path) -> dict[str, list[str]]:
    """Official lists, which have a file name such as `NAME.png` per line."""
    with zips.open_file(path) as file:
        listed = zips.members(file, r"(?:^|/)metadata/(training|validation|test)\.txt$")
        lines = {split: zips.read_text(file, listed.get(split, f"metadata/{split}.txt")).split() for split in SPLITS}
    return {split: [line.removesuffix(".png") for line in lines[split]] for split in SPLITS}


def _check_disjoint(splits: dict[str, list[str]], where: Path) -> None:
    entries = [(split, entry, *parse_entry(entry)) for split, names in splits.items() for entry in names]
    by_name: dict[str, list[tuple[str, str, Part]]] = {}
    for split, entry, name, part in entries:
        for other_split, other, other_part in by_name.setdefault(name, []):
            if _overlap(part, other_part):
                raise GrdError(
                    f"{where}: expected disjoint splits, every sample once, found {entry} in {split} and {other} in "
                    f"{other_split}; correct the lists"
                )
        by_name[name].append((split, entry, part))


def _overlap(one: Part, other: Part) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=False))
