"""Users' own images and volumes → labels."""

import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
import torch
from tqdm import tqdm

from grd.config.segmenters import Segmenter
from grd.data.images import read_microscope_image, read_volume
from grd.data.prepare import to_uint8
from grd.errors import GrdError, error_location
from grd.inference.predict import load_predictor
from grd.segmentation import segment
from grd.system.files import atomic_write


def segment_files(
    files: Sequence[Path], model: Path, out: Path, image: Segmenter, volume: Segmenter, device: torch.device
) -> Iterator[Path]:
    """Segment files with a model of images or of volumes and the segmenter of that kind; yields the tif written for each.

    `<name>-labels.tif` is (H, W) or (Z, Y, X), 16-bit, or 32-bit if a volume has more than 65535 instances.
    """
    targets = [out / f"{path.stem}-labels.tif" for path in files]
    if twice := next((target for target in targets if targets.count(target) > 1), None):
        raise GrdError(
            f"{twice}: expected images of different names, found several for this file; segment them into different folders"
        )
    if out.exists() and not out.is_dir():
        raise GrdError(f"{out}: expected a folder for label images, found a file; choose another folder")
    predictor = load_predictor(model, device)
    read, settings = (read_microscope_image, image) if predictor.network.rank == 2 else (read_volume, volume)
    shown = tqdm(files, desc="files", leave=False, disable=None, file=sys.stderr)
    for path, target in zip(shown, targets, strict=True):
        pixels = to_uint8(read(path))
        with error_location(str(path)):
            labels = segment(predictor.affinities(pixels), predictor.offsets, settings)
        write_tif(target, _narrow(labels, path))
        yield target


def write_tif(path: Path, labels: np.ndarray) -> None:
    """Write a label image (H, W) or volume (Z, Y, X), uint16 or uint32, whole or not at all; OSError for a full disk.

    The file is encoded in memory, since tifffile does not report a full disk.
    """
    file = BytesIO()
    tifffile.imwrite(file, labels, photometric="minisblack")
    with atomic_write(path) as part:
        part.write_bytes(file.getbuffer())


def _narrow(labels: np.ndarray, path: Path) -> np.ndarray:
    if labels.max(initial=0) <= np.iinfo(np.uint16).max:
        return labels.astype(np.uint16)
    if labels.ndim == 2:
        raise GrdError(f"{path}: expected at most 65535 instances, found {labels.max()}; this model does not fit the image")
    return labels.astype(np.uint32)
