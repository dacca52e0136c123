"""Image files of users, read by their ending, with errors that name the file."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from skimage.io import imread

from grd.errors import GrdError

GREY_KEYS = ("main", "volumes/raw")
LABEL_KEYS = ("labels", "main", "volumes/labels/neuron_ids")


def read_image(path: Path, keys: Sequence[str] = GREY_KEYS) -> np.ndarray:
    """The array in a tif, png, jpg, npy or h5 file; in an h5 file, the first existing dataset of `keys`, or its only one."""
    try:
        open(path, "rb").close()  # libraries below report absent and unreadable files in many ways
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix in {".h5", ".hdf5", ".hdf"}:
            return _read_h5(path, keys)
        return np.asarray(imread(path))
    except FileNotFoundError:
        raise GrdError(f"{path}: expected an image, found no file; check the path") from None
    except IsADirectoryError:
        raise GrdError(f"{path}: expected an image file, found a folder; name the files in it") from None
    except PermissionError:
        raise
    except (OSError, ValueError, SyntaxError, RuntimeError):
        raise GrdError(f"{path}: expected a readable tif, png, npy or h5, found none; convert or replace the file") from None


def _read_h5(path: Path, keys: Sequence[str]) -> np.ndarray:
    with h5py.File(path, "r") as file:
        found = [name for name, item in file.items() if isinstance(item, h5py.Dataset) and item.dtype.kind in "uif"]
        present = [key for key in keys if isinstance(file.get(key), h5py.Dataset)]
        name = present[0] if present else found[0] if len(found) == 1 else None
        if name is None:
            raise GrdError(
                f"{path}: expected one array, or one named {', '.join(keys)}, found {', '.join(found) or 'none'}; rename it"
            )
        return _drop_count_axis(file[name][:])


def _drop_count_axis(array: np.ndarray) -> np.ndarray:
    """An array (Z, Y, X) from the pipeline's labels of a single volume, (1, Z, Y, X); any other array unchanged."""
    return array[0] if array.ndim == 4 and len(array) == 1 else array


def read_label_image(path: Path) -> np.ndarray:
    """An integer label image (H, W) or volume (Z, Y, X); GrdError for a file of another type."""
    labels = read_image(path, LABEL_KEYS)
    if labels.dtype.kind not in "ui":
        raise GrdError(f"{path}: expected integer labels, found {labels.dtype} of shape {labels.shape}; convert them")
    return labels


def read_volume(path: Path) -> np.ndarray:
    """A volume (Z, Y, X) of any number type."""
    volume = read_image(path)
    if volume.ndim != 3 or not np.isfinite(volume).all():
        found = f"shape {volume.shape}" if volume.ndim != 3 else "NaN or infinite voxels"
        raise GrdError(f"{path}: expected a volume (Z, Y, X) of finite grey values, found {found}; convert or repair it")
    return volume


def read_microscope_image(path: Path) -> np.ndarray:
    """An image (H, W) or (H, W, 3) of any number type; a fourth channel (alpha) is dropped."""
    image = read_image(path)
    if image.ndim == 3 and image.shape[2] == 4:
        image = image[..., :3]
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise GrdError(f"{path}: expected an image (H, W) or (H, W, 3), found shape {image.shape}; split stacks into images")
    return image
