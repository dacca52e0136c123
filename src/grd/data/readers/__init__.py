"""Readers: official archives → samples, one file per data set; and `folder`, for users' own images and masks."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from grd.config.datasets import Folder
from grd.data.readers import ac34, bbbc039, celegans, cremi, cvppp, folder
from grd.data.sample import Sample
from grd.errors import GrdError

OWN = "folder"

READERS: dict[str, Callable[..., Iterator[Sample]]] = {
    "cvppp": cvppp.read,
    "celegans": celegans.read,
    "bbbc039": bbbc039.read,
    "ac34": ac34.read,
    "cremi_a": partial(cremi.read, sample="A"),
    "cremi_b": partial(cremi.read, sample="B"),
    "cremi_c": partial(cremi.read, sample="C"),
    "folder": folder.read,
}
"""Functions that yield the samples of a data set, in the order of their names, from its archives by official name.

They raise GrdError for images without masks and masks without images; with `allow_missing`, the second argument, they leave them
out. The reader of users' folders has the data set's `Folder` as a third one.
"""


def read(dataset: str, archives: dict[str, Path], allow_missing: bool = False, own: Folder | None = None) -> Iterator[Sample]:
    """Samples of a data set, given its name in config/datasets.yaml; `own` are the settings of a user's folders."""
    if not own and dataset not in READERS:
        raise GrdError(f"src/grd/data/readers/__init__.py: expected a reader of {dataset} in READERS, found none; add one")
    reader = READERS[OWN if own else dataset]
    return reader(archives, allow_missing, own) if own else reader(archives, allow_missing)
