"""Twin of CVPPP A1: rosettes of overlapping leaves on soil."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, shift

from grd.config.datasets import Source
from grd.config.scales import Twin
from grd.data.readers.cvppp import ARCHIVE
from grd.data.splits import split_names
from grd.data.twins import shapes

GOLDEN_ANGLE = np.deg2rad(137.5)  # between successive leaves of a rosette


@dataclass(frozen=True)
class Leaf:
    """A leaf: coverage `alpha` (H, W) and `colour` (H, W, 3), both in 0..1."""

    alpha: np.ndarray
    colour: np.ndarray


def members(settings: Source, twin: Twin) -> Iterator[tuple[str, str, bytes]]:
    """Files of the archive for the plants of the splits: RGBA images, palette labels and binary foregrounds."""
    names = sorted(name for split in split_names(settings, {}).values() for name in split)
    palette = np.random.default_rng(0).integers(40, 256, (256, 3))
    palette[0] = 0
    for index, name in enumerate(names):
        image, labels = draw(shapes.generator(twin.seed, index), twin.size)
        coloured = Image.fromarray(labels).convert("P")
        coloured.putpalette(palette.astype(np.uint8).tobytes())
        stem = f"CVPPP2017_LSC_training/training/A1/{name}"
        yield ARCHIVE, f"{stem}_rgb.png", shapes.encode(Image.fromarray(image).convert("RGBA"), "PNG")
        yield ARCHIVE, f"{stem}_label.png", shapes.encode(coloured, "PNG")
        yield ARCHIVE, f"{stem}_fg.png", shapes.encode(Image.fromarray((labels > 0).astype(np.uint8)), "PNG")


def draw(rng: np.random.Generator, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw a plant: image (H, W, 3) uint8 and labels (H, W) uint8 of 5 to 14 leaves, the old and long ones below."""
    leaves = _rosette(rng, size)
    leaves = [leaves[index] for index in shapes.visible_masks([leaf.alpha > 0.5 for leaf in leaves])]
    canvas, labels = _soil(rng, size), np.zeros(size, np.uint8)
    for number, leaf in enumerate(leaves, 1):
        shadow = gaussian_filter(shift(leaf.alpha, (1.5, 1.0), order=1), 1.5)
        canvas = canvas * (1 - 0.45 * shadow[..., None])
        canvas += leaf.alpha[..., None] * (leaf.colour - canvas)
        labels[leaf.alpha > 0.5] = number
    return _photograph(rng, canvas), labels


def _rosette(rng: np.random.Generator, size: tuple[int, int]) -> list[Leaf]:
    """Leaves from the oldest to the youngest, at golden angles around a centre near the middle."""
    count = int(rng.integers(5, 15))
    reach = min(size) * rng.uniform(0.4, 0.54)
    centre = np.array(size) / 2 + rng.normal(0, 0.03 * min(size), 2)
    turn, hue = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 1)
    leaves = []
    for age in range(count):
        length = reach * (1 - 0.65 * age / (count - 1)) * rng.uniform(0.8, 1.05)
        angle = turn + age * GOLDEN_ANGLE + rng.normal(0, 0.25)
        leaves.append(_leaf(rng, size, centre, angle, length, hue))
    return leaves


def _leaf(rng: np.random.Generator, size: tuple[int, int], centre: np.ndarray, angle: float, length: float, hue: float) -> Leaf:
    """Leaf with a petiole and a spatulate blade that bends sideways, with midrib and side veins, lit from the upper left."""
    along, across = _leaf_coordinates(rng, size, centre, angle, length)
    petiole = rng.uniform(0.22, 0.42)
    blade = np.clip((along / length - petiole) / (1 - petiole), 0, 1)
    half = length * rng.uniform(0.22, 0.31) * np.sin(np.pi * blade**1.25) ** 0.65
    stalk = np.where((along > 0) & (along < length * 0.9), 0.028 * length + 0.25, 0)
    alpha = np.clip(np.maximum(half, stalk) - np.abs(across) + 0.5, 0, 1) * (along > 0) * (along < length)
    return Leaf(alpha, _leaf_colour(rng, along, across / np.maximum(half, 1), blade, angle, hue))


def _leaf_coordinates(
    rng: np.random.Generator, size: tuple[int, int], centre: np.ndarray, angle: float, length: float
) -> tuple[np.ndarray, np.ndarray]:
    y, x = shapes.grid(size)
    y, x = y - centre[0], x - centre[1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return along, across - rng.normal(0, 0.12) * along**2 / length


def _leaf_colour(
    rng: np.random.Generator, along: np.ndarray, side: np.ndarray, blade: np.ndarray, angle: float, hue: float
) -> np.ndarray:
    """Green (H, W, 3), nearly the same for all leaves; veins, rims and light show the form. `side` is -1..1 across."""
    facing = np.sin(angle + np.pi / 4)  # the half of a leaf that is turned to the light is brighter
    light = 1 + 0.10 * facing * np.clip(side, -1, 1) - 0.22 * np.abs(side).clip(0, 1) ** 3 + rng.normal(0, 0.04)
    veins = np.exp(-((side * 5) ** 2)) + 0.35 * (np.sin(along * 1.6 - 2.5 * np.abs(side)) > 0.75) * (blade > 0.1)
    green = np.array([0.36 + 0.03 * hue, 0.52, 0.24 - 0.02 * hue]) + rng.normal(0, 0.012, 3)
    pale = np.array([0.52, 0.62, 0.38])
    share = (0.45 * veins * (blade > 0) + 0.5 * (blade <= 0)).clip(0, 0.6)[..., None]
    return (green * (1 - share) + pale * share) * light[..., None]


def _soil(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Colours (H, W, 3) of dark, clumpy soil with pale grit and mossy patches."""
    clumps = 0.6 * shapes.clouds(rng, size, 1.0) + 0.6 * shapes.clouds(rng, size, 3.0) + 0.3 * shapes.clouds(rng, size, 12.0)
    soil = np.array([0.27, 0.21, 0.16]) * (1 + 0.28 * clumps[..., None])
    grit = shapes.specks(rng, size, int(np.prod(size) / 250), (0.5, 1.0))[..., None]
    moss = np.clip(shapes.clouds(rng, size, 5.0) - 1.1, 0, 0.8)[..., None]
    soil = soil + moss * (np.array([0.27, 0.36, 0.16]) - soil)
    return np.clip(soil + 0.8 * grit * (np.array([0.75, 0.70, 0.62]) - soil), 0, 1)


def _photograph(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """Photograph (H, W, 3) uint8 of a canvas, with uneven light, a slightly soft lens and the camera's noise."""
    light = 1 + 0.07 * shapes.clouds(rng, canvas.shape[:2], 0.4 * min(canvas.shape[:2]))
    soft = gaussian_filter(canvas * light[..., None], (0.45, 0.45, 0))
    return np.clip(np.rint(255 * (soft + rng.normal(0, 0.018, canvas.shape))), 0, 255).astype(np.uint8)
