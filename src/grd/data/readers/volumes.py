"""Helpers of the readers of volumes: checks, and consecutive ids, one block of sections at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import h5py
import numpy as np

from grd.data.archives import hdf5
from grd.data.sample import Sample
from grd.errors import GrdError

MAIN = "main"
MOST_IDS = 65_535  # of uint16

Volume: TypeAlias = np.ndarray | h5py.Dataset


def volume_sample(name: str, raw: Volume, labels: Volume, images_in: str, labels_in: str) -> Sample:
    """Sample of a volume (Z, Y, X) uint8 and labels with consecutive ids; GrdError for another type or shape.

    `images_in` and `labels_in` name file and dataset in errors.
    """
    _check_raw(raw, images_in)
    if labels.dtype.kind not in "ui" or labels.shape != raw.shape:
        raise GrdError(
            f"{labels_in}: expected integer labels of shape {raw.shape} as in {images_in}, found {labels.dtype} of shape "
            f"{labels.shape}; get the file again"
        )
    return Sample(name, raw[:], relabel_blocks(_blocks(labels), labels.shape, labels_in))


def read_h5_pair(name: str, inputs: Path, labels: Path) -> Sample:
    """Sample of a volume (Z, Y, X) uint8 and its labels in two files as the authors' code reads them, with one dataset `main`
    each; GrdError for another type or shape."""
    with hdf5.open_file(inputs) as images:
        raw = hdf5.dataset(images, MAIN)[:]
    with hdf5.open_file(labels) as masks:
        return volume_sample(name, raw, hdf5.dataset(masks, MAIN), f"{inputs}: {MAIN}", f"{labels}: {MAIN}")


def relabel_blocks(blocks: Iterable[np.ndarray], shape: tuple[int, ...], where: str) -> np.ndarray:
    """Labels (Z, Y, X) uint16 with ids 1..n, in the order of the old ids, from blocks (z, Y, X) of labels.

    0, negative ids and ids from 2**63 (CREMI's mark of invalid voxels) become 0. Only one block at a time is in memory besides
    the result, since the ids of a real volume take 8 bytes each. Raises GrdError for no instance or more than 65,535.
    """
    labels = np.empty(shape, np.uint16)
    known, depth = np.zeros(1, np.int64), 0  # ids in the order of their first occurrence; number of sections done
    for block in blocks:
        ids = np.maximum(block.astype(np.int64), 0)
        known = np.concatenate([known, np.setdiff1d(ids, known)])
        _check_id_count(len(known) - 1, where)
        labels[depth : depth + len(block)] = _positions(known, ids)
        depth += len(block)
    if len(known) == 1:
        raise GrdError(f"{where}: expected instances in labels of shape {shape}, found only 0; get the file again")
    ranks = np.argsort(np.argsort(known)).astype(np.uint16)
    for section in labels:
        section[:] = ranks[section]
    return labels


def _positions(known: np.ndarray, ids: np.ndarray) -> np.ndarray:
    order = np.argsort(known)
    return order[np.searchsorted(known, ids, sorter=order)]


def _blocks(labels: Volume) -> Iterator[np.ndarray]:
    """Blocks of sections, as deep as the chunks of a file, so that each chunk is read once."""
    depth = labels.chunks[0] if isinstance(labels, h5py.Dataset) and labels.chunks else 1
    return (labels[first : first + depth] for first in range(0, labels.shape[0], depth))


def _check_raw(raw: Volume, where: str) -> None:
    if raw.ndim != 3 or not raw.size:
        raise GrdError(f"{where}: expected a volume (sections, rows, columns), found shape {raw.shape}; get the file again")
    if raw.dtype == np.uint8:
        return
    unknown = np.count_nonzero(np.isnan(raw[:])) if raw.dtype.kind == "f" else 0
    found = f"{raw.dtype} of shape {raw.shape}" + (f" with {unknown} NaN voxels" if unknown else "")
    raise GrdError(f"{where}: expected uint8 voxels, found {found}; get the official file, or convert it to uint8")


def _check_id_count(number: int, where: str) -> None:
    if number > MOST_IDS:
        raise GrdError(f"{where}: expected at most {MOST_IDS} ids, found {number} or more; crop the volume")
