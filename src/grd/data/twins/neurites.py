"""Synthetic tissue of neurites, as serial sections.

Neurites run roughly along z. In each section they tile the plane: a pixel belongs to the disc in whose cell of the power
diagram it lies, on a smoothly warped grid. A neurite is one disc or a chain of discs; from section to section discs drift, push
each other aside, branch, end and begin.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from scipy.ndimage import zoom
from scipy.spatial import cKDTree
from skimage.measure import label

from grd.data.ids import drop_small
from grd.data.twins import shapes

ENDING, BRANCHING, LOOSENING = 0.001, 0.002, 0.003  # probabilities per disc and section
INERTIA = 0.7  # share of its drift that a disc keeps from one section to the next
SETTLING = 30  # sections before the first one that is used
SMALLEST = 24  # voxels of an id


@dataclass
class Discs:
    """The n discs of a section: centres (n, 2) and drifts (n, 2) in pixels, radii and target radii `aim`, owners from 1.

    The other discs of an owner do not pull on its loose discs.
    """

    centre: np.ndarray
    drift: np.ndarray
    radius: np.ndarray
    aim: np.ndarray
    owner: np.ndarray
    loose: np.ndarray

    def select(self, index: np.ndarray) -> Self:
        """Copies of some of the discs."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))

    def join(self, other: Self) -> Self:
        """These discs followed by others."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return type(self)(*(np.concatenate(pair) for pair in pairs))


def neurites(rng: np.random.Generator, shape: tuple[int, int, int], diameter: float, drift: float = 0.25) -> np.ndarray:
    """Labels (Z, Y, X) int32, ids from 1, of neurites of about this diameter (pixels) that fill a volume.

    Each id is one connected component (6-connectivity) of at least SMALLEST voxels. `drift` is the standard deviation of a
    disc's movement between two sections, in radii.
    """
    labels = np.empty(shape, np.int32)
    warps = zip(*(_warp(rng, shape[1:], diameter, drift) for _ in range(2)), strict=False)
    for section, discs, warp in zip(labels, _tissue(rng, shape[1:], diameter, drift), warps, strict=False):
        section[:] = _tiling(discs, warp)
    return fill_gaps(relabel_components(labels, SMALLEST))


def relabel_components(labels: np.ndarray, smallest: int) -> np.ndarray:
    """Connected components (6-connectivity) of the ids, (Z, Y, X) int32 from 1; those of less than `smallest` voxels become 0."""
    return drop_small(label(labels, background=0, connectivity=1), smallest)


def fill_gaps(labels: np.ndarray) -> np.ndarray:
    """Replace the zeros of labels (Z, Y, X), in place, by the id of a neighbour in their section.

    Ids grow from pixel to pixel, so that a connected id stays connected.
    """
    for section in labels:
        while section.any() and not section.all():
            for one, other in _neighbour_views(section):
                np.copyto(one, other, where=one == 0)
                np.copyto(other, one, where=other == 0)
    return labels


def carve_borders(labels: np.ndarray) -> np.ndarray:
    """Set a line of one pixel between the ids of a section to 0; ids of (Z, Y, X) become connected and consecutive again."""
    inner = np.stack([np.where(cell_borders(section), 0, section) for section in labels])
    return relabel_components(inner, SMALLEST)


def _tissue(rng: np.random.Generator, size: tuple[int, ...], diameter: float, drift: float) -> Iterator[Discs]:
    """Discs of one section after another, without end, in a plane that exceeds the section by two diameters on each side."""
    extent = np.array(size) + 4 * diameter
    discs = _seed_discs(rng, extent, diameter)
    number = 0
    while True:
        discs = _move(rng, discs, extent, drift)
        if number >= SETTLING:
            discs = _grow(rng, discs, extent, diameter)
            yield replace(discs, centre=discs.centre - 2 * diameter)
        number += 1


def _seed_discs(rng: np.random.Generator, extent: np.ndarray, diameter: float) -> Discs:
    """Place discs at random, those of one owner side by side."""
    chains: list[Discs] = []
    area = 0.0
    while area < extent.prod():
        chains.append(_chain(rng, rng.uniform((0, 0), extent), len(chains) + 1, diameter))
        area += np.pi * float(np.sum(chains[-1].aim ** 2))
    return Discs(*(np.concatenate([getattr(chain, field.name) for chain in chains]) for field in fields(Discs)))


def _chain(rng: np.random.Generator, place: np.ndarray, owner: int, diameter: float) -> Discs:
    """Discs of a neurite: one or, for a long profile, two to four in a row."""
    count = int(rng.choice([1, 2, 3, 4], p=[0.45, 0.25, 0.2, 0.1]))
    whole = 0.5 * diameter * np.exp(np.clip(rng.normal(0, 0.4), -0.7, 0.9))
    radius = np.full(count, whole / np.sqrt(count))
    angle = rng.uniform(0, 2 * np.pi)
    row = np.outer(np.arange(count) * 1.6 * radius, (np.sin(angle), np.cos(angle))) if count > 1 else np.zeros((1, 2))
    return Discs(place + row, np.zeros((count, 2)), radius, radius.copy(), np.full(count, owner), np.zeros(count, bool))


def _move(rng: np.random.Generator, discs: Discs, extent: np.ndarray, drift: float) -> Discs:
    """Move the discs to the next section: they drift, push each other apart, and come closer to their target radii."""
    step = drift * discs.radius[:, None] * rng.standard_normal(discs.centre.shape)
    discs.drift = INERTIA * discs.drift + np.sqrt(1 - INERTIA**2) * step
    discs.centre = discs.centre + discs.drift
    discs.radius = discs.radius + 0.25 * (discs.aim - discs.radius)
    for _ in range(3):
        discs.centre = np.clip(discs.centre + _push(discs), 0, extent)
    return discs


def _push(discs: Discs) -> np.ndarray:
    """Displacements (n, 2) of the discs by their neighbours, for each pair a third of its overlap.

    Discs of one owner that nearly touch also pull each other, unless one of them is loose.
    """
    one, other = cKDTree(discs.centre).query_pairs(2.2 * discs.radius.max(), output_type="ndarray").T
    apart = discs.centre[one] - discs.centre[other]
    distance = np.hypot(*apart.T) + 1e-6
    reach = discs.radius[one] + discs.radius[other]
    own = discs.owner[one] == discs.owner[other]
    bound = own & ~discs.loose[one] & ~discs.loose[other]
    gap = np.where(own, 0.75, 0.95) * reach - distance
    gap = np.where(bound & (distance < 1.8 * reach), gap, np.maximum(gap, 0))
    force = (0.33 * gap / distance)[:, None] * apart
    size = len(discs.centre)
    return np.stack([np.bincount(one, f, size) - np.bincount(other, f, size) for f in force.T], axis=1)


def _grow(rng: np.random.Generator, discs: Discs, extent: np.ndarray, diameter: float) -> Discs:
    """Let some discs end, branch or come loose, and add a new neurite if there is room."""
    discs = discs.select(np.flatnonzero(discs.radius > 0.12 * diameter))
    chance = rng.random(len(discs.aim))
    ending = discs.owner[chance < ENDING]
    discs.aim = np.where(np.isin(discs.owner, ending), 0, discs.aim)
    discs.loose = discs.loose | (chance > 1 - LOOSENING)
    discs = _branch(rng, discs, np.flatnonzero((chance > 0.5) & (chance < 0.5 + BRANCHING) & (discs.aim > 0.3 * diameter)))
    if np.pi * np.sum(discs.aim**2) < extent.prod():
        discs = discs.join(_new_neurite(rng, discs, extent, diameter))
    return discs


def _branch(rng: np.random.Generator, discs: Discs, which: np.ndarray) -> Discs:
    """Split the discs `which` into two, loose and drifting apart."""
    discs.aim[which] *= 0.75
    discs.loose[which] = True
    twigs = discs.select(which)
    angle = rng.uniform(0, 2 * np.pi, len(which))
    aside = 0.5 * twigs.radius[:, None] * np.stack((np.sin(angle), np.cos(angle)), axis=1)
    twigs.centre, twigs.drift = twigs.centre + aside, aside
    discs.centre[which] -= aside
    discs.drift[which] = -aside
    return discs.join(twigs)


def _new_neurite(rng: np.random.Generator, discs: Discs, extent: np.ndarray, diameter: float) -> Discs:
    """A new neurite, thin at first, at the random place with most room."""
    places = rng.uniform((0, 0), extent, (20, 2))
    distance, nearest = cKDTree(discs.centre).query(places)
    place = places[np.argmax(distance - discs.radius[nearest])]
    chain = _chain(rng, place, int(discs.owner.max()) + 1, diameter)
    chain.radius = np.full_like(chain.aim, 0.2 * diameter)
    return chain


def _tiling(discs: Discs, warp: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Owners (Y, X) of pixels moved by `warp`: the power diagram as nearest points with one dimension more."""
    height = np.sqrt(np.max(discs.radius) ** 2 - discs.radius**2)
    y, x = shapes.grid(warp[0].shape)
    pixels = np.stack([(y + warp[0]).ravel(), (x + warp[1]).ravel(), np.zeros(y.size)], axis=1)
    _, nearest = cKDTree(np.column_stack([discs.centre, height])).query(pixels)
    return discs.owner[nearest].reshape(y.shape)


def _warp(rng: np.random.Generator, size: tuple[int, ...], diameter: float, drift: float) -> Iterator[np.ndarray]:
    """Displacements (Y, X) in pixels for each section, too gentle to tear a profile; they change by ⅔ drift radii."""
    keep = 1 - (2.2 * drift) ** 2 / 2
    return (0.15 * diameter * clouds for clouds in drifting_noise(rng, size, 0.4 * diameter, keep))


def drifting_noise(rng: np.random.Generator, size: tuple[int, ...], sigma: float, keep: float) -> Iterator[np.ndarray]:
    """Clouds (Y, X) of mean 0 and standard deviation 1 that change from section to section, without end."""
    clouds = smooth_noise(rng, size, sigma)
    while True:
        yield clouds
        clouds = keep * clouds + np.sqrt(1 - keep**2) * smooth_noise(rng, size, sigma)


def smooth_noise(rng: np.random.Generator, size: tuple[int, ...], sigma: float) -> np.ndarray:
    """`shapes.clouds` (Y, X); large ones come from a coarser grid in a fraction of the time."""
    step = max(1, int(sigma / 2))
    height, width = (-(-side // step) + 1 for side in size)
    coarse = shapes.clouds(rng, (height, width), sigma / step)
    return zoom(coarse, step, order=1)[: size[0], : size[1]] if step > 1 else coarse[: size[0], : size[1]]


def _neighbour_views(section: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of views that align the pixels of a section (Y, X) with their lower and with their right neighbours."""
    yield section[:-1], section[1:]
    yield section[:, :-1], section[:, 1:]


def cell_borders(section: np.ndarray) -> np.ndarray:
    """Mask (Y, X) of the pixels whose lower or right neighbour has another id."""
    borders = np.zeros(section.shape, bool)
    for one, other in _neighbour_views(section):
        borders[: one.shape[0], : one.shape[1]] |= one != other
    return borders
