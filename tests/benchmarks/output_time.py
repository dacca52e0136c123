"""Seconds and bytes of the files that a segmentation is written to: label tif (also uncompressed), table, picture, polygons.

    python tests/benchmarks/output_time.py [SIDE] [SPACING]

The image has SIDE x SIDE pixels (2000) and discs SPACING pixels apart (63: 961 discs). JSON to stdout.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile

from grd.apply.geojson import write_geojson
from grd.apply.label_files import write_labels
from grd.apply.measure import measure, write_csv
from grd.apply.origin import Origin
from grd.apply.overlay import write_overlay
from grd.system.hardware import hardware


def discs(side: int, spacing: int) -> np.ndarray:
    """Labels (side, side) of discs on a grid, which almost touch."""
    cells, places = np.divmod(np.arange(side), spacing)
    count = side // spacing
    inside = np.add.outer((places - spacing / 2) ** 2, (places - spacing / 2) ** 2) < (spacing / 2 - 1) ** 2
    whole = np.logical_and.outer(cells < count, cells < count)
    return np.where(inside & whole, np.add.outer(cells * count, cells) + 1, 0)


def main(side: int = 2000, spacing: int = 63) -> None:
    labels = discs(side, spacing)
    image = np.random.default_rng(0).integers(100, 4000, labels.shape, np.uint16) + 500 * (labels > 0).astype(np.uint16)
    kinds: dict[str, Callable[[Path], None]] = {
        "uncompressed.tif": lambda path: tifffile.imwrite(path, labels.astype(np.uint32 if labels.max() > 65535 else np.uint16)),
        "labels.tif": lambda path: write_labels(path, labels, Origin("discs.tif"), (0.5, 0.5)),
        "table.csv": lambda path: write_csv(path, measure(labels, image, (0.5, 0.5))),
        "overlay.png": lambda path: write_overlay(path, labels, image),
        "objects.geojson": lambda path: write_geojson(path, labels, measure(labels, image, (0.5, 0.5))),
    }
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, write in kinds.items():
            start = time.perf_counter()
            write(Path(folder) / name)
            found[name] = {"seconds": round(time.perf_counter() - start, 2), "bytes": (Path(folder) / name).stat().st_size}
    print(json.dumps({"machine": hardware(), "objects": int(labels.max()), "files": found}, indent=1))  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
