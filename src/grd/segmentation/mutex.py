"""Mutex watershed (Wolf et al., ECCV 2018), which needs neither seeds nor a threshold."""

from collections.abc import Sequence

import numpy as np

from grd.data.ids import relabel_consecutive
from grd.errors import GrdError


def mutex_watershed(
    affinities: np.ndarray,
    offsets: Sequence[Sequence[int]],
    strides: Sequence[int],
    foreground: np.ndarray | None = None,
) -> np.ndarray:
    """Partition an image into segments by attractive and repulsive edges, the strongest edges first.

    An edge of one of the first `ndim` channels joins p and p + offset with weight a. An edge of any other channel keeps the two
    apart with weight 1 - a. Repulsive edges start only at pixels whose coordinates are multiples of `strides`. Edges that leave
    the image or touch a pixel outside `foreground` are ignored. The library decides the order of edges of equal weight, so
    affinities must not be rounded or clipped.

    Args:
        affinities: (C, *spatial) floating point in [-1, 1], high = same instance; 2D or 3D. Not modified.
        offsets: C offsets, one integer per axis; channel c relates pixel p to p + offsets[c]. The first `ndim` are
            unit steps, one along each axis.
        strides: Sampling of the repulsive edges in pixels, at least 1, one per axis. The paper's code uses (5, 5).
        foreground: (*spatial) mask of the pixels to segment, None for all of them.

    Returns:
        (*spatial) int32 labels, segments 1 ... n, 0 only outside `foreground`.

    Raises:
        GrdError: Wrong shapes or offsets, or affinities that are not finite.
    """
    # elf's backend, called as elf calls it: importing elf takes two seconds, longer than segmenting an image.
    from bioimage_cpp.segmentation import mutex_watershed as partition

    affinities = np.asarray(affinities)
    steps = [[int(step) for step in offset] for offset in offsets]
    _check_affinities(affinities)
    _check_offsets(steps, affinities.shape)
    mask = None if foreground is None else _mask(foreground, affinities.shape[1:])
    rank = affinities.ndim - 1
    weights = np.concatenate([affinities[:rank], 1 - affinities[rank:]]).astype(np.float32, copy=False)
    spacing = [int(stride) for stride in strides]
    labels = partition(weights, steps, number_of_attractive_channels=rank, strides=spacing, mask=mask)
    return relabel_consecutive(labels)


def _check_affinities(affinities: np.ndarray) -> None:
    if affinities.ndim not in (3, 4) or not np.issubdtype(affinities.dtype, np.floating):
        raise GrdError(
            f"mutex watershed: expected floating-point affinities of shape (C, H, W) or (C, Z, Y, X), "
            f"found {affinities.dtype} of shape {affinities.shape}; predict them with a network"
        )
    if not np.isfinite(affinities).all():
        raise GrdError("mutex watershed: expected finite affinities, found NaN or infinity; did the training diverge?")


def _check_offsets(offsets: list[list[int]], shape: tuple[int, ...]) -> None:
    channels, ndim = shape[0], len(shape) - 1
    if len(offsets) != channels or any(len(offset) != ndim for offset in offsets):
        raise GrdError(
            f"mutex watershed: expected {channels} offsets of {ndim} integers for affinities of shape {shape}, found {offsets}; "
            "take those of the model"
        )
    steps = np.abs(offsets[:ndim])
    if steps.shape != (ndim, ndim) or not ((steps.sum(axis=0) == 1) & (steps.sum(axis=1) == 1)).all():
        raise GrdError(
            f"mutex watershed: expected the first {ndim} offsets to be unit steps, one along each axis, "
            f"found {offsets[:ndim]}; put the nearest neighbours first"
        )


def _mask(foreground: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.asarray(foreground, dtype=bool)
    if mask.shape != shape:
        raise GrdError(
            f"mutex watershed: expected a foreground mask of shape {shape}, found {mask.shape}; take that of the same image"
        )
    return mask
