"""Synthetic twins: generators that write a data set's official archives with small synthetic images.

Image k of a twin depends on the seed and k alone, and every write gives the same bytes.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from grd.config.datasets import Source
from grd.config.parsing import check_name
from grd.config.scales import Twin
from grd.data.twins import ac34, bbbc039, celegans, cremi, cvppp
from grd.data.twins.shapes import write_zip
from grd.provenance.manifest import record_archive
from grd.system.files import atomic_write


class Generator(Protocol):
    """A function that yields (archive, member, bytes) from settings; a file that is no zip is its own only member."""

    def __call__(self, settings: Source, twin: Twin) -> Iterator[tuple[str, str, bytes]]:
        """Members of the official archives."""


TWINS: dict[str, Generator] = {
    "cvppp": cvppp.members,
    "celegans": celegans.members,
    "bbbc039": bbbc039.members,
    "ac34": ac34.members,
    "cremi_a": partial(cremi.members, sample="A"),
    "cremi_b": partial(cremi.members, sample="B"),
    "cremi_c": partial(cremi.members, sample="C"),
}


def write_twin(dataset: str, settings: Source, twin: Twin, folder: Path) -> None:
    """Write the archives of a data set into `folder` by official name, and a manifest with the source 'twin'."""
    contents: dict[str, dict[str, bytes]] = {name: {} for name in settings.archives}
    for archive, member, content in TWINS[check_name(dataset, TWINS, "data set", "twins")](settings, twin):
        contents[archive][member] = content
    for name, members in contents.items():
        _write(folder / name, members)
        record_archive(folder, name, "twin")


def _write(path: Path, members: Mapping[str, bytes]) -> None:
    if path.suffix == ".zip":
        write_zip(path, members)
    else:
        with atomic_write(path) as part:
            part.write_bytes(members[path.name])
