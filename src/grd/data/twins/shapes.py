"""Helpers of the twins: drawing, image encoding, reproducible zip files."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from grd.system.files import atomic_write

SMALLEST = 12  # pixels of a visible instance
EPOCH = (1980, 1, 1, 0, 0, 0)  # earliest date of a zip member; a fixed date gives the same bytes on every write


def generator(seed: int, index: int) -> np.random.Generator:
    """Random numbers for image `index` of a twin with this seed."""
    return np.random.default_rng((seed, index))


def grid(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates y and x of an image, each (H, W) float."""
    y, x = np.mgrid[: size[0], : size[1]]
    return y.astype(float), x.astype(float)


def clouds(rng: np.random.Generator, size: tuple[int, int], sigma: float) -> np.ndarray:
    """Smooth noise (H, W) of mean 0 and standard deviation 1; `sigma` sets the size of its blobs in pixels."""
    noise = gaussian_filter(rng.standard_normal(size), sigma, mode="reflect")
    return (noise - noise.mean()) / noise.std()


def specks(rng: np.random.Generator, size: tuple[int, int], count: int, radius: tuple[float, float]) -> np.ndarray:
    """Small round dots (H, W) of random radius in pixels and height 0 to 1."""
    y, x = grid(size)
    dots = np.zeros(size)
    for _ in range(count):
        centre, r, height = rng.uniform((0, 0), size), rng.uniform(*radius), rng.uniform(0.3, 1)
        dots = np.maximum(dots, height * np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * r * r)))
    return dots


def visible_masks(masks: Sequence[np.ndarray]) -> list[int]:
    """Indices of the masks (H, W) bool that keep at least SMALLEST visible pixels if drawn one over the other.

    The search goes from the topmost mask (the last) downwards, so that a mask that is left out hides nothing.
    """
    covered = np.zeros(masks[0].shape, bool)
    kept = []
    for index in range(len(masks) - 1, -1, -1):
        if np.count_nonzero(masks[index] & ~covered) >= SMALLEST:
            kept.append(index)
            covered |= masks[index]
    return kept[::-1]


def encode(image: Image.Image, kind: str) -> bytes:
    """Bytes of an image file of this kind ('PNG', 'TIFF')."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def tif16(image: np.ndarray) -> bytes:
    """Bytes of an uncompressed 16-bit grey tif of an image (H, W), rounded and clipped to 0..4095 as by a 12-bit camera."""
    return encode(Image.fromarray(np.clip(np.rint(image), 0, 4095).astype(np.uint16)), "TIFF")


def guid(rng: np.random.Generator) -> str:
    """A random identifier in the form of the microscope's, 8-4-4-4-12 hexadecimal digits."""
    digits = "".join(rng.choice(list("0123456789ABCDEF"), 32))
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a zip, whole or not at all, with members in the order of their names; equal members give equal bytes."""
    with atomic_write(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name in sorted(members):
            file.writestr(zipfile.ZipInfo(name, EPOCH), members[name], zipfile.ZIP_DEFLATED)
