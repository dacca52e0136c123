"""Images paired with masks, and samples checked: what the readers of images share."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from grd.data.sample import Sample
from grd.errors import GrdError


def paired(dataset: str, images: Collection[str], masks: Collection[str], where: Path, allow_missing: bool = False) -> list[str]:
    """The names that have both an image and a mask, sorted; a name with only one is a GrdError unless `allow_missing`."""
    without = {"mask": sorted(set(images) - set(masks)), "image": sorted(set(masks) - set(images))}
    lacking = "; ".join(f"no {what} for {', '.join(which)}" for what, which in without.items() if which)
    if lacking and not allow_missing:
        raise incomplete(f"{where}: expected an image and a mask of every sample, found {lacking}", dataset)
    return sorted(set(images) & set(masks))


def incomplete(fault: str, dataset: str) -> GrdError:
    """The error for missing samples, with the setting that accepts them."""
    return GrdError(f"{fault}; complete the archives, or accept this with 'allow_missing: [{dataset}]' in config/config.yaml")


def image_sample(name: str, picture: np.ndarray, labels: np.ndarray, where: Path, may_be_empty: bool = False) -> Sample:
    """An image (H, W[, 3]) and its labels (H, W), checked, the ids made consecutive."""
    if picture.shape[:2] != labels.shape:
        raise GrdError(
            f"{where}: expected image and mask of {name} to have one size, found {picture.shape[:2]} and "
            f"{labels.shape}; get the archives again"
        )
    if not may_be_empty and not labels.any():
        raise GrdError(f"{where}: expected instances in the mask of {name}, found an empty mask; get the archive again")
    return Sample(name, picture, consecutive(labels))


def consecutive(labels: np.ndarray) -> np.ndarray:
    """Labels (H, W) with the ids 1..n in the order of the old ids, uint16; 0 stays 0."""
    ids = np.unique(labels)
    return np.searchsorted(ids[ids > 0], labels, side="left").astype(np.uint16) + (labels > 0).astype(np.uint16)
