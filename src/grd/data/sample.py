"""Sample: an image or volume with its instances, as readers yield it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One image or volume and its instances.

    `image` is (H, W), (H, W, 3) or a volume (Z, Y, X), of the number type that its file has: official archives hold uint8 and
    uint16, a user's files any. `labels` is (H, W) or (Z, Y, X) integer, 0 = background or unlabelled, ids consecutive from 1.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
