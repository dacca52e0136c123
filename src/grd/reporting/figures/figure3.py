"""Figure 3: segmentations of volumes by every method, a section of each volume."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grd.data.store import read_labels, read_split
from grd.metrics.errors import merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.figures.comparisons import ERRORS, Comparison, draw_comparisons, median_index
from grd.reporting.figures.panels import predictions, undistilled_student

WINDOW = 512
"""Pixels along a side that Figure 3 can show; it shows the middle of larger sections."""
SHOWN = (
    "The section of each test volume in which the undistilled student makes the median number of errors (its middle, at most "
    f"{WINDOW} x {WINDOW} pixels). Volumes are segmented in 3D; marked are the errors that show in the section, "
    "and below each segmentation stand the seed of its training and the VOI of what is shown"
)


def figure3(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """Rows as in Figure 2 for one section of each test volume, segmented in 3D; errors are outlined, and counted."""
    rows = [compared_section(project, layout, dataset) for dataset in project.datasets_of("figure3")]
    return draw_comparisons(project, rows, f"{SHOWN}. {ERRORS}", outlines=True)


def compared_section(project: Project, layout: Layout, dataset: str) -> Comparison:
    """The row of a data set: the representative section of its first test volume, and each run's segmentation of it."""
    split = read_split(layout.samples(dataset), "test")
    window = central_window(split.labels[0].shape[1:])
    truth = split.labels[0][:, *window]
    student = undistilled_student(project, "figure3", dataset)
    segmenter = project.datasets[dataset].first_segmenter
    shown = representative_section(read_labels(layout.labels(student), segmenter)[1][0][:, *window], truth)
    # copied: a view would keep the whole volume of each run in memory
    predicted = [(run, labels[0][shown][window].copy()) for run, labels in predictions(project, layout, "figure3", dataset)]
    image = split.images[0][shown][window]
    return Comparison(dataset, f"{split.names[0]}, section {shown}", image, truth[shown], predicted, score="voi")


def central_window(size: Iterable[int]) -> tuple[slice, ...]:
    """The middle WINDOW x WINDOW pixels of a section of this size; the whole section where it is no larger."""
    starts = [(max(side - WINDOW, 0) // 2, side) for side in size]
    return tuple(slice(start, min(start + WINDOW, side)) for start, side in starts)


def representative_section(prediction: np.ndarray, truth: np.ndarray) -> int:
    """The section with the median number of errors in volumes (Z, Y, X) of labels."""
    tables = [overlap_table(*sections) for sections in zip(prediction, truth, strict=True)]
    return median_index(np.array([len(merging_segments(table)) + len(split_instances(table)) for table in tables]))
