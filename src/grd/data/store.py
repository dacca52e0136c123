"""The HDF5 layout of everything that the pipeline keeps in arrays, defined once.

Every file carries the attributes `format` (one of FORMATS) and `format_version`. Files appear whole or not at all. Arrays that
are stored in chunks have checksums (Fletcher's), so that what the disk changed later is refused on reading.

    samples     <split>/images (n, H, W[, 3]) uint8 · <split>/labels (n, H, W) uint16 · <split>/names (n,)
    affinities  <split>/affinities (n, C, H, W) float32 in [-1, 1] · <split>/names (n,) · offsets (C, 2)
    labels      labels (n, H, W) int32 · names (n,)

Volumes have (Z, Y, X) for (H, W) everywhere; the rank of the labels tells.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from grd.errors import GrdError
from grd.provenance.passport import check
from grd.system.files import whole

FORMATS = ("samples", "affinities", "labels")
FORMAT_VERSION = 2
SPLITS = ("training", "validation", "test")


@dataclass(frozen=True)
class Split:
    """One split of a data set: `images` (n, H, W) or (n, H, W, 3) uint8, `labels` (n, H, W) uint16; or volumes, both
    (n, Z, Y, X)."""

    names: list[str]
    images: np.ndarray
    labels: np.ndarray

    @property
    def volumes(self) -> bool:
        """Whether these are volumes."""
        return self.labels.ndim == 4


@contextmanager
def create(path: Path, kind: str) -> Iterator[h5py.File]:
    """A new HDF5 file of one of FORMATS, whole or not at all."""
    with whole(path) as part, Writer(part) as writer:
        try:
            with h5py.File(writer, "w") as file:
                file.attrs["format"], file.attrs["format_version"] = f"grd {kind}", FORMAT_VERSION
                yield file
        finally:
            if writer.fault:
                raise writer.fault


class Writer(FileIO):
    """A file for HDF5, which on a full disk crashes as it closes: it is told of no fault, the first one is kept here."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.fault: OSError | None = None

    def write(self, content: Any) -> int:
        """Write all of a buffer; returns its size."""
        left = memoryview(content).cast("B")
        size = len(left)
        try:
            while left and self.fault is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.fault = error
        return size


@contextmanager
def opened(path: Path, kind: str) -> Iterator[h5py.File]:
    """An HDF5 file of this kind, open for reading; another kind, another version, no HDF5 at all, or other bytes than those
    that were written are a GrdError."""
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
        with _damage_told(path):
            yield file


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Within this context what HDF5 cannot read is a GrdError; errors of the system, which have numbers, are left alone."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise GrdError(f"{path}: expected the arrays that were written, found damage ({error}); delete it and rerun") from error


def write_samples(path: Path, splits: Mapping[str, Split]) -> None:
    """Write a prepared data set, its splits as groups."""
    with create(path, "samples") as file:
        for name, split in splits.items():
            group = file.create_group(name)
            group.create_dataset(
                "images", data=split.images, compression="gzip", compression_opts=4, shuffle=True, fletcher32=True
            )
            group.create_dataset("labels", data=split.labels, compression="gzip", compression_opts=4, fletcher32=True)
            write_names(group, split.names)


def read_split(path: Path, split: str) -> Split:
    """One split of a prepared data set."""
    with opened(path, "samples") as file:
        group = file[split]
        return Split(read_names(group), group["images"][:], group["labels"][:])


def write_labels(path: Path, names: Sequence[str], labels: np.ndarray, **attributes: float) -> None:
    """Write segmentations (n, *spatial), one per image name, and numbers that say how they were made."""
    with create(path, "labels") as file:
        file.attrs.update(attributes)
        file.create_dataset("labels", data=labels.astype(np.int32, copy=False), compression="gzip", fletcher32=True)
        write_names(file, names)


def read_labels(path: Path) -> tuple[list[str], np.ndarray]:
    """Image names and segmentations (n, *spatial) int32."""
    with opened(path, "labels") as file:
        return read_names(file), file["labels"][:]


class AffinityFile:
    """An affinities file in the making: datasets that are filled region by region."""

    def __init__(self, file: h5py.File) -> None:
        self.file = file

    def split(self, name: str, names: Sequence[str], shape: Sequence[int], chunk: Sequence[int]) -> h5py.Dataset:
        """A new dataset (n, C, *spatial) float32 for the maps (C, *spatial) of each name, stored in chunks (C, *spatial)."""
        group = self.file.create_group(name)
        write_names(group, names)
        chunks = (1, *(min(pair) for pair in zip(chunk, shape, strict=True)))
        return group.create_dataset("affinities", (len(names), *shape), np.float32, chunks=chunks, fletcher32=True)


@contextmanager
def affinity_writer(path: Path, offsets: Sequence[Sequence[int]]) -> Iterator[AffinityFile]:
    """A new affinities file, whole or not at all."""
    with create(path, "affinities") as file:
        file.create_dataset("offsets", data=np.array(offsets))
        yield AffinityFile(file)


@contextmanager
def affinity_reader(path: Path, split: str = "test") -> Iterator[tuple[list[str], list[tuple[int, ...]], Iterator[np.ndarray]]]:
    """Image names, offsets, and the maps (C, *spatial) one image at a time."""
    with opened(path, "affinities") as file:
        if split not in file:
            raise GrdError(f"{path}: expected affinities of the {split} split, found those of {', '.join(file)}; predict them")
        offsets = [tuple(map(int, offset)) for offset in file["offsets"][:]]
        yield read_names(file[split]), offsets, (maps for maps in file[split]["affinities"])


def write_names(group: h5py.Group, names: Sequence[str]) -> None:
    """Store image names beside their arrays."""
    group.create_dataset("names", data=list(names), dtype=h5py.string_dtype())


def read_names(group: h5py.Group) -> list[str]:
    """The image names beside stored arrays."""
    return list(group["names"].asstr()[:])
