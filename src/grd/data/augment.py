"""Training augmentation as batched tensor operations: geometry by one sampling grid, then grey values.

The sections of a volume are channels here, so that one grid serves all of them. The parameters are those of the released
code's loaders; the paper names no augmentation. Which parts happen how often is up to `Augment`.
"""

from collections.abc import Sequence
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from grd.config.datasets import Augment
from grd.config.parsing import Range

TRIES = 10  # windows of RandomResizedCrop


class Draws:
    """Random draws for the B images of a batch, from a CPU generator, on the device of the data.

    The masks `block` and `mirror` (B,) are the draws that several parts share (`Augment`); `mirror` lies within `block`.
    """

    def __init__(self, batch: int, device: torch.device, generator: torch.Generator, block: float = 1, mirror: float = 1) -> None:
        self.batch, self.device, self.generator = batch, device, generator
        self.block = self._shared(block)
        self.mirror = self._shared(mirror) & self.block

    @classmethod
    def of(cls, images: Tensor, settings: Augment, generator: torch.Generator) -> "Draws":
        """Draws for a batch of images (B, …), with the shared draws of the settings."""
        return cls(len(images), images.device, generator, settings.block, settings.mirror)

    def _shared(self, probability: float) -> Tensor:
        if probability == 1:  # certain: takes no random number
            return torch.ones(self.batch, dtype=torch.bool, device=self.device)
        return self.happens(probability)

    def uniform(self, low: float = 0, high: float = 1, shape: tuple[int, ...] = ()) -> Tensor:
        """Draws from U(low, high), (B, *shape)."""
        draws = torch.rand(self.batch, *shape, generator=self.generator)
        return (low + (high - low) * draws).to(self.device)

    def happens(self, probability: float) -> Tensor:
        """Mask of the images to change, each with this probability: bool (B,)."""
        return self.uniform() < probability


def augment(
    images: Tensor, labels: Tensor, settings: Augment, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Augmented crops (B, C, h, w), labels and `mirror_numbers` (B, h, w) of images (B, C, H, W) in [0, 1], labels (B, H, W).

    (h, w) is `settings.crop`. Images are sampled bilinearly, labels by nearest neighbour; beyond the border both are mirrored.
    The numbers are None if no crop can reach beyond it.
    """
    draws = Draws.of(images, settings, generator)
    grid = sampling_grid(images.shape[-2:], settings, draws)
    crops = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    # ids are exact in float32 up to 2^24
    ids = F.grid_sample(labels.unsqueeze(1).float(), grid, mode="nearest", padding_mode="reflection", align_corners=False)
    ids = ids.squeeze(1).to(labels.dtype)
    origin = mirror_numbers(grid) if may_leave_image(images.shape[-2:], settings) else None
    return change_grey_values(crops, ids > 0, settings, draws), ids, origin


def may_leave_image(size: Sequence[int], settings: Augment) -> bool:
    """True if a crop of an image of this size (H, W) may reach beyond its border."""
    larger = any(side > have for side, have in zip(settings.crop, size, strict=True))
    return larger or settings.rotate > 0 or settings.elastic > 0


def mirror_numbers(grid: Tensor) -> Tensor:
    """Numbers (B, h, w) of the mirror image that each source in a sampling grid lies in: 0 is the image itself."""
    x, y = ((grid + 1) / 2).floor().int().remainder(64).unbind(-1)  # an image is mirrored at its borders, ±1, again and again
    return y * 64 + x


def augment_sections(
    sections: Tensor, labels: Tensor, settings: Augment, generator: torch.Generator, output: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Augmented centres (B, Z, h, w) and labels (B, z, *output) of volumes (B, Z, H, W) in [0, 1] and labels (B, z, H, W).

    (h, w) are the rows and columns of `settings.crop`. Beyond the border image and labels are mirrored.
    """
    draws = Draws.of(sections, settings, generator)
    grid = sampling_grid(sections.shape[-2:], settings, draws, centred=True)
    crops = F.grid_sample(sections, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    margins = [(have - want) // 2 for have, want in zip(settings.crop[1:], output, strict=True)]
    middle = grid[:, margins[0] : margins[0] + output[0], margins[1] : margins[1] + output[1]]
    ids = F.grid_sample(labels.float(), middle, mode="nearest", padding_mode="reflection", align_corners=False)
    across = (draws.happens(settings.flip) & draws.mirror).view(-1, 1, 1, 1)
    crops, ids = (torch.where(across, volumes.flip(1), volumes) for volumes in (crops, ids))
    return change_grey_values(crops, ids[:, :1] > 0, settings, draws), ids.to(labels.dtype)


def sampling_grid(size: torch.Size, settings: Augment, draws: Draws, centred: bool = False) -> Tensor:
    """Source of every output pixel: (B, h, w, 2) as (x, y) in [-1, 1] over the image, as `grid_sample` takes it."""
    height, width = settings.crop[-2:]
    rows, columns = (torch.arange(n, device=draws.device) - (n - 1) / 2 for n in (height, width))
    points = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).expand(draws.batch, -1, -1, -1)
    points = flip(points, settings, draws) + displacement(settings, draws)
    points = rotate(points, settings, draws)
    scale, centre = crop_window(size, settings, draws, centred)
    pixels = points * scale.view(-1, 1, 1, 2) + centre.view(-1, 1, 1, 2)
    full = pixels.new_tensor([size[0], size[1]])
    return ((2 * pixels + 1) / full - 1).flip(-1)


def flip(points: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Mirror rows and columns, and exchange them (square crops), each change by its own draw behind the shared ones."""
    signs = torch.stack([1 - 2 * (draws.happens(settings.flip) & draws.mirror).float() for _ in range(2)], -1)
    points = points * signs.view(-1, 1, 1, 2)
    exchanged = draws.happens(settings.transpose) & draws.mirror
    return torch.where(exchanged.view(-1, 1, 1, 1), points.flip(-1), points)


def rotate(points: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Turn points around the centre by an angle from the whole circle."""
    angle = draws.uniform(0, 2 * torch.pi) * (draws.happens(settings.rotate) & draws.block)
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
    field = gaussian_blur(field, sigma, radius=int(4 * settings.elastic_sigma + 0.5)) * settings.elastic_alpha
    chosen = draws.happens(settings.elastic) & draws.block
    return (field * chosen.view(-1, 1, 1, 1)).permute(0, 2, 3, 1)


def crop_window(size: torch.Size, settings: Augment, draws: Draws, centred: bool) -> tuple[Tensor, Tensor]:
    """Scale (B, 2) and centre (B, 2) in pixels of a window in the image, or around an image that is smaller.

    Without `settings.scale` the window has the size of the crop and starts at a whole pixel, so that nothing is interpolated.
    Its position is random, or the middle of the image if `centred`.
    """
    image, crop = (torch.tensor([float(n) for n in sides], device=draws.device) for sides in (size, settings.crop[-2:]))
    room = torch.maximum(image, crop)
    corner = ((image - room) / 2).floor()
    position = torch.full((draws.batch, 2), 0.5, device=draws.device) if centred else draws.uniform(shape=(2,))
    if settings.scale is None:
        start = corner + (position * (room - crop + 1)).floor()
        return torch.ones_like(start), start + (crop - 1) / 2
    window = window_size(room, settings.scale, settings.aspect, draws)
    return window / crop, corner + position * (room - window) + (window - 1) / 2


def window_size(room: Tensor, scale: Range, aspect: Range, draws: Draws) -> Tensor:
    """Size (B, 2) of a window: the first of ten that fits into the room (2,), or all of it, as torchvision's RandomResizedCrop.

    scale: share of the room's area, uniform; aspect: columns over rows, uniform in its logarithm.
    """
    area = draws.uniform(*scale, shape=(TRIES,)) * room.prod()
    ratio = draws.uniform(log(aspect[0]), log(aspect[1]), (TRIES,)).exp()
    sizes = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], -1)
    fits = (sizes <= room).all(-1)
    first = sizes.take_along_dim(fits.int().argmax(1).view(-1, 1, 1), 1).squeeze(1)
    return torch.where(fits.any(1, keepdim=True), first, room)


def change_grey_values(images: Tensor, foreground: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Change the grey values of (B, C, h, w) by contrast and gamma, noise, blur, intensity and cut-out, each by its own draw.

    Contrast and gamma belong to the block.
    """
    anywhere = torch.ones_like(draws.block)
    for probability, where, change in (
        (settings.grayscale, draws.block, grayscale),
        (settings.noise, anywhere, noise),
        (settings.blur, anywhere, blur),
        (settings.intensity, anywhere, intensity),
    ):
        if probability:
            chosen = (draws.happens(probability) & where).view(-1, 1, 1, 1)
            images = torch.where(chosen, change(images, settings, draws), images)
    return cutout(images, foreground, settings, draws) if settings.cutout else images


def grayscale(images: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Change contrast and brightness by up to 15 %, clip, and apply a gamma of ½ to 2; in half of the volumes by section."""
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
    """Add Gaussian noise with a standard deviation from U(0, noise_std)."""
    std = draws.uniform(0, settings.noise_std).view(-1, 1, 1, 1)
    normal = torch.randn(images.shape, generator=draws.generator).to(images.device)
    return (images + std * normal).clamp(0, 1)


def blur(images: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Blur by a Gaussian with a sigma from U(0.01, 1) pixels, kernel 7."""
    return gaussian_blur(images, draws.uniform(0.01, 1), radius=3)


def intensity(images: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Change contrast and brightness by up to 5 %."""
    contrast, brightness = (draws.uniform(-0.05, 0.05).view(-1, 1, 1, 1) for _ in range(2))
    return (images * (1 + contrast) + brightness).clamp(0, 1)


def gaussian_blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Blur images (B, C, h, w), each by its own sigma (B,) in pixels."""
    batch, channels, height, width = images.shape
    steps = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernels = (-0.5 * (steps / sigma.unsqueeze(1)).square()).softmax(1).repeat_interleave(channels, 0).unsqueeze(1)
    radius = min(radius, height - 1, width - 1)
    kernels = kernels[..., kernels.shape[-1] // 2 - radius : kernels.shape[-1] // 2 + radius + 1]
    flat = F.pad(images.reshape(1, -1, height, width), (radius,) * 4, mode="reflect")
    flat = F.conv2d(flat, kernels.unsqueeze(2), groups=batch * channels)
    return F.conv2d(flat, kernels.unsqueeze(3), groups=batch * channels).view_as(images)


def cutout(images: Tensor, foreground: Tensor, settings: Augment, draws: Draws) -> Tensor:
    """Fill up to `cutout_squares` equal squares in the foreground's bounding box with the foreground's mean, if there is any."""
    height, width = images.shape[-2:]
    count = (draws.uniform() * (settings.cutout_squares + 1)).floor() * draws.happens(settings.cutout) * foreground.any(2).any(1)
    used = torch.arange(settings.cutout_squares, device=images.device) < count.unsqueeze(1)
    side = (draws.uniform(shape=(1,)) * (settings.cutout_side + 1)).floor() * used
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
    """Mask (B, S, length), along one axis, of S intervals that start within the occupied range (B, length)."""
    index = torch.arange(length, device=occupied.device)
    first = occupied.float().argmax(1, keepdim=True)
    extent = length - occupied.flip(1).float().argmax(1, keepdim=True) - first
    start = (first + position * (extent - side).clamp(min=0)).floor().unsqueeze(2)
    return (index >= start) & (index < start + side.unsqueeze(2))
