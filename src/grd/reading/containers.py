"""Arrays of npy, npz, HDF5 and zarr, which rarely name their axes."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from grd.errors import GrdError
from grd.reading.stored import MICROMETRES, UNNAMED, Stored, known_axes, no_parts


def open_npy(path: Path, part: str | None, preferred: Sequence[str], resources: ExitStack) -> Stored:
    """The array of an npy file."""
    no_parts(path, part)
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return Stored(str(path), array, UNNAMED * array.ndim)


def open_npz(path: Path, part: str | None, preferred: Sequence[str], resources: ExitStack) -> Stored:
    """An array of an npz file."""
    file = resources.enter_context(np.load(path, allow_pickle=False))
    array = file[_choose(path, part, file.files, preferred)]
    return Stored(str(path), array, UNNAMED * array.ndim)


def open_hdf5(path: Path, part: str | None, preferred: Sequence[str], resources: ExitStack) -> Stored:
    """A dataset of an HDF5 file, however deep; axes as ilastik's `axistags` say, or this project's own format."""
    file = resources.enter_context(h5py.File(path, "r"))
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if _is_numeric(item) else None)
    name = _choose(path, part, found, preferred)
    dataset = file[name]
    where = f"{path}:{name}" if len(found) > 1 else str(path)
    if str(file.attrs.get("format", "")).startswith("grd "):
        names = dataset.parent["names"].asstr()[:].tolist() if "names" in dataset.parent else ()
        return Stored(where, dataset, _own_axes(name, dataset.shape), names=names)
    return Stored(where, dataset, _axistags(dataset))


def _own_axes(name: str, shape: Sequence[int]) -> str:
    """Axes of samples and labels: images (N, Y, X) and (N, Y, X, 3), volumes (N, Z, Y, X); without N where sizes differ."""
    kind, _, number = name.rpartition("/")
    if number.isdecimal():
        return _own_axes(kind, (1, *shape))[1:]
    return {3: "NYX", 4: "NYXS" if name.endswith("images") and shape[-1] == 3 else "NZYX"}[len(shape)]


def _is_numeric(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.dtype.kind in "uifb" and item.ndim >= 2


def _axistags(dataset: h5py.Dataset) -> str:
    text = dataset.attrs.get("axistags")
    letters = "".join(axis["key"] for axis in json.loads(text)["axes"]) if text else ""
    return known_axes(letters, dataset.ndim)


def open_zarr(path: Path, part: str | None, preferred: Sequence[str], resources: ExitStack) -> Stored:
    """An array of a zarr folder; of an OME-Zarr image the full resolution, with its axes and pixel size."""
    import zarr

    item: Any = zarr.open(path, mode="r")
    if isinstance(item, zarr.Array):
        no_parts(path, part)
        return Stored(str(path), item, UNNAMED * item.ndim)
    arrays = {name: each for name, each in item.members(max_depth=None) if isinstance(each, zarr.Array)}
    if part is None and (image := _multiscales(item)):
        part = str(image["datasets"][0]["path"])
    part = _choose(path, part, list(arrays), preferred)
    scales, inner = _image_of(item, part)
    return Stored(f"{path}:{part}", arrays[part], _ngff_axes(scales, arrays[part].ndim), _ngff_pixel_size(scales, inner))


def _image_of(group: Any, part: str) -> tuple[Mapping[str, Any], str]:
    """The multiscales of the innermost group around an array that has some, and the array's path in that group."""
    names = part.split("/")
    for depth in reversed(range(len(names))):
        if scales := _multiscales(group["/".join(names[:depth])] if depth else group):
            return scales, "/".join(names[depth:])
    return {}, part


def _multiscales(item: Any) -> Mapping[str, Any]:
    attributes = item.attrs.asdict()
    scales = attributes.get("ome", attributes).get("multiscales") or [{}]
    return scales[0]


def _ngff_axes(scales: Mapping[str, Any], rank: int) -> str:
    axes = [axis if isinstance(axis, str) else axis["name"] for axis in scales.get("axes", [])]
    return known_axes("".join(axis[0] for axis in axes), rank)


def _ngff_pixel_size(scales: Mapping[str, Any], part: str) -> dict[str, float]:
    """µm by axis letter: the scale of the data set, times that of all data sets where there is one."""
    axes = [axis for axis in scales.get("axes", []) if not isinstance(axis, str)]
    own = [_scale(each) for each in scales.get("datasets", []) if str(each["path"]).strip("/") == part]
    common = _scale(scales) or [1.0] * len(axes)
    if not own or not len(own[0]) == len(common) == len(axes):
        return {}
    sizes = [(axis, size * factor) for axis, size, factor in zip(axes, own[0], common, strict=True)]
    return {axis["name"].upper(): size * MICROMETRES[axis["unit"]] for axis, size in sizes if axis.get("unit") in MICROMETRES}


def _scale(described: Mapping[str, Any]) -> list[float]:
    """The scale among the transformations of a data set or of all, one number per axis; nothing where there is none."""
    found = [each["scale"] for each in described.get("coordinateTransformations", []) if each["type"] == "scale"]
    return found[0] if found else []


def _choose(path: Path, part: str | None, found: Sequence[str], preferred: Sequence[str]) -> str:
    """The array named `part`, or the first preferred one, or the only one; GrdError if none of these."""
    wanted = [part.strip("/")] if part is not None else preferred
    chosen = [name for name in wanted if name in found] or (found if len(found) == 1 and part is None else [])
    if not chosen:
        what = f"an array {part}" if part is not None else "one array"
        listed = f"{', '.join(found[:10])}{', …' if len(found) > 10 else ''}" if found else "none"
        example = f"; name one, as in {path.name}:{found[0]}" if found else "; replace the file"
        raise GrdError(f"{path}: expected {what}, found {listed}{example}")
    return chosen[0]
