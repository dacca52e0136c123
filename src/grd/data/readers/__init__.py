"""Readers: one file per data set, from its official archives to samples."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from grd.config.parsing import check_name
from grd.data.readers import ac34, bbbc039, celegans, cremi, cvppp
from grd.data.sample import Sample


class Reader(Protocol):
    """From archives by official name to samples in the order of their names.

    Images without masks or masks without images are a GrdError, or with `allow_missing` are left out.
    """

    def __call__(self, archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
        """The samples of a data set."""


READERS: dict[str, Reader] = {
    "cvppp": cvppp.read,
    "celegans": celegans.read,
    "bbbc039": bbbc039.read,
    "ac34": ac34.read,
    "cremi_a": partial(cremi.read, sample="A"),
    "cremi_b": partial(cremi.read, sample="B"),
    "cremi_c": partial(cremi.read, sample="C"),
}


def read(dataset: str, archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
    """The samples of a data set by its name in config/datasets.yaml."""
    return READERS[check_name(dataset, READERS, "data set", "readers")](archives, allow_missing)
