"""Helpers of the readers of images: pairing with masks, checks, consecutive ids."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from grd.data.ids import relabel_consecutive
from grd.data.readers.volumes import MOST_IDS
from grd.data.sample import Sample
from grd.errors import GrdError


def pair_names(
    dataset: str, images: Collection[str], masks: Collection[str], where: Path, allow_missing: bool = False
) -> list[str]:
    """Sorted names that have an image and a mask; GrdError if a name has only one of them, unless `allow_missing`."""
    without = {"mask": sorted(set(images) - set(masks)), "image": sorted(set(masks) - set(images))}
    lacking = "; ".join(f"no {what} for {', '.join(which)}" for what, which in without.items() if which)
    if lacking and not allow_missing:
        raise missing_samples_error(f"{where}: expected an image and a mask of every sample, found {lacking}", dataset)
    return sorted(set(images) & set(masks))


def missing_samples_error(fault: str, dataset: str) -> GrdError:
    """Error for missing samples, with the setting that accepts them."""
    return GrdError(f"{fault}; complete the archives, or accept this with 'allow_missing: [{dataset}]' in config/config.yaml")


def image_sample(name: str, picture: np.ndarray, labels: np.ndarray, where: Path, may_be_empty: bool = False) -> Sample:
    """Sample of an image (H, W[, 3]) and labels (H, W) with consecutive ids; GrdError for other sizes, none or too many."""
    if picture.shape[:2] != labels.shape:
        raise GrdError(
            f"{where}: expected image and mask of {name} to have one size, found {picture.shape[:2]} and "
            f"{labels.shape}; get the archives again"
        )
    if not may_be_empty and not labels.any():
        raise GrdError(f"{where}: expected instances in the mask of {name}, found an empty mask; get the archive again")
    labels = relabel_consecutive(labels)
    if labels.max(initial=0) > MOST_IDS:
        raise GrdError(
            f"{where}: expected at most {MOST_IDS} instances in the mask of {name}, found {labels.max()}; cut the image"
        )
    return Sample(name, picture, labels.astype(np.uint16))
