"""What a reader yields."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One image and its instances.

    `image` is (H, W) or (H, W, 3), uint8 or uint16 as in the archive; `labels` is (H, W) integer, 0 = background, ids
    consecutive from 1.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
