"""HDF5 layout of all arrays that the pipeline keeps, defined here only.

Every file has the attributes `format`, `grd samples` or `grd labels`, and `format_version`. Files appear whole or not at all.
Arrays in chunks have Fletcher's checksums, so that reading refuses bytes that changed on the disk.

    samples  <split>/images (n, H, W[, 3]) uint8 · <split>/labels (n, H, W) uint16 · <split>/names (n,)
    labels   <segmenter> (n, H, W) int32, with attributes for the numbers that validation data chose · names (n,)

Volumes have (Z, Y, X) in place of (H, W) everywhere; the rank of the labels tells the two apart. Where sizes differ, a group of
the same name holds the arrays `0`, `1`, … of single samples.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from grd.config.parsing import check_name
from grd.errors import GrdError
from grd.provenance.passport import check
from grd.system.files import atomic_write

FORMAT_VERSION = 3
SPLITS = ("training", "validation", "test")


Arrays: TypeAlias = np.ndarray | list[np.ndarray]
"""Arrays of samples: stacked (n, …), or one by one where their sizes differ."""


@dataclass(frozen=True)
class Split:
    """One split of a data set: `images` (n, H, W) or (n, H, W, 3) uint8 and `labels` (n, H, W) uint16.

    Volumes have `images` and `labels` (n, Z, Y, X). Where sizes differ, both are lists of the arrays of single samples.
    """

    names: list[str]
    images: Arrays
    labels: Arrays

    @property
    def holds_volumes(self) -> bool:
        """True for volumes, False for images."""
        return self.labels[0].ndim == 3

    @property
    def stacked(self) -> bool:
        """True if all samples have one size."""
        return isinstance(self.images, np.ndarray)

    @property
    def largest(self) -> tuple[int, ...]:
        """Shape (H, W), (H, W, 3) or (Z, Y, X) of the largest image."""
        return max((image.shape for image in self.images), key=prod)

    def single(self, number: int) -> "Split":
        """The split of one of the samples alone."""
        return Split([self.names[number]], self.images[number][None], self.labels[number][None])

    def spread(self, count: int) -> "Split":
        """At most `count` of the samples, spread evenly over all."""
        chosen = spread(len(self.names), count)
        return Split([self.names[n] for n in chosen], _pick(self.images, chosen), _pick(self.labels, chosen))


def _pick(arrays: Arrays, chosen: Sequence[int]) -> Arrays:
    return arrays[chosen] if isinstance(arrays, np.ndarray) else [arrays[n] for n in chosen]


def spread(number: int, count: int) -> list[int]:
    """Indices of at most `count` of `number` things, spread evenly over all."""
    indices: list[int] = np.linspace(0, number - 1, min(count, number)).round().astype(int).tolist()
    return indices


@contextmanager
def create_file(path: Path, kind: str) -> Iterator[h5py.File]:
    """A new HDF5 file of a format, `samples` or `labels`, whole or not at all.

    It is made in memory, since HDF5 crashes where a write to the disk fails.
    """
    content = BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["format"], file.attrs["format_version"] = f"grd {kind}", FORMAT_VERSION
        yield file
    with atomic_write(path) as part:
        part.write_bytes(content.getbuffer())


@contextmanager
def open_file(path: Path, kind: str) -> Iterator[h5py.File]:
    """An HDF5 file of a format, `samples` or `labels`, open for reading.

    Raises GrdError for another format or version, for a file that is no HDF5, and for bytes that changed since writing.
    """
    check(path)
    try:
        file = h5py.File(path, "r")
    except OSError:
        raise GrdError(f"{path}: expected an HDF5 file of format 'grd {kind}', found none; delete it and rerun") from None
    with file:
        found = (file.attrs.get("format"), file.attrs.get("format_version"))
        if found != (f"grd {kind}", FORMAT_VERSION):
            raise GrdError(
                f"{path}: expected format 'grd {kind}' version {FORMAT_VERSION}, found {found[0]!r} version {found[1]}; "
                "delete it and rerun"
            )
        with _report_damage(path):
            yield file


@contextmanager
def _report_damage(path: Path) -> Iterator[None]:
    """Turn read errors of HDF5 into a GrdError; errors of the system, which have a number, stay as they are."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise GrdError(f"{path}: expected the arrays that were written, found damage ({error}); delete it and rerun") from error


def write_samples(path: Path, splits: Mapping[str, Split]) -> None:
    """Write a prepared data set, each split as a group."""
    with create_file(path, "samples") as file:
        for name, split in splits.items():
            group = file.create_group(name)
            _write_arrays(group, "images", split.images, compression_opts=4, shuffle=True)
            _write_arrays(group, "labels", split.labels, compression_opts=4)
            write_names(group, split.names)


def _write_arrays(group: h5py.Group, name: str, arrays: Arrays, **options: Any) -> h5py.Dataset | h5py.Group:
    """Write arrays as a dataset, or as a group of datasets where their sizes differ; returns what was written."""
    if isinstance(arrays, np.ndarray):
        return group.create_dataset(name, data=arrays, compression="gzip", fletcher32=True, **options)
    inner = group.create_group(name)
    for number, array in enumerate(arrays):
        _write_arrays(inner, str(number), array, **options)
    return inner


def _read_arrays(item: h5py.Dataset | h5py.Group) -> Arrays:
    return item[:] if isinstance(item, h5py.Dataset) else [item[str(number)][:] for number in range(len(item))]


def read_split(path: Path, split: str) -> Split:
    """One split of a prepared data set."""
    with open_file(path, "samples") as file:
        group = file[split]
        return Split(read_names(group), _read_arrays(group["images"]), _read_arrays(group["labels"]))


def write_labels(
    path: Path, names: Sequence[str], labels: Mapping[str, Arrays], chosen: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Write segmentations (n, *spatial) by segmenter, one per image name; `chosen` are attributes of each segmenter."""
    with create_file(path, "labels") as file:
        for segmenter, found in labels.items():
            written = _write_arrays(file, segmenter, _as_int32(found))
            written.attrs.update((chosen or {}).get(segmenter, {}))
        write_names(file, names)


def _as_int32(arrays: Arrays) -> Arrays:
    if isinstance(arrays, np.ndarray):
        return arrays.astype(np.int32, copy=False)
    return [array.astype(np.int32, copy=False) for array in arrays]


def read_labels(path: Path, segmenter: str) -> tuple[list[str], Arrays]:
    """Image names and segmentations (n, *spatial) int32 by one segmenter; GrdError, which names those there are, for another."""
    with open_file(path, "labels") as file:
        return read_names(file), _read_arrays(file[_present(path, file, segmenter)])


def segmenters_of(path: Path) -> list[str]:
    """Names of the segmenters in a labels file."""
    with open_file(path, "labels") as file:
        return [name for name in file if name != "names"]


def chosen_numbers(path: Path, segmenter: str) -> dict[str, Any]:
    """The numbers that validation data chose for a segmenter, by name."""
    with open_file(path, "labels") as file:
        return dict(file[_present(path, file, segmenter)].attrs)


def _present(path: Path, file: h5py.File, segmenter: str) -> str:
    check_name(segmenter, [name for name in file if name != "names"], "segmenter", str(path))
    return segmenter


def write_names(group: h5py.Group, names: Sequence[str]) -> None:
    """Write image names beside their arrays."""
    group.create_dataset("names", data=list(names), dtype=h5py.string_dtype())


def read_names(group: h5py.Group) -> list[str]:
    """Image names beside their arrays."""
    return list(group["names"].asstr()[:])
