"""Training augmentation as batched tensor operations: one sampling grid for all geometry, then grey values.

The sections of a volume are channels here: one grid serves all of them.

Parameters of the two recipes are the released code's (its 2D data sets' loaders; the paper names no augmentation).
"""

from collections.abc import Sequence
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from grd.config.datasets import Augment


class Draws:
    """Uniform draws (B,) or of a given shape, from a CPU generator, on the device of the data."""

    def __init__(self, batch: int, device: torch.device, generator: torch.Generator) -> None:
        self.batch, self.device, self.generator = batch, device, generator

    def uniform(self, low: float = 0, high: float = 1, shape: tuple[int, ...] = ()) -> Tensor:
        """U(low, high) of shape (B, *shape)."""
        draws = torch.rand(self.batch, *shape, generator=self.generator)
        return (low + (high - low) * draws).to(self.device)

    def happens(self, probability: float) -> Tensor:
        """Which images something happens to: bool (B,)."""
        return self.uniform() < probability


def augment(images: Tensor, labels: Tensor, settings: Augment, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images (B, C, H, W) in [0, 1] and labels (B, H, W) → crops (B, C, h, w), (B, h, w), (h, w) = settings.crop.

    Images are sampled bilinearly and mirrored beyond their border, labels by nearest neighbour and 0 there.
    """
    draws = Draws(len(images), images.device, generator)
    grid = sampling_grid(images.shape[-2:], settings, draws)
    crops = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    # ids are exact in float32 up to 2^24
    ids = F.grid_sample(labels.unsqueeze(1).float(), grid, mode="nearest", padding_mode="zeros", align_corners=False)
    ids = ids.squeeze(1).to(labels.dtype)
    return photometric(crops, ids > 0, settings, draws), ids


def augment_sections(
    sections: Tensor, labels: Tensor, settings: Augment, generator: torch.Generator, output: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Volumes (B, Z, H, W) in [0, 1] and labels (B, z, H, W) → the middle (B, Z, h, w), and of the labels (B, z, *output).

    (h, w) are the crop's rows and columns. Beyond its border an image is mirrored, as are its labels.
    """
    draws = Draws(len(sections), sections.device, generator)
    grid = sampling_grid(sections.shape[-2:], settings, draws, centred=True)
    crops = F.grid_sample(sections, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    margins = [(have - want) // 2 for have, want in zip(settings.crop[1:], output, strict=True)]
    middle = grid[:, margins[0] : margins[0] + output[0], margins[1] : margins[1] + output[1]]
    ids = F.grid_sample(labels.float(), middle, mode="nearest", padding_mode="reflection", align_corners=False)
    return photometric(crops, ids[:, :1] > 0, settings, draws), ids.to(labels.dtype)


def sampling_grid(size: torch.Size, settings: Augment, draws: Draws, centred: bool = False) -> Tensor:
    """Where every output pixel comes from: (B, h, w, 2) as (x, y) in [-1, 1] over the image, as `grid_sample` wants it."""
    height, width = settings.crop[-2:]
    rows, columns = (torch.arange(n, device=draws.device) - (n - 1) / 2 for n in (height, width))
    points = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).expand(draws.batch, -1, -1, -1)
    points = flipped(points, settings, draws) + displacement(settings, draws)
    points = rotated(points, settings, draws)
    scale, centre = crop_window(size, settings, draws, centred)
    pixels = points * scale.view(-1, 1, 1, 2) + centre.view(-1, 1, 1, 2)
    full = pixels.new_tensor([size[0], size[1]])
    return ((2 * pixels + 1) / full - 1).flip(-1)


def flipped(points: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Mirror rows and columns, and exchange them (square crops), each by its own draw."""
    signs = torch.stack([1 - 2 * draws.happens(settings.flip).float() for _ in range(2)], -1)
    points = points * signs.view(-1, 1, 1, 2)
    return torch.where(draws.happens(settings.transpose).view(-1, 1, 1, 1), points.flip(-1), points)


def rotated(points: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Turn around the middle by an angle from the whole circle."""
    angle = draws.uniform(0, 2 * torch.pi) * draws.happens(settings.rotate)
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    y, x = points.unbind(-1)
    return torch.stack([cos * y - sin * x, sin * y + cos * x], -1)


def displacement(settings: Augment, draws: Draws) -> Tensor:
    """Elastic deformation (B, h, w, 2) in pixels: smoothed uniform noise in [-1, 1] times alpha."""
    height, width = settings.crop[-2:]
    if settings.elastic == 0:
        return torch.zeros(1, 1, 1, 2, device=draws.device)
    field = draws.uniform(-1, 1, (2, height, width))
    sigma = torch.full((draws.batch,), settings.elastic_sigma, device=draws.device)
    field = gaussian(field, sigma, radius=int(4 * settings.elastic_sigma + 0.5)) * settings.elastic_alpha
    return (field * draws.happens(settings.elastic).view(-1, 1, 1, 1)).permute(0, 2, 3, 1)


def crop_window(size: torch.Size, settings: Augment, draws: Draws, centred: bool) -> tuple[Tensor, Tensor]:
    """Scale (B, 2) and centre (B, 2) in pixels of a window that lies in the image, or around it where it is larger.

    Without `scale` the window is the crop and starts at a whole pixel, so that nothing is interpolated. It lies anywhere,
    or, `centred`, in the middle.
    """
    image, crop = (torch.tensor([float(n) for n in sides], device=draws.device) for sides in (size, settings.crop[-2:]))
    room = torch.maximum(image, crop)
    corner = ((image - room) / 2).floor()
    position = torch.full((draws.batch, 2), 0.5, device=draws.device) if centred else draws.uniform(shape=(2,))
    if settings.scale is None:
        start = corner + (position * (room - crop + 1)).floor()
        return torch.ones_like(start), start + (crop - 1) / 2
    area = draws.uniform(*settings.scale) * room.prod()
    aspect = draws.uniform(log(settings.aspect[0]), log(settings.aspect[1])).exp()
    window = torch.stack([(area / aspect).sqrt(), (area * aspect).sqrt()], -1).minimum(room)
    return window / crop, corner + position * (room - window) + (window - 1) / 2


def photometric(images: Tensor, foreground: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Grey values of (B, C, h, w): contrast, brightness and gamma; noise; blur; intensity; cut-out: each by its draw."""
    for probability, change in (
        (settings.grayscale, grayscale),
        (settings.noise, noise),
        (settings.blur, blur),
        (settings.intensity, intensity),
    ):
        if probability:
            chosen = draws.happens(probability).view(-1, 1, 1, 1)
            images = torch.where(chosen, change(images, settings, draws), images)
    return cutout(images, foreground, settings, draws) if settings.cutout else images


def grayscale(images: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Contrast and brightness by up to 15 %, clipped, then a gamma between ½ and 2; half of the volumes by section."""
    contrast, brightness, gamma = (draws.uniform().view(-1, 1, 1, 1) for _ in range(3))
    if len(settings.crop) == 3:
        apart = draws.happens(0.5).view(-1, 1, 1, 1)
        each = (draws.uniform(shape=(images.shape[1],))[..., None, None] for _ in range(3))
        contrast, brightness, gamma = (
            torch.where(apart, own, shared) for own, shared in zip(each, (contrast, brightness, gamma), strict=True)
        )
    linear = images * (1 + (contrast - 0.5) * 0.3) + (brightness - 0.5) * 0.3
    return linear.clamp(0, 1).pow(2 ** (2 * gamma - 1))


def noise(images: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Gaussian noise of a standard deviation from U(0, noise_std)."""
    std = draws.uniform(0, settings.noise_std).view(-1, 1, 1, 1)
    normal = torch.randn(images.shape, generator=draws.generator).to(images.device)
    return (images + std * normal).clamp(0, 1)


def blur(images: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Gaussian blur of a sigma from U(0, 1) pixels, kernel 7."""
    return gaussian(images, draws.uniform(0.01, 1), radius=3)


def intensity(images: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Contrast and brightness by up to 5 %."""
    contrast, brightness = (draws.uniform(-0.05, 0.05).view(-1, 1, 1, 1) for _ in range(2))
    return (images * (1 + contrast) + brightness).clamp(0, 1)


def gaussian(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Blur (B, C, h, w) by a sigma (B,) of its own for each image."""
    batch, channels, height, width = images.shape
    steps = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernels = (-0.5 * (steps / sigma.unsqueeze(1)).square()).softmax(1).repeat_interleave(channels, 0).unsqueeze(1)
    radius = min(radius, height - 1, width - 1)
    kernels = kernels[..., kernels.shape[-1] // 2 - radius : kernels.shape[-1] // 2 + radius + 1]
    flat = F.pad(images.reshape(1, -1, height, width), (radius,) * 4, mode="reflect")
    flat = F.conv2d(flat, kernels.unsqueeze(2), groups=batch * channels)
    return F.conv2d(flat, kernels.unsqueeze(3), groups=batch * channels).view_as(images)


def cutout(images: Tensor, foreground: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Up to `cutout_squares` squares within the foreground's bounding box, filled with the mean foreground value."""
    height, width = images.shape[-2:]
    count = (draws.uniform() * (settings.cutout_squares + 1)).floor() * draws.happens(settings.cutout)
    used = torch.arange(settings.cutout_squares, device=images.device) < count.unsqueeze(1)
    side = (draws.uniform(shape=(settings.cutout_squares,)) * (settings.cutout_side + 1)).floor() * used
    covered = torch.zeros_like(foreground)
    spans = [
        _spans(foreground.any(axis), side, draws.uniform(shape=(settings.cutout_squares,)), length)
        for axis, length in ((2, height), (1, width))
    ]
    for rows, columns in zip(spans[0].unbind(1), spans[1].unbind(1), strict=True):
        covered |= rows.unsqueeze(2) & columns.unsqueeze(1)
    inside = foreground.unsqueeze(1)
    mean = (images * inside).sum((2, 3), keepdim=True) / inside.sum((2, 3), keepdim=True).clamp(min=1)
    return torch.where(covered.unsqueeze(1), mean, images)


def _spans(occupied: Tensor, side: Tensor, position: Tensor, length: int) -> Tensor:
    """Along one axis, the pixels (B, S, length) of S intervals that start within the occupied stretch (B, length)."""
    index = torch.arange(length, device=occupied.device)
    first = occupied.float().argmax(1, keepdim=True)
    extent = length - occupied.flip(1).float().argmax(1, keepdim=True) - first
    start = (first + position * (extent - side).clamp(min=0)).floor().unsqueeze(2)
    return (index >= start) & (index < start + side.unsqueeze(2))
