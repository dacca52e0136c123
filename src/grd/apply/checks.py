"""Checks of the images that people give to a model: what it did not learn is refused, what looks wrong is warned of."""

import logging

import numpy as np

from grd.errors import GrdError
from grd.reading.axes import Frame

SEEN = 2048  # rows and columns of an image at which its colours are compared
FLAT = 0.95  # share of neighbours of equal value from which an image is taken for labels
DARK = 0.05  # share of the grey values in which almost all pixels lie if a speck is much brighter

log = logging.getLogger(__name__)


def as_grey(frame: Frame) -> Frame:
    """An image (Y, X) for a model of grey images, also of one that was saved in colours; GrdError for colours that differ."""
    if frame.axes != "YXS":
        return frame
    step = max(max(frame.shape[:2]) // SEEN, 1)
    colours = frame[::step, ::step]
    if (colours != colours[..., :1]).any():
        raise GrdError(
            f"{frame.where}: expected a grey image, as the model learnt, found colours; choose one of them: --channel 0 (red), 1 "
            "(green) or 2 (blue)"
        )
    return frame.first_colour()


def warn_of_labels(frame: Frame) -> None:
    """Warn of whole numbers in flat patches, which no microscope makes."""
    if frame.axes != "YX" or frame.dtype.kind not in "ui":
        return
    part = frame[(slice(0, 512),) * 2]
    if part.shape[1] > 1 and part.any() and (part[:, 1:] == part[:, :-1]).mean() > FLAT:
        log.warning("%s: it looks like a label image; expected the image itself", frame.where)


def warn_of_loss(frame: Frame) -> None:
    """Warn of an image whose compression, such as JPEG, may have changed grey values; stretched, its blocks look like objects."""
    if frame.lossy:
        log.warning("%s: compressed as JPEG or alike, whose blocks can become objects; expected a file without loss", frame.where)


def warn_of_specks(pixels: np.ndarray, where: str) -> None:
    """Warn of an image in which a few pixels are so bright that all else is dark."""
    if pixels.max(initial=0) == 255 and np.percentile(pixels, 99.9) < DARK * 255:
        log.warning("%s: a few pixels are much brighter than all others, which become dark; try --percentiles 0 99.9", where)
