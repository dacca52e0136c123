"""Over-segmentation of the sections of a volume into fragments, which an agglomeration or a multicut then joins.

Sections are segmented one by one, because neighbouring sections of an EM volume are far apart and may be shifted.
"""

from collections.abc import Callable, Sequence

import numpy as np

from grd.data.ids import relabel_consecutive
from grd.errors import GrdError

NEAREST = ((-1, 0, 0), (0, -1, 0), (0, 0, -1))
"""Offsets (z, y, x) of the nearest neighbours, whose channels give the fragments and their costs."""

_SEED_BOUNDARY = 0.5
_DISTANCE_BOUNDARY = 0.25
_SIGMA_SEEDS = 2.0


def nearest_affinities(affinities: np.ndarray, offsets: Sequence[Sequence[int]]) -> np.ndarray:
    """Affinities of the three nearest neighbours in the order of NEAREST, clipped to [0, 1].

    The paper's code clips in the same way: a negative cosine means "different" no more than 0 does.

    Args:
        affinities: (C, Z, Y, X) floating point in [-1, 1], high = same instance. Not modified.
        offsets: C offsets; channel c relates voxel p to p + offsets[c]. NEAREST are among them, in any order.

    Returns:
        (3, Z, Y, X) float32 in [0, 1], contiguous, a new array.

    Raises:
        GrdError: Another shape, a nearest neighbour without a channel, or affinities that are not finite.
    """
    affinities = np.asarray(affinities)
    nearest = np.empty((3, *affinities.shape[1:]), dtype=np.float32)
    for channel, target in zip(_nearest_channels(affinities, offsets), nearest, strict=True):
        np.clip(affinities[channel], 0, 1, out=target, casting="same_kind")
    # Clipping turns infinity into 1 and keeps NaN, so the input is checked.
    if not all(np.isfinite(affinities[channel]).all() for channel in _nearest_channels(affinities, offsets)):
        raise GrdError("segmentation: expected finite affinities, found NaN or infinity; did the training diverge?")
    return nearest


def seeded_fragments(affinities: np.ndarray) -> np.ndarray:
    """Fragments for an agglomeration: a watershed of the mean boundary, from the maxima of the distance to it.

    Per section, b = 1 - (a_y + a_x) / 2. The seeds are the regional maxima of the distance transform of b < 0.5, and the
    watershed floods b (Funke et al., IEEE TPAMI 2019; the paper's code). Pixels are neighbours if they share a side.

    Args:
        affinities: (3, Z, Y, X) float32 in [0, 1], channels in the order of NEAREST.

    Returns:
        (Z, Y, X) uint64 ids 1 ... n, each within one section. A section without any boundary, or without any interior, is
        one fragment.
    """
    return _fragment_sections(_seeded_section, affinities)


def smoothed_fragments(affinities: np.ndarray) -> np.ndarray:
    """Fragments for a multicut: a watershed of the strongest boundary from a smoothed distance transform.

    Per section, b = max(1 - a_y, 1 - a_x). The distance transform of b <= 0.25 is smoothed by 2 pixels, its maxima are the
    seeds, and fragments of less than 100 pixels go to their neighbours (Beier et al., Nature Methods 2017; elf's
    `distance_transform_watershed` with the settings of the paper's code).

    Args:
        affinities: (3, Z, Y, X) float32 in [0, 1], channels in the order of NEAREST.

    Returns:
        (Z, Y, X) uint64 ids 1 ... n, each within one section. A section without any boundary, or without any interior, is
        one fragment.
    """
    return _fragment_sections(_smoothed_section, affinities)


def _nearest_channels(affinities: np.ndarray, offsets: Sequence[Sequence[int]]) -> list[int]:
    steps = [tuple(int(step) for step in offset) for offset in offsets]
    if affinities.ndim != 4 or not np.issubdtype(affinities.dtype, np.floating) or len(steps) != len(affinities):
        raise GrdError(
            f"segmentation of a volume: expected floating-point affinities (C, Z, Y, X) and C offsets, "
            f"found {affinities.dtype} of shape {affinities.shape} and {len(steps)} offsets; predict a volume"
        )
    if affinities.size == 0 or not set(NEAREST) <= set(steps):
        raise GrdError(
            f"segmentation of a volume: expected voxels and the offsets {NEAREST} among its channels, "
            f"found shape {affinities.shape} and offsets {steps}; predict with the nearest neighbours"
        )
    return [steps.index(offset) for offset in NEAREST]


def _fragment_sections(section_fragments: Callable[[np.ndarray, np.ndarray], np.ndarray], affinities: np.ndarray) -> np.ndarray:
    """Fragments of every section from its affinities along y and x, with ids that continue from section to section."""
    fragments = np.empty(affinities.shape[1:], dtype=np.uint64)
    count = 0
    for section, along_y, along_x in zip(fragments, affinities[1], affinities[2], strict=True):
        section[:] = relabel_consecutive(section_fragments(along_y, along_x))
        section += np.uint64(count)
        count = int(section.max())
    return fragments


def _seeded_section(along_y: np.ndarray, along_x: np.ndarray) -> np.ndarray:
    from scipy.ndimage import distance_transform_edt, label
    from skimage.morphology import local_maxima
    from skimage.segmentation import watershed

    boundary = 1 - 0.5 * (along_y + along_x)
    inside = boundary < _SEED_BOUNDARY
    if _is_uniform(inside):
        return np.ones(inside.shape, dtype=np.int32)
    seeds, _ = label(local_maxima(distance_transform_edt(inside), connectivity=1))
    return watershed(boundary, seeds, connectivity=1)


def _smoothed_section(along_y: np.ndarray, along_x: np.ndarray) -> np.ndarray:
    from elf.segmentation.watershed import distance_transform_watershed

    boundary = np.maximum(1 - along_y, 1 - along_x)
    if _is_uniform(boundary > _DISTANCE_BOUNDARY):
        return np.ones(boundary.shape, dtype=np.int32)
    return distance_transform_watershed(boundary, _DISTANCE_BOUNDARY, _SIGMA_SEEDS)[0]


def _is_uniform(mask: np.ndarray) -> bool:
    """True if a section is all boundary or all interior: then there are no distances, and libraries disagree on the result."""
    return bool(mask.all() or not mask.any())
