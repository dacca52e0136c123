"""Instances as polygons in GeoJSON, which QuPath (0.4 or newer) opens by drag and drop on the image.

Each instance is a detection, QuPath's type for cells: thousands of them are quick to show and measure. Annotations, its other
type, are for regions that a person draws.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from skimage.measure import label as connected_components

from grd.apply.label_files import SOFTWARE
from grd.errors import GrdError
from grd.system.files import write_text

Corner = tuple[int, int]
Ring = list[Corner]
"""Corners (x, y) of a closed polygon; the first is not repeated."""


def geojson(labels: np.ndarray, measurements: pd.DataFrame) -> dict[str, Any]:
    """FeatureCollection of the instances (H, W), a feature each, ordered by label.

    Polygons follow the sides of the pixels; the image's top left corner is (0, 0). Parts of an instance that touch at a corner or
    lie apart are polygons of a MultiPolygon, holes are interior rings; no ring meets itself. A feature is named by its label. Its
    measurements are the numbers in its row of `measurements`, a table of `measure` for these labels. GrdError for a volume.
    """
    if labels.ndim != 2:
        raise GrdError(
            f"GeoJSON: expected the labels of an image (H, W), found shape {labels.shape}; use the label tif of a volume"
        )
    values = _measurements(measurements)
    features = [_feature(number, parts, values[number]) for number, parts in sorted(polygons(labels).items())]
    return {"type": "FeatureCollection", "software": SOFTWARE, "features": features}


def write_geojson(path: Path, labels: np.ndarray, measurements: pd.DataFrame) -> None:
    """Write the instances (H, W) as GeoJSON, whole or not at all."""
    write_text(path, json.dumps(geojson(labels, measurements), separators=(",", ":"), allow_nan=False))


def _measurements(table: pd.DataFrame) -> Mapping[int, Mapping[str, float]]:
    """Measurements by label and name; cells without a finite number are left out."""
    rows = zip(table["label"].tolist(), table.drop(columns="label").to_dict("records"), strict=True)
    return {number: {str(name): value for name, value in row.items() if isfinite(value)} for number, row in rows}


def _feature(number: int, parts: Sequence[Sequence[Ring]], measurements: Mapping[str, float]) -> dict[str, Any]:
    coordinates = [[[*ring, ring[0]] for ring in part] for part in parts]
    several = len(coordinates) > 1
    return {
        "type": "Feature",
        "geometry": {
            "type": "MultiPolygon" if several else "Polygon",
            "coordinates": coordinates if several else coordinates[0],
        },
        "properties": {"objectType": "detection", "name": str(number), "measurements": measurements},
    }


def polygons(labels: np.ndarray) -> dict[int, list[list[Ring]]]:
    """Polygons of each instance (H, W), one for each part of 4-connected pixels: its outer ring, then its holes.

    Outer rings have a positive area by the shoelace formula in (x, y), holes a negative one.
    """
    parts = connected_components(labels, background=0, connectivity=1)
    rings: defaultdict[int, list[Ring]] = defaultdict(list)
    names = {}
    for pixel, ring in _rings(parts):
        part = int(parts[pixel])
        names[part] = int(labels[pixel])
        rings[part] += _simple_rings(ring)
    found = defaultdict(list)
    for part, name in names.items():
        found[name].append(sorted(rings[part], key=_area, reverse=True))
    return found


def _rings(parts: np.ndarray) -> Iterator[tuple[tuple[int, int], Ring]]:
    """Boundaries of 4-connected parts (H, W): a pixel (row, column) of the part, and the corners of the boundary.

    A boundary is a cycle of sides of pixels, with the part on its right.
    """
    padded = np.pad(parts, 1)
    kinds, pixels, following, turns = map(np.concatenate, zip(*(_sides(padded, kind) for kind in range(4)), strict=True))
    rows, columns = (places - 1 for places in np.unravel_index(pixels, padded.shape))
    ends = np.stack([columns + (kinds < 2), rows + (kinds % 3 > 0)], axis=1).tolist()
    numbers = kinds * padded.size + pixels
    corner = turns.tolist()
    for cycle in _cycles(np.searchsorted(numbers, following).tolist()):
        pixel = int(rows[cycle[0]]), int(columns[cycle[0]])
        yield pixel, [tuple(ends[side]) for side in cycle if corner[side]]


def _sides(padded: np.ndarray, kind: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sides of one kind between a part and anything else; kinds are 0 top, 1 right, 2 bottom, 3 left, walked clockwise.

    Returns the kind of each side, its pixel's number, the side that follows as kind * size + pixel, and True where the two make a
    corner. The boundary turns right where two pixels of a part meet at a corner only, so it keeps such pixels apart.
    """
    flat, size = padded.ravel(), padded.size
    along = (1, padded.shape[1], -1, -padded.shape[1])
    forward, outward = along[kind], along[kind - 1]
    pixel = np.flatnonzero((flat > 0) & (np.roll(flat, -outward) != flat))
    right = flat[pixel + forward] != flat[pixel]
    left = ~right & (flat[pixel + forward + outward] == flat[pixel])
    turned_right, turned_left = (kind + 1) % 4 * size + pixel, (kind - 1) % 4 * size + pixel + forward + outward
    following = np.select([right, left], [turned_right, turned_left], kind * size + pixel + forward)
    return np.full(pixel.shape, kind), pixel, following, right | left


def _cycles(following: Sequence[int]) -> Iterator[list[int]]:
    """Cycles of a permutation."""
    seen = bytearray(len(following))
    for start in range(len(following)):
        cycle, number = [], start
        while not seen[number]:
            seen[number] = True
            cycle.append(number)
            number = following[number]
        if cycle:
            yield cycle


def _simple_rings(ring: Ring) -> Iterator[Ring]:
    """The rings into which a ring falls at the corners that it visits twice."""
    path: Ring = []
    places: dict[Corner, int] = {}
    for corner in ring:
        if corner in places:
            start = places[corner]
            yield path[start:]
            for passed in path[start:]:
                del places[passed]
            del path[start:]
        places[corner] = len(path)
        path.append(corner)
    yield path


def _area(ring: Ring) -> float:
    """Area by the shoelace formula."""
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2
