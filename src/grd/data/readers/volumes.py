"""Ids made consecutive section by section, and samples checked: what the readers of volumes share."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import h5py
import numpy as np

from grd.data.sample import Sample
from grd.errors import GrdError

MOST_IDS = 65_535  # of uint16


Volume: TypeAlias = np.ndarray | h5py.Dataset


def sample(name: str, raw: Volume, labels: Volume, images_in: str, labels_in: str) -> Sample:
    """A volume (Z, Y, X) uint8 and its labels, checked, the ids made consecutive; `…_in` say where they are, for errors."""
    _check_raw(raw, images_in)
    if labels.dtype.kind not in "ui" or labels.shape != raw.shape:
        raise GrdError(
            f"{labels_in}: expected integer labels of shape {raw.shape} as in {images_in}, found {labels.dtype} of shape "
            f"{labels.shape}; get the file again"
        )
    return Sample(name, raw[:], consecutive(_blocks(labels), labels.shape, labels_in))


def consecutive(blocks: Iterable[np.ndarray], shape: tuple[int, ...], where: str) -> np.ndarray:
    """Labels (Z, Y, X) uint16 from blocks (z, Y, X) of them, ids 1..n in the order of the old ids.

    0, negative ids and those from 2**63 (CREMI's marks for what is not valid) become 0. One block at a time is held
    beside the result, since the ids of a real volume take 8 bytes each. No instance, or more than 65,535, are a GrdError.
    """
    labels = np.empty(shape, np.uint16)
    known, filled = np.zeros(1, np.int64), 0  # the ids in the order in which they were met
    for block in blocks:
        ids = np.maximum(block.astype(np.int64), 0)
        known = np.concatenate([known, np.setdiff1d(ids, known)])
        _check_number(len(known) - 1, where)
        labels[filled : filled + len(block)] = _places(known, ids)
        filled += len(block)
    if len(known) == 1:
        raise GrdError(f"{where}: expected instances in labels of shape {shape}, found only 0; get the file again")
    ranks = np.argsort(np.argsort(known)).astype(np.uint16)
    for section in labels:
        section[:] = ranks[section]
    return labels


def _places(known: np.ndarray, ids: np.ndarray) -> np.ndarray:
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


def _check_number(number: int, where: str) -> None:
    if number > MOST_IDS:
        raise GrdError(f"{where}: expected at most {MOST_IDS} ids, found {number} or more; crop the volume")
