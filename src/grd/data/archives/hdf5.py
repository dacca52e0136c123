"""HDF5 files read in place, with errors that name file and dataset."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from grd.errors import GrdError


@contextmanager
def open_file(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file, open for reading; GrdError if it is damaged or no HDF5 file, even if only reading shows it."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:
        raise GrdError(f"{path}: expected a readable HDF5 file, found a damaged one ({error}); get it again") from None


def names(file: h5py.File) -> list[str]:
    """Paths of the datasets in an HDF5 file."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def dataset(file: h5py.File, path: str) -> h5py.Dataset:
    """The dataset at a path; GrdError that lists the existing paths if it is absent."""
    found = names(file)
    if path not in found:
        listed = ", ".join(found) or "no dataset"
        raise GrdError(f"{file.filename}: expected a dataset {path}, found {listed}; get the official file")
    return file[path]
