"""Electron micrographs of synthetic neurites: cytoplasm, membranes, contrast, defective sections."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from grd.data.twins.neurites import cell_borders, drifting_noise, smooth_noise


@dataclass(frozen=True)
class Look:
    """Staining and imaging of a volume: the share of light that membranes absorb, and the noise, of the full grey range."""

    membrane: float = 0.55
    faint: float = 0.35  # share of their darkness that membranes lose in places
    noise: float = 0.04


def electron_micrograph(
    rng: np.random.Generator, labels: np.ndarray, defective: Sequence[int] = (), look: Look | None = None
) -> np.ndarray:
    """Micrographs (Z, Y, X) uint8 of neurites, with dark membranes and organelles; `defective` sections show nothing."""
    look = look or Look()
    scale = _mean_diameter(labels[len(labels) // 2])
    size = labels.shape[1:]
    shades = 0.72 + 0.05 * rng.standard_normal(int(labels.max()) + 1)
    organelles = zip(drifting_noise(rng, size, 0.3 * scale, 0.85), drifting_noise(rng, size, 0.8 * scale, 0.9), strict=True)
    volume = np.empty(labels.shape, np.uint8)
    for z, (section, (blobs, zones)) in enumerate(zip(labels, organelles, strict=False)):
        light = _cytoplasm(rng, shades[section], _depth(section), (blobs, zones), scale)
        light *= 1 - _membranes(rng, section, labels[max(z - 1, 0)], look)
        volume[z] = _expose(rng, light, look) if z not in defective else _lost_section(rng, size)
    return volume


def _depth(section: np.ndarray) -> np.ndarray:
    """Distances (Y, X) to the nearest border in pixels."""
    borders = cell_borders(section)
    return distance_transform_edt(~borders) if borders.any() else np.full(section.shape, np.inf)


def _mean_diameter(section: np.ndarray) -> float:
    return 2 * float(np.sqrt(section.size / len(np.unique(section)) / np.pi))


def _cytoplasm(
    rng: np.random.Generator, shade: np.ndarray, depth: np.ndarray, fields: tuple[np.ndarray, np.ndarray], scale: float
) -> np.ndarray:
    """Brightness (Y, X) inside neurites: grain, dark mitochondria with darker rims, and zones of vesicles."""
    blobs, zones = fields
    size = shade.shape
    deep = np.clip(depth - 2, 0, 1)
    mitochondria = deep / (1 + np.exp(-12 * (blobs - 1.5)))
    rims = deep * np.exp(-(((blobs - 1.5) / 0.2) ** 2))
    vesicles = deep * np.clip(zones - 0.6, 0, 1) * np.clip(smooth_noise(rng, size, max(0.7, 0.03 * scale)) - 1, 0, 1)
    grain = 0.035 * smooth_noise(rng, size, 0.8) + 0.02 * smooth_noise(rng, size, 0.15 * scale)
    return (shade + grain) * (1 - 0.3 * mitochondria - 0.15 * rims - 0.35 * vesicles)


def _membranes(rng: np.random.Generator, section: np.ndarray, previous: np.ndarray, look: Look) -> np.ndarray:
    """Share of light (Y, X) that membranes absorb: a line a few pixels wide, and haze if the cut is oblique."""
    size = section.shape
    line = gaussian_filter(cell_borders(section).astype(float), 0.8) * 1.9
    swept = gaussian_filter((section != previous).astype(float), 1.0)
    strength = 1 - look.faint * np.clip(0.5 + 0.6 * smooth_noise(rng, size, 4), 0, 1.5)
    return np.clip(look.membrane * np.clip(line, 0, 1) * strength * (1 - 0.4 * swept) + 0.2 * look.membrane * swept, 0, 0.9)


def _expose(rng: np.random.Generator, light: np.ndarray, look: Look) -> np.ndarray:
    """Photograph a section: uint8, with its own brightness and contrast, uneven light, blur and noise."""
    size = light.shape
    uneven = 0.02 * smooth_noise(rng, size, 0.3 * min(size))
    blurred = gaussian_filter(light, 0.5) * rng.uniform(0.93, 1.07) + rng.normal(0, 0.02) + uneven
    return _to_uint8(blurred + look.noise * rng.standard_normal(size))


def _lost_section(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """A defective section, uint8: nearly blank, or only noise."""
    return _to_uint8(0.5 + rng.choice([0.01, 0.15]) * rng.standard_normal(size))


def _to_uint8(light: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(255 * light), 0, 255).astype(np.uint8)
