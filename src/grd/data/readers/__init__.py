"""Readers: official archives → samples, one file per data set."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from grd.config.parsing import check_name
from grd.data.readers import ac34, bbbc039, celegans, cremi, cvppp
from grd.data.sample import Sample


class Reader(Protocol):
    """A function that yields the samples of a data set, in the order of their names, from its archives by official name.

    It raises GrdError for images without masks and masks without images; with `allow_missing` it leaves them out.
    """

    def __call__(self, archives: dict[str, Path], allow_missing: bool = False) -> Iterator[Sample]:
        """Samples of a data set."""


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
    """Samples of a data set, given its name in config/datasets.yaml."""
    return READERS[check_name(dataset, READERS, "data set", "readers")](archives, allow_missing)
