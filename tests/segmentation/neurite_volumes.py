"""Small volumes of neurites with membranes between them, and the affinities that a network would learn from them."""

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from grd.data.twins.neurites import neurites

NEAREST = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]


def neurites_with_membranes(shape=(8, 192, 192), diameter=96.0, seed=0):
    """Labels (Z, Y, X); 0 where two neurites of a section are within a pixel of each other."""
    labels = neurites(np.random.default_rng(seed), shape, diameter)
    window = (1, 3, 3)
    return np.where(maximum_filter(labels, window) == minimum_filter(labels, window), labels, 0)


def affinities_of(labels, offsets=NEAREST):
    """1 for voxels p that carry the same label above 0 as p + offset, else 0; also 0 if p + offset is outside."""
    labels = np.asarray(labels)
    reach = int(np.abs(offsets).max())
    padded = np.pad(labels, reach)
    windows = [tuple(slice(reach + o, reach + o + n) for o, n in zip(offset, labels.shape, strict=True)) for offset in offsets]
    return np.stack([(padded[window] == labels) & (labels > 0) for window in windows]).astype(np.float32)


def replace_at_random(affinities, probability=0.1, seed=1):
    """Replace each affinity, with this probability, by a random one."""
    rng = np.random.default_rng(seed)
    noise = rng.random(affinities.shape, dtype=np.float32)
    return np.where(rng.random(affinities.shape) < probability, noise, affinities)


def add_noise(affinities, deviation=0.1, seed=1):
    """Add Gaussian noise, so that some affinities are below 0 and some above 1."""
    return affinities + deviation * np.random.default_rng(seed).standard_normal(affinities.shape, dtype=np.float32)
