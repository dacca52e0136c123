"""Training and evaluation data on the device; batch t of a run is a function of its seed and t."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from grd.config.datasets import Augment
from grd.data.augment import augment, augment_sections
from grd.data.padding import check_canvas, check_context, crop_to, mirrored_index
from grd.data.randomness import generator
from grd.data.store import Split

Normalisation = Literal["imagenet", "unit"]
PADDING = -1
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Batch:
    """Network input float32 and labels int64: (B, 3, H, W) and (B, H, W), or (B, 1, Z, Y, X) and (B, *output) of volumes.

    `origin`, int32 (B, H, W), or (1, H, W) if it is the same for all, says where a pixel comes from: 0 is the image itself,
    positive numbers are its mirror images beyond the border, PADDING is the canvas around it. It is None if all pixels are of
    the image itself, and for volumes. `size` is that of images on a larger canvas, in whose middle they lie.
    """

    images: Tensor
    labels: Tensor
    origin: Tensor | None = None
    size: tuple[int, ...] | None = None

    @property
    def own_labels(self) -> Tensor:
        """Labels of the image itself, 0 elsewhere, so that an instance does not count together with its mirror images."""
        return self.labels if self.origin is None else self.labels.masked_fill(self.origin != 0, 0)


def as_channels(images: np.ndarray) -> Tensor:
    """Tensor (n, 1 or 3, H, W) uint8 of stored images (n, H, W) or (n, H, W, 3) uint8."""
    tensor = torch.from_numpy(images)
    return tensor.unsqueeze(1) if tensor.dim() == 3 else tensor.permute(0, 3, 1, 2).contiguous()


def normalise(images: Tensor, normalisation: Normalisation) -> Tensor:
    """Network input (B, 3, H, W) from images (B, 1 or 3, H, W) in [0, 1]; a single channel is repeated."""
    images = images.expand(-1, 3, -1, -1)
    if normalisation == "unit":
        return images.contiguous()
    mean, std = (images.new_tensor(value).view(1, 3, 1, 1) for value in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std


def pad_to(images: Tensor, canvas: Sequence[int], padding: Literal["reflect", "zero"]) -> Tensor:
    """Put images (B, C, H, W), or labels (B, 1, H, W), into the middle of a canvas; labels need the padding 'zero'.

    GrdError if the canvas is smaller.
    """
    check_canvas(images.shape[-2:], canvas)
    height, width = (canvas[0] - images.shape[-2], canvas[1] - images.shape[-1])
    margins = (width // 2, width - width // 2, height // 2, height - height // 2)
    return F.pad(images, margins, mode="reflect" if padding == "reflect" else "constant")


@dataclass(frozen=True)
class Geometry:
    """Sizes of a network's input and output.

    `canvas` is the input at evaluation, `padding` the way to reach it. `canvas_output` and `crop_output` are the output sizes
    for the canvas and for a training crop; valid convolutions make them smaller than the input. `nearest_size` is the smallest
    canvas that the network takes for an image of a size; it replaces `canvas` for images of different sizes.
    """

    canvas: tuple[int, ...]
    padding: Literal["reflect", "zero"]
    canvas_output: tuple[int, ...]
    crop_output: tuple[int, ...]
    nearest_size: Callable[[Sequence[int]], tuple[int, ...]] = tuple


class DeviceSplit(Protocol):
    """One split on the device, loaded once."""

    instances: int
    """Largest id plus one."""

    def training_batch(self, settings: Augment, geometry: Geometry, size: int, seed: int, step: int) -> Batch:
        """Batch `step` of a run: `size` samples drawn with replacement, augmented and normalised."""

    def check(self, geometry: Geometry) -> None:
        """GrdError if the samples are too small for the network."""

    def evaluation_batches(self, geometry: Geometry, size: int) -> Iterator[Batch]:
        """All samples, unaugmented, in batches of up to `size`."""


def device_split(split: Split, normalisation: Normalisation, device: torch.device, widen: bool) -> DeviceSplit:
    """A split on the device; `widen` says if borders between labels of volumes are widened (for training only)."""
    if split.holds_volumes:
        return DeviceVolumes(split, device, widen)
    return (DeviceImages if split.stacked else DeviceGallery)(split, normalisation, device)


class DeviceImages:
    """Images of one size of one split on the device."""

    def __init__(self, split: Split, normalisation: Normalisation, device: torch.device) -> None:
        images, labels = np.asarray(split.images), np.asarray(split.labels)
        self.images = as_channels(images).to(device)
        self.labels = torch.from_numpy(labels.astype(np.int32)).to(device)
        self.normalisation: Normalisation = normalisation
        self.instances, self.size = int(labels.max(initial=0)) + 1, labels.shape[1:]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def check(self, geometry: Geometry) -> None:
        """GrdError for a canvas smaller than the images, which are padded to it."""
        check_canvas(self.size, geometry.canvas)

    def training_batch(self, settings: Augment, geometry: Geometry, size: int, seed: int, step: int) -> Batch:
        """Batch `step` of a run: `size` images drawn with replacement, augmented and normalised."""
        chosen = torch.randint(len(self), (size,), generator=generator(seed, "images", step)).to(self.images.device)
        images, labels, origin = augment(
            self.images[chosen].float() / 255, self.labels[chosen], settings, generator(seed, "augment", step)
        )
        return Batch(normalise(images, self.normalisation), labels.long(), origin)

    def evaluation_batches(self, geometry: Geometry, size: int) -> Iterator[Batch]:
        """Whole images on their canvas, labels padded with background."""
        origin = self._origin_on(geometry.canvas)
        for images, labels in zip(self.images.split(size), self.labels.split(size), strict=True):
            pixels = pad_to(images.float() / 255, geometry.canvas, geometry.padding)
            ids = pad_to(labels.unsqueeze(1), geometry.canvas, "zero").squeeze(1)
            yield Batch(normalise(pixels, self.normalisation), ids.long(), origin, self.size)

    def _origin_on(self, canvas: Sequence[int]) -> Tensor | None:
        """`Batch.origin` (1, *canvas) of an image on the canvas; None if it covers the canvas."""
        if tuple(canvas) == tuple(self.labels.shape[1:]):
            return None
        origin = torch.full((1, *canvas), PADDING, dtype=torch.int32, device=self.labels.device)
        crop_to(origin, self.labels.shape[1:]).zero_()
        return origin


class DeviceGallery:
    """Images of different sizes of one split on the device; each is cropped, and evaluated, by itself."""

    def __init__(self, split: Split, normalisation: Normalisation, device: torch.device) -> None:
        self.images = [DeviceImages(split.single(n), normalisation, device) for n in range(len(split.names))]
        self.instances = max(image.instances for image in self.images)

    def check(self, geometry: Geometry) -> None:
        """Accept any size: images are padded to the nearest that the network takes."""

    def training_batch(self, settings: Augment, geometry: Geometry, size: int, seed: int, step: int) -> Batch:
        """Batch `step` of a run: `size` images drawn with replacement, each augmented by itself."""
        chosen = torch.randint(len(self.images), (size,), generator=generator(seed, "images", step)).tolist()
        crops = [
            self.images[number].training_batch(settings, geometry, 1, seed, step * size + place)
            for place, number in enumerate(chosen)
        ]
        images, labels = torch.cat([crop.images for crop in crops]), torch.cat([crop.labels for crop in crops])
        if all(crop.origin is None for crop in crops):
            return Batch(images, labels)
        inside = torch.zeros_like(crops[0].labels, dtype=torch.int32)
        return Batch(images, labels, torch.cat([inside if crop.origin is None else crop.origin for crop in crops]))

    def evaluation_batches(self, geometry: Geometry, size: int) -> Iterator[Batch]:
        """Whole images, one by one, on the smallest canvas that the network takes."""
        for image in self.images:
            yield from image.evaluation_batches(replace(geometry, canvas=geometry.nearest_size(image.size)), 1)


class DeviceVolumes:
    """Volumes of one split on the device; a batch holds windows of them."""

    def __init__(self, split: Split, device: torch.device, widen: bool) -> None:
        self.volumes = [torch.from_numpy(volume).to(device) for volume in split.images]
        labels = [torch.from_numpy(volume.astype(np.int32)).to(device) for volume in split.labels]
        self.labels = [widen_borders(volume) for volume in labels] if widen else labels
        self.instances = max(int(volume.max(initial=0)) for volume in split.labels) + 1

    def check(self, geometry: Geometry) -> None:
        """GrdError if the volumes are thinner than the network's context."""
        margin = [(have - want) // 2 for have, want in zip(geometry.canvas, geometry.canvas_output, strict=True)]
        for volume in self.volumes:
            check_context(volume.shape, margin, "training/images")

    def training_batch(self, settings: Augment, geometry: Geometry, size: int, seed: int, step: int) -> Batch:
        """Batch `step` of a run: `size` augmented windows, whose outputs lie anywhere in the volumes.

        A window is larger than the crop by the margin that a rotation may need.
        """
        draws, output = generator(seed, "images", step), geometry.crop_output
        spare = [0, *(ceil(0.21 * side) if settings.rotate else 0 for side in settings.crop[1:])]  # (√2 - 1) / 2
        outer = [side + 2 * more for side, more in zip(settings.crop, spare, strict=True)]
        inner = [output[0], *outer[1:]]
        images, labels = [], []
        for _ in range(size):
            volume = int(torch.randint(len(self.volumes), (), generator=draws))
            start = _random_start(self.volumes[volume].shape, output, draws)
            images.append(self._window(self.volumes[volume], start, output, outer))
            labels.append(self._window(self.labels[volume], start, output, inner))
        sections, ids = augment_sections(
            torch.stack(images).float() / 255, torch.stack(labels), settings, generator(seed, "augment", step), output[1:]
        )
        return Batch(sections.unsqueeze(1), ids.long())

    def _window(self, volume: Tensor, start: Sequence[int], output: Sequence[int], size: Sequence[int]) -> Tensor:
        """The window (*size) concentric with the output at `start`."""
        corner = [first - (outer - inner) // 2 for first, inner, outer in zip(start, output, size, strict=True)]
        return mirrored_window(volume, corner, size)

    def evaluation_batches(self, geometry: Geometry, size: int) -> Iterator[Batch]:
        """Tiles whose outputs cover the volumes; beyond the border image and labels are mirrored."""
        output = geometry.canvas_output
        places = [(number, start) for number, volume in enumerate(self.volumes) for start in _tile_starts(volume.shape, output)]
        for first in range(0, len(places), size):
            chosen = places[first : first + size]
            images = [self._window(self.volumes[v], start, output, geometry.canvas) for v, start in chosen]
            labels = [mirrored_window(self.labels[v], start, output) for v, start in chosen]
            yield Batch(torch.stack(images).unsqueeze(1).float() / 255, torch.stack(labels).long())


def _random_start(shape: Sequence[int], output: Sequence[int], draws: torch.Generator) -> list[int]:
    room = [max(have - want, 0) for have, want in zip(shape, output, strict=True)]
    return [int(torch.randint(places + 1, (), generator=draws)) for places in room]


def _tile_starts(shape: Sequence[int], output: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return product(*(range(0, have, step) for have, step in zip(shape, output, strict=True)))


def mirrored_window(volume: Tensor, corner: Sequence[int], size: Sequence[int]) -> Tensor:
    """The window (*size) at `corner` of a volume (Z, Y, X), mirrored at its outermost planes, which are not repeated."""
    for axis, (first, length) in enumerate(zip(corner, size, strict=True)):
        have = volume.shape[axis]
        volume = volume.index_select(axis, torch.from_numpy(mirrored_index(first, length, have)).to(volume.device))
    return volume


def widen_borders(labels: Tensor) -> Tensor:
    """Labels (Z, Y, X) with 0 wherever the 3 x 3 neighbourhood in the section holds more than one id besides 0."""
    sections = labels.unsqueeze(1).float()  # ids are exact in float32 up to 2^24
    highest = F.max_pool2d(sections, 3, 1, 1)
    beyond = sections.amax() + 1
    lowest = beyond - F.max_pool2d(torch.where(sections > 0, beyond - sections, torch.zeros_like(sections)), 3, 1, 1)
    return labels.masked_fill((highest > lowest).squeeze(1), 0)
