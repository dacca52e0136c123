"""Surfaces of parts of volumes, seen from a side: meshes, an orthographic camera, light.

They are drawn as polygons in a plane, sorted by depth; faces turned away are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, radians, sin

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from scipy.ndimage import gaussian_filter
from skimage.measure import block_reduce, marching_cubes

SAMPLES = 64
"""Largest number of voxels along an axis; finer masks are averaged."""
SMOOTHING = 0.8
LIGHT = np.array([-0.45, 0.6, 0.66])
"""Direction to the light: right, up and towards the camera; of length 1."""
AMBIENT = 0.45
ELEVATION = 20  # degrees by which the camera looks down


@dataclass(frozen=True)
class Camera:
    """Axes of the picture (3, 3) in (z, y, x): right, up, and towards the camera; orthonormal."""

    axes: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) in (z, y, x) as (right, up, nearness)."""
        return points @ self.axes.T


@dataclass(frozen=True)
class Surface:
    """Triangles (N, 3 corners, 3) in (z, y, x), their colour (red, green, blue) and opacity."""

    triangles: np.ndarray
    colour: Sequence[float]
    opacity: float = 1


def camera_beside(points: np.ndarray) -> Camera:
    """A camera that looks at the widest side of points (N, 3) in (z, y, x), down by ELEVATION degrees.

    The first section is on top.
    """
    _, directions = np.linalg.eigh(np.cov(points[:, 1:].T))
    across = directions[:, -1] * (1 if directions[:, -1].sum() >= 0 else -1)
    right, away = np.array([0, *across]), np.array([0, -across[1], across[0]])
    top, tilt = np.array([-1.0, 0, 0]), radians(ELEVATION)
    return Camera(np.stack([right, cos(tilt) * top - sin(tilt) * away, sin(tilt) * top + cos(tilt) * away]))


def triangles(mask: np.ndarray, voxel: Sequence[float] | np.ndarray, origin: Sequence[int] = (0, 0, 0)) -> np.ndarray:
    """The smoothed surface of a mask (Z, Y, X): triangles (N, 3 corners, 3) in (z, y, x), in the unit of `voxel`.

    `origin` is the place of the mask's first voxel, in voxels. Corners are counter-clockwise as seen from outside.
    """
    factors = tuple(ceil(side / SAMPLES) for side in mask.shape)
    field = gaussian_filter(np.pad(block_reduce(mask.astype(np.float32), factors, np.mean), 2), SMOOTHING)
    if field.max() <= 0.5:
        return np.zeros((0, 3, 3))
    corners, faces, _, _ = marching_cubes(field, 0.5, gradient_direction="ascent")
    places = (corners - 2 + 0.5) * factors + origin
    return (places * voxel)[faces]


def draw_surfaces(axis: Axes, surfaces: Sequence[Surface], camera: Camera) -> None:
    """Draw surfaces that hide one another, under a fixed light."""
    seen = [camera.project(surface.triangles) for surface in surfaces]
    paints = [shades(corners, surface) for corners, surface in zip(seen, surfaces, strict=True)]
    corners, paint = np.concatenate(seen), np.concatenate(paints)
    front = np.flatnonzero(normals(corners)[:, 2] > 0)
    order = front[np.argsort(corners[front, :, 2].mean(axis=1))]
    seams = paint[order] * [1, 1, 1, 0] + [0, 0, 0, 1] * (paint[order, 3:] == 1)  # without seams where they would show through
    drawn = PolyCollection(
        list(corners[order, :, :2]), rasterized=True, facecolors=paint[order], edgecolors=seams, linewidths=0.2
    )
    drawn.set_in_layout(False)
    axis.add_collection(drawn, autolim=False)


def shades(corners: np.ndarray, surface: Surface) -> np.ndarray:
    """Colours (N, 4) of the projected triangles (N, 3, 3) of a surface."""
    bright = AMBIENT + (1 - AMBIENT) * np.clip(normals(corners) @ LIGHT, 0, 1)
    return np.column_stack([bright[:, None] * np.asarray(surface.colour), np.full(len(corners), surface.opacity)])


def normals(corners: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 3) that point out of triangles (N, 3, 3)."""
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
