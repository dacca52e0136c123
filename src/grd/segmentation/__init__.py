"""From affinities to instances: a graph partition, then the cleanup that belongs to the data set."""

from collections.abc import Callable, Sequence

import numpy as np

from grd.config import Segmenter
from grd.errors import GrdError
from grd.segmentation.cleanup import drop_background, merge_small_segments
from grd.segmentation.mutex import mutex_watershed

__all__ = ["drop_background", "merge_small_segments", "mutex_watershed", "segment"]


_PARTITIONS: dict[str, Callable[..., np.ndarray]] = {"mutex": mutex_watershed}


def segment(
    affinities: np.ndarray,
    offsets: Sequence[Sequence[int]],
    settings: Segmenter,
    truth: np.ndarray | None = None,
) -> np.ndarray:
    """Partition an image by its affinities and clean the result up, as the paper's 2D results were made.

    Args:
        affinities: (C, H, W) float32 in [-1, 1], high = same instance. Left as it is.
        offsets: C offsets; channel c relates pixel p to p + offsets[c].
        settings: Algorithm, foreground rule and cleanup.
        truth: (H, W) integer ground truth, 0 = background. Read with `foreground="truth"` only, and of it only the
            foreground mask.

    Returns:
        (H, W) int32 labels, 0 = background, instances 1 ... n.

    Raises:
        GrdError: `foreground="truth"` without `truth`, or arrays that do not fit together.
    """
    foreground = _foreground(settings, truth)
    labels = _PARTITIONS[settings.algorithm](affinities, offsets, settings.strides, foreground)
    labels = merge_small_segments(labels, settings.merge_passes)
    return drop_background(labels, settings.max_size) if settings.foreground == "corner" else labels


def _foreground(settings: Segmenter, truth: np.ndarray | None) -> np.ndarray | None:
    if settings.foreground == "corner":
        return None
    if truth is None:
        raise GrdError(
            'segmenter with foreground: "truth": expected a ground truth, found none; pass the label image, '
            'or set foreground: "corner"'
        )
    return np.asarray(truth) > 0
