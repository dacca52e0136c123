"""Electron micrographs of made-up neurites: cytoplasm, membranes, contrast, lost sections."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from grd.data.twins.neurites import cell_borders, drifting_noise, smooth_noise


@dataclass(frozen=True)
class Look:
    """How a volume is stained and imaged: the share of light that membranes take, and the noise, of the full grey range."""

    membrane: float = 0.55
    faint: float = 0.35  # the share of their darkness that membranes lose here and there
    noise: float = 0.04


def electron_micrograph(
    rng: np.random.Generator, labels: np.ndarray, defective: Sequence[int] = (), look: Look | None = None
) -> np.ndarray:
    """What a microscope shows of neurites (Z, Y, X): uint8, membranes and organelles dark; defective sections are lost."""
    look = look or Look()
    scale = _mean_diameter(labels[len(labels) // 2])
    size = labels.shape[1:]
    shades = 0.72 + 0.05 * rng.standard_normal(int(labels.max()) + 1)
    organelles = zip(drifting_noise(rng, size, 0.3 * scale, 0.85), drifting_noise(rng, size, 0.8 * scale, 0.9), strict=True)
    volume = np.empty(labels.shape, np.uint8)
    for z, (section, (blobs, zones)) in enumerate(zip(labels, organelles, strict=False)):
        light = _cytoplasm(rng, shades[section], _depth(section), (blobs, zones), scale)
        light *= 1 - _membranes(rng, section, labels[max(z - 1, 0)], look)
        volume[z] = _exposed(rng, light, look) if z not in defective else _lost(rng, size)
    return volume


def _depth(section: np.ndarray) -> np.ndarray:
    """Distances (Y, X) in pixels from the nearest border."""
    borders = cell_borders(section)
    return distance_transform_edt(~borders) if borders.any() else np.full(section.shape, np.inf)


def _mean_diameter(section: np.ndarray) -> float:
    return 2 * float(np.sqrt(section.size / len(np.unique(section)) / np.pi))


def _cytoplasm(
    rng: np.random.Generator, shade: np.ndarray, depth: np.ndarray, fields: tuple[np.ndarray, np.ndarray], scale: float
) -> np.ndarray:
    """Brightness (Y, X) inside the neurites: grainy, with mitochondria (dark, darker at the rim) and zones of vesicles."""
    blobs, zones = fields
    size = shade.shape
    deep = np.clip(depth - 2, 0, 1)
    mitochondria = deep / (1 + np.exp(-12 * (blobs - 1.5)))
    rims = deep * np.exp(-(((blobs - 1.5) / 0.2) ** 2))
    vesicles = deep * np.clip(zones - 0.6, 0, 1) * np.clip(smooth_noise(rng, size, max(0.7, 0.03 * scale)) - 1, 0, 1)
    grain = 0.035 * smooth_noise(rng, size, 0.8) + 0.02 * smooth_noise(rng, size, 0.15 * scale)
    return (shade + grain) * (1 - 0.3 * mitochondria - 0.15 * rims - 0.35 * vesicles)


def _membranes(rng: np.random.Generator, section: np.ndarray, before: np.ndarray, look: Look) -> np.ndarray:
    """How much light (Y, X) membranes take: a line a few pixels wide, and haze where they are cut obliquely."""
    size = section.shape
    line = gaussian_filter(cell_borders(section).astype(float), 0.8) * 1.9
    swept = gaussian_filter((section != before).astype(float), 1.0)
    strength = 1 - look.faint * np.clip(0.5 + 0.6 * smooth_noise(rng, size, 4), 0, 1.5)
    return np.clip(look.membrane * np.clip(line, 0, 1) * strength * (1 - 0.4 * swept) + 0.2 * look.membrane * swept, 0, 0.9)


def _exposed(rng: np.random.Generator, light: np.ndarray, look: Look) -> np.ndarray:
    """A section as the camera sees it, uint8: its own brightness and contrast, uneven light, blur and noise."""
    size = light.shape
    uneven = 0.02 * smooth_noise(rng, size, 0.3 * min(size))
    blurred = gaussian_filter(light, 0.5) * rng.uniform(0.93, 1.07) + rng.normal(0, 0.02) + uneven
    return _grey(blurred + look.noise * rng.standard_normal(size))


def _lost(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """A defective section, uint8: nearly blank, or nothing but noise."""
    return _grey(0.5 + rng.choice([0.01, 0.15]) * rng.standard_normal(size))


def _grey(light: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(255 * light), 0, 255).astype(np.uint8)
