"""Twin of BBBC039V1: nuclei in fluorescence, many touching."""

from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.measure import label

from grd.config.datasets import Source
from grd.config.scales import Twin
from grd.data.readers.bbbc039 import IMAGES, MASKS
from grd.data.splits import METADATA, subsets
from grd.data.twins import shapes

COUNTS = {"training": 100, "validation": 50, "test": 50}  # images in the official lists
IMAGE_COUNT = sum(COUNTS.values())
DENSITY = 12 / (104 * 139)  # nuclei per pixel at magnification 1


def members(settings: Source, twin: Twin) -> Iterator[tuple[str, str, bytes]]:
    """Files of the three archives: 16-bit images, RGBA colourings and lists."""
    lists = subsets(draw_lists(file_names(twin.seed), twin.seed), settings.subset)
    for split, listed in lists.items():
        yield METADATA, f"metadata/{split}.txt", "".join(f"{name}.png\n" for name in listed).encode()
    for index, name in enumerate(sorted(name for listed in lists.values() for name in listed)):
        image, labels = draw(shapes.generator(twin.seed, index), twin.size, twin.magnification)
        yield IMAGES, f"images/{name}.tif", shapes.tif16(image)
        yield MASKS, f"masks/{name}.png", shapes.encode(Image.fromarray(_rgba(colouring(labels))), "PNG")


def file_names(seed: int) -> list[str]:
    """200 sorted names of the official form, `IXMtest_<well>_s<site>_w1<GUID>`."""
    rng = shapes.generator(seed, IMAGE_COUNT)  # smaller numbers belong to the images
    wells = rng.choice(
        [f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)], IMAGE_COUNT, replace=False
    )
    return sorted(f"IXMtest_{well}_s{rng.integers(1, 10)}_w1{shapes.guid(rng)}" for well in wells)


def draw_lists(names: list[str], seed: int) -> dict[str, list[str]]:
    """Distribute the names over the splits at random."""
    shuffled = iter(shapes.generator(seed, IMAGE_COUNT + 1).permutation(names).tolist())
    return {split: sorted(next(shuffled) for _ in range(count)) for split, count in COUNTS.items()}


def draw(rng: np.random.Generator, size: tuple[int, int], magnification: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """Draw a field of view: image (H, W) in camera counts and labels (H, W); nuclei are 12 to 18 pixels wide at 1."""
    labels = _nuclei(rng, size, magnification)
    bright = np.concatenate(([0], np.exp(rng.normal(np.log(500), 0.55, labels.max()))))
    fine, coarse = (shapes.clouds(rng, size, sigma * magnification) for sigma in (0.9, 2.5))
    light = bright[labels] * (1 + 0.10 * fine + 0.06 * coarse) * _dome(labels, magnification)
    return _camera(rng, light, magnification), labels


def colouring(labels: np.ndarray) -> np.ndarray:
    """Colours (H, W) uint8, 1 to 3 for instances, such that instances of one colour do not touch (4-connectivity).

    Greedy in the order of the ids; an instance whose neighbours have all three colours is left out (0).
    """
    colours = np.zeros(int(labels.max()) + 1, np.uint8)
    for instance in range(1, len(colours)):
        taken = {int(colours[other]) for other in _neighbours(labels, instance)}
        colours[instance] = next((colour for colour in (1, 2, 3) if colour not in taken), 0)
    return colours[labels]


def _neighbours(labels: np.ndarray, instance: int) -> set[int]:
    own = labels == instance
    around = np.zeros_like(own)
    around[1:] |= own[:-1]
    around[:-1] |= own[1:]
    around[:, 1:] |= own[:, :-1]
    around[:, :-1] |= own[:, 1:]
    return set(np.unique(labels[around & ~own]).tolist())


def _rgba(colours: np.ndarray) -> np.ndarray:
    rgba = np.zeros((*colours.shape, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = colours, 255
    return rgba


def _nuclei(rng: np.random.Generator, size: tuple[int, int], magnification: float) -> np.ndarray:
    """Labels (H, W) of nuclei; a pixel belongs to the nucleus in which it lies deepest, so touching nuclei share a border."""
    count = max(3, round(np.prod(size) * DENSITY / magnification**2 * rng.uniform(0.67, 1.33)))
    places = _places(rng, size, count, magnification)
    depth = np.stack([_nucleus(rng, size, centre, radius) for centre, radius in places])
    owner = np.where(depth.max(0) > 0, depth.argmax(0) + 1, 0)
    return _tidy(owner)


def _places(rng: np.random.Generator, size: tuple[int, int], count: int, magnification: float) -> list[tuple[np.ndarray, float]]:
    """Centres and mean radii; about a quarter of the nuclei touch another one, as in the real images."""
    places: list[tuple[np.ndarray, float]] = []
    for _ in range(50 * count):
        radius = magnification * rng.uniform(6, 9)
        centre = rng.uniform((0, 0), size)
        if places and rng.random() < 0.2:
            neighbour, other = places[rng.integers(len(places))]
            angle = rng.uniform(0, 2 * np.pi)
            centre = neighbour + 0.95 * (radius + other) * np.array([np.sin(angle), np.cos(angle)])
        inside = np.all((centre > 0) & (centre < size))
        if inside and all(np.hypot(*(centre - c)) > 0.85 * (radius + r) for c, r in places):
            places.append((centre, radius))
        if len(places) == count:
            break
    return places


def _nucleus(rng: np.random.Generator, size: tuple[int, int], centre: np.ndarray, radius: float) -> np.ndarray:
    """Depth (H, W) of pixels in an oval, slightly lobed nucleus: 1 at the centre, 0 at the rim, negative outside."""
    y, x = shapes.grid(size)
    y, x = y - centre[0], x - centre[1]
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(1, 1.35)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    angle = np.arctan2(v, u)
    rim = radius * (1 + sum(rng.normal(0, 0.08 / n) * np.cos(n * angle + rng.uniform(0, 6.3)) for n in (2, 3, 4)))
    return 1 - np.hypot(u / stretch, v * stretch) / rim


def _tidy(owner: np.ndarray) -> np.ndarray:
    """Keep the largest piece of each instance if it is large enough and three colours suffice; ids become consecutive."""
    pieces = label(owner, background=0, connectivity=1)
    areas = np.bincount(pieces.ravel())
    largest = {owner[pieces == piece][0]: piece for piece in np.argsort(areas[1:]) + 1}
    kept = np.isin(pieces, [piece for piece in largest.values() if areas[piece] >= shapes.SMALLEST]) * owner
    return label(kept * (colouring(kept) > 0), background=0, connectivity=1)


def _dome(labels: np.ndarray, magnification: float) -> np.ndarray:
    """Brightness factor (H, W) that falls towards the rims, since nuclei are thinner there."""
    inside = gaussian_filter((labels > 0).astype(float), 2.0 * magnification)
    return 0.55 + 0.45 * np.clip(inside, 0, 1)


def _camera(rng: np.random.Generator, light: np.ndarray, magnification: float) -> np.ndarray:
    """Camera counts of a light field: blur, haze and a dark offset, with shot and read noise."""
    uneven = 1 + 0.3 * shapes.clouds(rng, light.shape, 0.4 * min(light.shape))
    haze = 0.08 * gaussian_filter(light, 10 * magnification) + 25 * uneven
    photons = np.clip(gaussian_filter(light, 1.0) + haze, 0, None)
    return 120 + rng.poisson(photons / 4) * 4 + rng.normal(0, 4, light.shape)
