"""Users' own images → label images."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from skimage.io import imsave
from tqdm import tqdm

from grd.config import Segmenter
from grd.data.images import read_microscope_image
from grd.data.prepare import to_uint8
from grd.data.store import whole
from grd.errors import GrdError
from grd.inference.predict import load_predictor
from grd.segmentation import segment


def segment_images(images: Sequence[Path], model: Path, out: Path, settings: Segmenter, device: torch.device) -> Iterator[Path]:
    """Segment image files with a model; yields the 16-bit tif (H, W) written for each, `<name>-labels.tif`."""
    predictor = load_predictor(model, device)
    for path in tqdm(images, desc="images", leave=False, disable=None):
        image = to_uint8(read_microscope_image(path))
        labels = segment(predictor.affinities(image), predictor.offsets, settings)
        if labels.max(initial=0) > np.iinfo(np.uint16).max:
            raise GrdError(f"{path}: expected at most 65535 instances, found {labels.max()}; this model does not fit the image")
        target = out / f"{path.stem}-labels.tif"
        with whole(target) as part:
            imsave(part.with_suffix(".tif"), labels.astype(np.uint16), check_contrast=False)
            part.with_suffix(".tif").rename(part)
        yield target
