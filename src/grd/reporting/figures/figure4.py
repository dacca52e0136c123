"""Figure 4: a few neurites in 3D, the truth and the segments of each run that cover them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import ceil
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import ndimage

from grd.data.store import read_split
from grd.errors import GrdError
from grd.metrics.errors import covered_instances, covering_segments
from grd.metrics.overlap import OverlapTable, overlap_table
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.titles import run_title
from grd.reporting.figures.panels import caption, predictions
from grd.reporting.figures.surfaces import Camera, Surface, camera_beside, draw_surfaces, triangles

TWIN_PIXEL = 5
"""Width of a twin's pixel in pixels of the real data: unless magnified, its neurites are a fifth as wide."""

COUNT = 3
"""Number of neurites of each data set."""
PANEL = 1.35
"""Width of a panel in inches."""
COVER = 0.1
"""Share of a neurite that a segment holds to cover it."""
MARGIN = 0.15
"""Share of a neurite's extent that is shown around it."""
MAIN, BEYOND = (0.30, 0.58, 0.86), (0.90, 0.10, 0.10)
PARTS = ((0.98, 0.72, 0.15), (0.35, 0.75, 0.40), (0.68, 0.42, 0.82), (0.98, 0.52, 0.68), (0.35, 0.85, 0.85), (0.65, 0.5, 0.35))
CAPTION = (
    "The {count} largest neurites of the test volume among those in at least half of its sections. Blue: the segment that holds "
    "most of the neurite; other colours: further segments that hold at least 10 % of it (over-segmentation); translucent red: "
    "nearby parts of other neurites of which these segments hold at least 10 % (over-merge). Below each panel: the number of "
    "segments and the share of the largest. Seen from the side on which the neurite is widest, first section on top; voxels "
    "(z, y, x) in nm: {voxels}"
)


@dataclass(frozen=True)
class Neurite:
    """A true neurite of a volume, the box (slices of z, y, x) that is drawn around it, its mask in the box, a voxel's size."""

    dataset: str
    number: int
    box: tuple[slice, ...]
    mask: np.ndarray
    voxel: np.ndarray

    @cached_property
    def camera(self) -> Camera:
        """The camera that looks at its widest side."""
        places = np.argwhere(self.mask)
        return camera_beside(places[:: len(places) // 10_000 + 1] * self.voxel)

    @cached_property
    def frame(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower left and upper right of the picture, which has room for the whole box."""
        corners = np.array(list(product(*((part.start, part.stop) for part in self.box)))) * self.voxel
        seen = self.camera.project(corners)[:, :2]
        return seen.min(axis=0), seen.max(axis=0)

    @property
    def aspect(self) -> float:
        """Height of the picture divided by its width."""
        low, high = self.frame
        width, height = high - low
        return float(height / width)

    def surface(self, mask: np.ndarray) -> np.ndarray:
        """Triangles around a mask of the box's shape."""
        return triangles(mask, self.voxel, [part.start for part in self.box])


def figure4(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """Neurites of the test volumes, a row each: the truth and every run; and the number and shares of the covering segments."""
    datasets = project.datasets_of("figure4")
    neurites = [neurite for dataset in datasets for neurite in true_neurites(project, layout, dataset)]
    titles = ["Ground truth", *map(run_title, project.first_seed_runs("figure4", datasets[0]))]
    heights = [neurite.aspect for neurite in neurites]
    size = (PANEL * len(titles), (PANEL - 0.1) * sum(heights) + 0.2 * len(heights) + 0.6)
    figure, axes = plt.subplots(len(neurites), len(titles), figsize=size, height_ratios=heights, squeeze=False)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=7)
    rows = list(zip(neurites, axes, strict=True))
    records = [record for dataset in datasets for record in draw_dataset(project, layout, dataset, rows)]
    sizes = ", ".join(
        f"{project.datasets[name].title} {' x '.join(f'{n:.3g}' for n in voxel_size(project, name))}" for name in datasets
    )
    caption(figure, project, CAPTION.format(count=COUNT, voxels=sizes))
    return figure, pd.DataFrame(records)


def voxel_size(project: Project, dataset: str) -> np.ndarray:
    """Size (z, y, x) of a data set's voxels in nm."""
    resolution = project.datasets[dataset].resolution
    if resolution is None:
        raise GrdError(f"config/datasets.yaml: expected a `resolution` of {dataset} for figure4, found none; add it (nm)")
    wider = TWIN_PIXEL / project.scale.twins[dataset].magnification if project.scale.data == "twins" else 1
    return np.array(resolution) * (1, wider, wider)


def true_neurites(project: Project, layout: Layout, dataset: str) -> list[Neurite]:
    """The neurites of a data set's first test volume that are drawn."""
    truth = read_split(layout.samples(dataset), "test").labels[0]
    voxel = voxel_size(project, dataset)
    boxes = ((number, box_around(truth, number)) for number in chosen_neurites(truth, COUNT))
    return [Neurite(dataset, number, box, truth[box] == number, voxel) for number, box in boxes]


def draw_dataset(
    project: Project, layout: Layout, dataset: str, rows: Sequence[tuple[Neurite, np.ndarray]]
) -> list[dict[str, Any]]:
    """Draw the rows of panels (1 + runs) of a data set's neurites; returns the figure's data."""
    split = read_split(layout.samples(dataset), "test")
    truth, own = split.labels[0], [(neurite, panels) for neurite, panels in rows if neurite.dataset == dataset]
    for number, (neurite, panels) in enumerate(own, 1):
        draw_panel(panels[0], neurite, [Surface(neurite.surface(neurite.mask), MAIN)])
        panels[0].set_ylabel(f"{project.datasets[dataset].title} ({number})", fontsize=8)
    records = []
    for column, (run, labels) in enumerate(predictions(project, layout, "figure4", dataset), 1):
        table = overlap_table(labels[0], truth)
        for neurite, panels in own:
            measured = draw_covering(panels[column], neurite, labels[0], truth, table)
            records.append({"dataset": dataset, "volume": split.names[0], "neurite": neurite.number, "run": run.name, **measured})
    return records


def chosen_neurites(truth: np.ndarray, count: int) -> list[int]:
    """The largest instances of a volume (Z, Y, X) among those in at least half of its sections, whatever any run makes of them.

    If there are too few, the largest others follow.
    """
    sizes = np.bincount(truth.ravel())
    sections = np.bincount(np.concatenate([np.unique(section) for section in truth]), minlength=len(sizes))
    sizes[0] = 0
    order = np.lexsort((-sizes, sections < len(truth) / 2))
    return [int(number) for number in order if sizes[number] > 0][:count]


def box_around(truth: np.ndarray, number: int) -> tuple[slice, slice, slice]:
    """The box of an instance of a volume (Z, Y, X), with a margin around it."""
    (found,) = ndimage.find_objects((truth == number).view(np.uint8))
    z, y, x = (_widen(part, side) for part, side in zip(found, truth.shape, strict=True))
    return z, y, x


def _widen(part: slice, side: int) -> slice:
    margin = ceil(MARGIN * (part.stop - part.start))
    return slice(max(part.start - margin, 0), min(part.stop + margin, side))


def draw_covering(
    axis: Axes, neurite: Neurite, prediction: np.ndarray, truth: np.ndarray, table: OverlapTable
) -> dict[str, float]:
    """Draw the segments that cover a neurite, and what else they cover; returns number, largest share and voxels beyond."""
    segments = covering_segments(table, neurite.number, COVER)
    surfaces, beyond = [], 0
    for place, segment in enumerate(segments):
        others = sorted(set(covered_instances(table, segment, COVER)) - {neurite.number})
        held = prediction[neurite.box] == segment
        surfaces.append(Surface(neurite.surface(held & neurite.mask), (MAIN, *PARTS)[place % (1 + len(PARTS))]))
        surfaces.append(Surface(neurite.surface(held & np.isin(truth[neurite.box], others)), BEYOND, 0.35))
        beyond += int(np.isin(truth[prediction == segment], others).sum())
    draw_panel(axis, neurite, surfaces)
    largest = max(segments.values(), default=0.0)
    axis.set_xlabel(f"{len(segments)} segment{'s' * (len(segments) != 1)}, {100 * largest:.0f} %", fontsize=6, labelpad=2)
    return {"segments": len(segments), "largest_share": round(largest, 4), "voxels_beyond": beyond}


def draw_panel(axis: Axes, neurite: Neurite, surfaces: Sequence[Surface]) -> None:
    """Draw surfaces in the frame of a neurite, which is the same in all its panels."""
    if surfaces:
        draw_surfaces(axis, surfaces, neurite.camera)
    (left, low), (right, high) = neurite.frame
    axis.set(xlim=(left, right), ylim=(low, high), aspect="equal", xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_edgecolor("0.85")
