"""Readers: one file per data set, from its official archives to samples."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from grd.config import known
from grd.data.readers import bbbc039, celegans, cvppp
from grd.data.sample import Sample


class Reader(Protocol):
    """From archives by official name to samples in the order of their names.

    Images without masks or masks without images are a GrdError, or with `allow_missing` are left out.
    """

    def __call__(self, archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
        """The samples of a data set."""


READERS: dict[str, Reader] = {"cvppp": cvppp.read, "celegans": celegans.read, "bbbc039": bbbc039.read}


def read(dataset: str, archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
    """The samples of a data set by its name in config/datasets.yaml."""
    return READERS[known(dataset, READERS, "data set", "readers")](archives, allow_missing)
