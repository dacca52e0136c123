"""Training data on the device: batch t of a run is a function of its seed and t."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from grd.config import Augment
from grd.data.augment import augment
from grd.data.store import Split
from grd.randomness import generator

Normalisation = Literal["imagenet", "unit"]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Batch:
    """Network input (B, 3, H, W) float32 and labels (B, H, W) int64."""

    images: Tensor
    labels: Tensor


def as_channels(images: np.ndarray) -> Tensor:
    """Stored images (n, H, W) or (n, H, W, 3) uint8 → (n, 1 or 3, H, W) uint8."""
    tensor = torch.from_numpy(images)
    return tensor.unsqueeze(1) if tensor.dim() == 3 else tensor.permute(0, 3, 1, 2).contiguous()


def normalised(images: Tensor, normalisation: Normalisation) -> Tensor:
    """Images (B, 1 or 3, H, W) in [0, 1] → network input (B, 3, H, W); a single channel is repeated."""
    images = images.expand(-1, 3, -1, -1)
    if normalisation == "unit":
        return images.contiguous()
    mean, std = (images.new_tensor(value).view(1, 3, 1, 1) for value in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std


def padded(images: Tensor, canvas: Sequence[int], padding: Literal["reflect", "zero"]) -> Tensor:
    """Images (B, C, H, W) in the middle of a canvas; labels are padded with 'zero', as (B, 1, H, W)."""
    height, width = (canvas[0] - images.shape[-2], canvas[1] - images.shape[-1])
    margins = (width // 2, width - width // 2, height // 2, height - height // 2)
    return F.pad(images, margins, mode="reflect" if padding == "reflect" else "constant")


def cropped(maps: Tensor, size: Sequence[int]) -> Tensor:
    """The middle of (…, H, W): undoes `padded`."""
    top, left = ((maps.shape[-2] - size[0]) // 2, (maps.shape[-1] - size[1]) // 2)
    return maps[..., top : top + size[0], left : left + size[1]]


class DeviceSplit:
    """One split on the device, loaded once."""

    def __init__(self, split: Split, normalisation: Normalisation, device: torch.device) -> None:
        self.images = as_channels(split.images).to(device)
        self.labels = torch.from_numpy(split.labels.astype(np.int32)).to(device)
        self.normalisation: Normalisation = normalisation
        self.instances = int(split.labels.max(initial=0)) + 1

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def training_batch(self, settings: Augment, size: int, seed: int, step: int) -> Batch:
        """Batch `step` of a run: `size` images drawn with replacement, augmented and normalised."""
        chosen = torch.randint(len(self), (size,), generator=generator(seed, "images", step)).to(self.images.device)
        images, labels = augment(
            self.images[chosen].float() / 255, self.labels[chosen], settings, generator(seed, "augment", step)
        )
        return Batch(normalised(images, self.normalisation), labels.long())

    def whole(self, index: slice, canvas: Sequence[int], padding: Literal["reflect", "zero"]) -> Batch:
        """Whole images on their canvas, labels padded with background."""
        images = padded(self.images[index].float() / 255, canvas, padding)
        labels = padded(self.labels[index].unsqueeze(1), canvas, "zero").squeeze(1)
        return Batch(normalised(images, self.normalisation), labels.long())
