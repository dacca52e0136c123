"""config/splits/*.yaml: which samples of a data set are for training, validation and test.

A name may be followed by the part of the sample that is meant, axis by axis: `AC4[0:80]` are the first 80 sections of a volume.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from grd.config.parsing import Closed, parse, read_yaml
from grd.errors import GrdError

PART = re.compile(r"(?P<name>[^\[\]]+)(\[(?P<ranges>\d+:\d+(, *\d+:\d+)*)\])?")

Part = tuple[slice, ...]


class Split(Closed):
    """A split file: names of samples, or of parts of them such as `AC4[0:80]`, in three lists without a sample in common."""

    training: list[str] = Field(min_length=1)
    validation: list[str] = Field(min_length=1)
    test: list[str] = Field(min_length=1)


def read_lists(path: Path) -> dict[str, list[str]]:
    """The entries of a split file by split; GrdError if a list is absent, an entry cannot be parsed or a sample occurs twice."""
    lists = parse(Split, read_yaml(path), path).model_dump()
    check_disjoint(lists, path)
    return lists


def sample_names(lists: Mapping[str, Sequence[str]]) -> set[str]:
    """Names of the samples that entries of a split mean, whatever part of them and whatever split."""
    return {parse_entry(entry)[0] for entries in lists.values() for entry in entries}


def parse_entry(entry: str, where: Path | str = "split") -> tuple[str, Part]:
    """A sample's name and the part of it that an entry of a split means; GrdError for an entry that cannot be parsed."""
    match = PART.fullmatch(entry)
    ranges = [text.split(":") for text in ((match and match["ranges"]) or "").split(",") if text]
    part = tuple(slice(int(start), int(stop)) for start, stop in ranges)
    if match is None or any(axis.start >= axis.stop for axis in part):
        raise GrdError(f"{where}: expected a name or a part like NAME[0:80], found '{entry}'; correct the split file")
    return match["name"], part


def check_disjoint(lists: Mapping[str, Sequence[str]], where: Path) -> None:
    """GrdError if a sample, or a part of it, occurs twice in the lists of a split."""
    seen: dict[str, list[tuple[str, str, Part]]] = {}
    for split, entry in ((split, entry) for split, entries in lists.items() for entry in entries):
        name, part = parse_entry(entry, where)
        for other_split, other, other_part in seen.setdefault(name, []):
            if _overlap(part, other_part):
                raise GrdError(
                    f"{where}: expected disjoint splits, every sample once, found {entry} in {split} and {other} in "
                    f"{other_split}; correct the lists"
                )
        seen[name].append((split, entry, part))


def _overlap(one: Part, other: Part) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=False))
