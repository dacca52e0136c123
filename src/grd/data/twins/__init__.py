"""Synthetic twins: generators that write a data set's official archives, with small made-up images.

Image k of a twin is a function of the seed and k, and the zips are the same bytes on every write.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from grd.config import Source, Twin, known
from grd.data import archives
from grd.data.twins import bbbc039, celegans, cvppp
from grd.data.twins.shapes import write_zip


class Generator(Protocol):
    """From settings to (archive, member, bytes), archive by archive."""

    def __call__(self, settings: Source, twin: Twin) -> Iterator[tuple[str, str, bytes]]:
        """The members of the official archives."""


TWINS: dict[str, Generator] = {"cvppp": cvppp.members, "celegans": celegans.members, "bbbc039": bbbc039.members}


def write_twin(dataset: str, settings: Source, twin: Twin, folder: Path) -> None:
    """Write every archive of a data set into `folder` by its official name, and the manifest, source 'twin'."""
    contents: dict[str, dict[str, bytes]] = {name: {} for name in settings.archives}
    for archive, member, content in TWINS[known(dataset, TWINS, "data set", "twins")](settings, twin):
        contents[archive][member] = content
    for name, members in contents.items():
        write_zip(folder / name, members)
        archives.record(folder, name, "twin")
