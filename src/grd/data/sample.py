"""Sample: an image or volume with its instances, as readers yield it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One image or volume and its instances.

    `image` is (H, W) or (H, W, 3), uint8 or uint16 as in the archive, or a volume (Z, Y, X) uint8. `labels` is (H, W) or
    (Z, Y, X) integer, 0 = background or unlabelled, ids consecutive from 1.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
