"""Figure 3: segmentations of volumes by every method, a section each."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grd.data.store import read_labels, read_split
from grd.metrics.errors import merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.figures.comparisons import ERRORS, Comparison, _median, draw_comparisons
from grd.reporting.figures.panels import predictions, undistilled_student

WINDOW = 512
"""Pixels of a section's side that Figure 3 can show; of larger ones it shows the middle."""


def figure3(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """As Figure 2, of one section of each test volume, segmented in 3D; errors outlined."""
    rows = [compared_section(project, layout, dataset) for dataset in project.datasets_of("figure3")]
    shown = (
        "The section of the test volume in which the undistilled student makes the median number of errors (its middle, at "
        f"most {WINDOW} x {WINDOW} pixels), cut out of the segmentation in 3D; errors are those that show in the section"
    )
    return draw_comparisons(project, rows, f"{shown}. {ERRORS}", outlines=True)


def compared_section(project: Project, layout: Layout, dataset: str) -> Comparison:
    """The section of a data set's first test volume that Figure 3 shows, and what each run makes of it."""
    split = read_split(layout.samples(dataset), "test")
    window = middle(split.labels.shape[2:])
    truth = split.labels[0][:, *window]
    student = undistilled_student(project, "figure3", dataset)
    segmenter = next(iter(project.datasets[dataset].segmenters))
    shown = representative_section(read_labels(layout.labels(student, segmenter))[1][0][:, *window], truth)
    # copies: a view would keep each run's whole volume in memory
    predicted = [(run, labels[0, shown][window].copy()) for run, labels in predictions(project, layout, "figure3", dataset)]
    image = split.images[0, shown][window]
    return Comparison(dataset, f"{split.names[0]}, section {shown}", image, truth[shown], predicted)


def middle(size: Iterable[int]) -> tuple[slice, ...]:
    """The window in the middle of a section of this size, the whole section where it is no larger."""
    starts = [(max(side - WINDOW, 0) // 2, side) for side in size]
    return tuple(slice(start, min(start + WINDOW, side)) for start, side in starts)


def representative_section(prediction: np.ndarray, truth: np.ndarray) -> int:
    """The section with the median number of errors in volumes (Z, Y, X) of labels."""
    tables = [overlap_table(*sections) for sections in zip(prediction, truth, strict=True)]
    return _median(np.array([len(merging_segments(table)) + len(split_instances(table)) for table in tables]))
