"""Segmentations side by side, their errors marked: Figures 2 and 3."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grd.metrics.score_file import read_scores
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import run_title
from grd.reporting.figures.panels import caption, draw_image, draw_labels, mark_errors, match_ids, undistilled_student

DIMMED = 0.62
"""Brightness of instances under outlines."""


@dataclass(frozen=True)
class Comparison:
    """A row of Figure 2 or 3: an image (H, W[, 3]), its truth (H, W), and each run's prediction (H, W) of it."""

    dataset: str
    name: str
    image: np.ndarray
    truth: np.ndarray
    predictions: Sequence[tuple[Run, np.ndarray]]


ERRORS = (
    "A segment has the colour of the instance that it matches best. Red: over-merge, a segment that holds at least a quarter of "
    "each of two instances. White: over-segmentation, an instance of which two segments hold at least a quarter each"
)


def draw_comparisons(
    project: Project, rows: Sequence[Comparison], text: str, outlines: bool = False
) -> tuple[Figure, pd.DataFrame]:
    """Draw rows of panels above a text; returns the figure and the counts of errors in each panel."""
    columns = max(len(row.predictions) for row in rows) + 2
    heights = [row.truth.shape[0] / row.truth.shape[1] for row in rows]
    size = (1.6 * columns, 1.6 * sum(heights) + 0.12 * len(rows) + 0.5)
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False, height_ratios=heights)
    records = []
    for panels, row in zip(axes, rows, strict=True):
        records += draw_row(panels, row, outlines)
        panels[0].set_ylabel(project.datasets[row.dataset].title, fontsize=8)
    for axis, title in zip(axes[0], ("Image", "Ground truth", *(run_title(run) for run, _ in rows[0].predictions)), strict=True):
        axis.set_title(title, fontsize=7)
    caption(figure, project, text)
    return figure, pd.DataFrame(records)


def draw_row(panels: Sequence[Axes], row: Comparison, outlines: bool) -> list[dict[str, Any]]:
    """Draw image, truth and predictions side by side; returns the counts of errors of each prediction."""
    draw_image(panels[0], row.image)
    brightness = DIMMED if outlines else 1
    draw_labels(panels[1], row.truth, brightness=brightness)
    records = []
    for axis, (run, prediction) in zip(panels[2:], row.predictions, strict=True):
        draw_labels(axis, match_ids(prediction, row.truth), brightness=brightness)
        merges, splits = mark_errors(axis, prediction, row.truth, outlines)
        errors = {"over_merge": merges, "over_segmentation": splits}
        records.append({"dataset": row.dataset, "image": row.name, "run": run.name, **errors})
    return records


def student_scores(project: Project, layout: Layout, experiment: str, dataset: str) -> pd.DataFrame:
    """Scores of the undistilled student by image, from which the image to show is chosen."""
    segmenter = project.datasets[dataset].first_segmenter
    return read_scores(layout.scores(undistilled_student(project, experiment, dataset)), segmenter)


def representative_image(scores: pd.DataFrame) -> int:
    """Index of the test image with the median PQ: neither the best case nor the worst."""
    return median_index(scores["pq"].to_numpy())


def median_index(values: np.ndarray) -> int:
    """Index of the (upper) median."""
    return int(values.argsort(kind="stable")[len(values) // 2])
