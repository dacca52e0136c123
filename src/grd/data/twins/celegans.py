"""Twin of C. elegans (BBBC010): crossing worms in a well, brightfield and GFP."""

from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist

from grd.config.datasets import Source
from grd.config.scales import Twin
from grd.data.readers.celegans import IMAGES, WORMS, flatten
from grd.data.splits import split_names
from grd.data.twins import shapes


def members(settings: Source, twin: Twin) -> Iterator[tuple[str, str, bytes]]:
    """Files of both archives for the wells of the splits: two channels, and one mask per worm."""
    wells = sorted(well for split in split_names(settings, {}).values() for well in split)
    for index, well in enumerate(wells):
        rng = shapes.generator(twin.seed, index)
        brightfield, fluorescence, worms = draw(rng, twin.size, twin.magnification)
        for channel, image in (("w1", fluorescence), ("w2", brightfield)):
            name = f"1649_1109_0003_Amp5-1_B_20070424_{well}_{channel}_{shapes.guid(rng)}.tif"
            yield IMAGES, f"BBBC010_v2_images/{name}", shapes.tif16(image)
        for number, worm in enumerate(worms, 1):
            name = f"BBBC010_v1_foreground_eachworm/{well}_{number:02d}_ground_truth.png"
            yield WORMS, name, shapes.encode(Image.fromarray(worm.astype(np.uint8) * 255), "PNG")


def draw(
    rng: np.random.Generator, size: tuple[int, int], magnification: float = 1
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Draw a well: brightfield and GFP images (H, W) in camera counts, and overlapping worms (H, W) bool.

    At magnification 1 worms are 5 to 6 pixels wide, and there are 4 to 7 in 104 x 139 pixels; for other sizes in proportion to
    the area, from 2 to 15.
    """
    share = np.prod(size) / (104 * 139 * magnification**2)
    depths = _worms(rng, size, int(np.clip(round(rng.integers(4, 8) * share), 2, 15)), magnification)
    worms = [depth > 0 for depth in depths]
    return _brightfield(rng, depths, magnification), _fluorescence(rng, depths), worms


def _worms(rng: np.random.Generator, size: tuple[int, int], count: int, magnification: float) -> list[np.ndarray]:
    """Depths (H, W) of pixels below the outlines of worms, negative outside; a fifth of the worms may cross another.

    Live worms bend and dead ones are straight; most worms of a well are of one kind, as in the assay.
    """
    liveliness = rng.choice([0.35, 1.0])
    depths: list[np.ndarray] = []
    for _ in range(40 * count):
        depth = _worm(rng, size, liveliness, magnification)
        if _fits(depths, depth, limit=rng.choice([0.0, 0.25], p=[0.8, 0.2])):
            depths.append(depth)
        if len(depths) == count:
            break
    return depths


def _fits(depths: list[np.ndarray], depth: np.ndarray, limit: float) -> bool:
    """True if a worm is large enough, overlaps others by at most `limit` (share of the smaller area), and hides none."""
    own, others = depth > 0, [other > 0 for other in depths]
    overlaps = [np.count_nonzero(own & other) / min(own.sum(), other.sum()) for other in others]
    if np.count_nonzero(own) < 4 * shapes.SMALLEST or sum(overlaps) > limit:
        return False
    return bool(np.bincount(flatten([*others, own]).ravel())[1:].min() >= shapes.SMALLEST)


def _worm(rng: np.random.Generator, size: tuple[int, int], liveliness: float, magnification: float) -> np.ndarray:
    """Depth (H, W) of a worm along a bent line inside the image, tapered at both ends."""
    length = min(magnification * rng.uniform(45, 70), 0.75 * min(size))
    t = np.linspace(-0.5, 0.5, 50)
    angle = rng.uniform(0, 2 * np.pi) + liveliness * (
        rng.normal(0, 1.5) * t + rng.normal(0, 0.7) * np.sin(2 * np.pi * t + rng.uniform(0, 6.3))
    )
    line = np.cumsum(np.stack([np.sin(angle), np.cos(angle)], axis=1), axis=0) * length / len(t)
    low, high = np.array(size) * 0.06 - line.min(axis=0), np.array(size) * 0.94 - line.max(axis=0)
    line += rng.uniform(np.minimum(low, high), np.maximum(low, high))
    half = magnification * rng.uniform(2.4, 3.0) * (1 - np.abs(2 * t) ** 2.5) ** 0.6
    return _depth(line, half, size)


def _depth(line: np.ndarray, half: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Depth (H, W) of pixels below the outline of discs of radius `half` (n,) along `line` (n, 2); -10 far outside."""
    depth = np.full(size, -10.0)
    margin = int(3 * half.max())
    corner = np.maximum(np.floor(line.min(axis=0)).astype(int) - margin, 0)
    bottom, right = np.ceil(line.max(axis=0)).astype(int) + margin + 1
    box = depth[corner[0] : bottom, corner[1] : right]
    points = np.stack(shapes.grid(box.shape), axis=-1).reshape(-1, 2) + corner
    box[:] = (half - cdist(points, line)).max(axis=1).reshape(box.shape)
    return depth


def _well(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Transmitted light (H, W) in 0..1 of a square well with round corners: brightest off the centre, dark outside."""
    y, x = shapes.grid(size)
    centre = np.array(size) * rng.uniform(0.48, 0.52, 2)
    side = np.abs((y - centre[0]) / (0.49 * size[0])) ** 5 + np.abs((x - centre[1]) / (0.45 * size[1])) ** 5
    lamp = centre + rng.normal(0, 0.1, 2) * size
    glow = np.exp(-((y - lamp[0]) ** 2 + (x - lamp[1]) ** 2) / (2 * (0.42 * max(size)) ** 2))
    return (0.25 + 0.75 * glow) / (1 + np.exp(30 * (side - 1)))


def _brightfield(rng: np.random.Generator, depths: list[np.ndarray], magnification: float) -> np.ndarray:
    """Camera counts (H, W) in brightfield: worms with dark walls, grainy bodies and bright halos, debris, uneven light."""
    size = depths[0].shape
    through = np.ones(size)
    for depth in depths:
        through *= _transmission(rng, depth / magnification, magnification)
    debris = 0.5 * shapes.specks(rng, size, int(rng.integers(4, 12)), (0.5 * magnification, 1.6 * magnification))
    light = _well(rng, size) * (through - debris).clip(0.08, None) * (1 + 0.015 * shapes.clouds(rng, size, 3))
    light = gaussian_filter(light, 0.5)
    return 85 + 2600 * light + rng.normal(0, 1, size) * (8 + 25 * np.sqrt(light))


def _transmission(rng: np.random.Generator, depth: np.ndarray, magnification: float) -> np.ndarray:
    grain = np.clip(1 + 0.5 * shapes.clouds(rng, depth.shape, 0.8 * magnification), 0, 2)
    wall = np.exp(-(((depth - 0.6) / 0.7) ** 2))
    halo = np.exp(-(((depth + 1.2) / 0.8) ** 2))
    body = np.clip(depth + 0.5, 0, 1)
    return 1 - np.clip(0.42 * wall + 0.38 * body * grain, 0, 0.85) + 0.10 * halo


def _fluorescence(rng: np.random.Generator, depths: list[np.ndarray]) -> np.ndarray:
    """Camera counts (H, W) of GFP: a few worms glow, the others hardly."""
    size = depths[0].shape
    light = np.zeros(size)
    for depth in depths:
        light += np.exp(rng.normal(4.5, 1.3)) * np.clip(depth, 0, None) * (1 + 0.3 * shapes.clouds(rng, size, 1))
    return 85 + gaussian_filter(np.clip(light, 0, None), 0.8) + rng.normal(0, 4, size)
