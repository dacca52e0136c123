"""Segmentations side by side, their errors marked: Figures 2 and 3."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grd.config.catalogue import NETWORKS
from grd.metrics.score_file import read_scores
from grd.metrics.scoring import SCORES
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import run_title
from grd.reporting.figures.colours import comparable_colours
from grd.reporting.figures.panels import caption, draw_image, draw_labels, mark_errors, match_ids, undistilled_student
from grd.reporting.scores import METRICS, score_text

DIMMED = 0.72
"""Brightness of instances under outlines."""


@dataclass(frozen=True)
class Comparison:
    """A row of Figure 2 or 3: an image (H, W[, 3]), its truth (H, W), and each run's prediction (H, W) of it.

    `score` is the metric of this image, or section, that stands below each prediction.
    """

    dataset: str
    name: str
    image: np.ndarray
    truth: np.ndarray
    predictions: Sequence[tuple[Run, np.ndarray]]
    score: str


ERRORS = (
    "A segment that matches an instance has its colour; neighbours have different colours. Red: over-merge, a segment that holds "
    "at least a quarter of each of two instances. White: over-segmentation, an instance of which two segments hold at least a "
    "quarter each. Only these two are marked: instances that are missed and segments of background are not"
)


def draw_comparisons(
    project: Project, rows: Sequence[Comparison], text: str, outlines: bool = False
) -> tuple[Figure, pd.DataFrame]:
    """Draw rows of panels above a text; returns the figure and the counts of errors in each panel."""
    columns = max(len(row.predictions) for row in rows) + 2
    heights = [row.truth.shape[0] / row.truth.shape[1] for row in rows]
    size = (1.6 * columns, 1.6 * sum(heights) + 0.25 * len(rows) + 0.6)
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False, height_ratios=heights)
    records = []
    above: list[str] = []
    for panels, row in zip(axes, rows, strict=True):
        used = len(row.predictions) + 2
        records += draw_row(panels[:used], row, outlines)
        panels[0].set_ylabel(project.datasets[row.dataset].title, fontsize=8)
        for axis in panels[used:]:
            axis.remove()
        titles = ["Image", "Ground truth", *(run_title(run) for run, _ in row.predictions)]
        for axis, title in zip(panels, titles if titles != above else (), strict=False):
            axis.set_title(title, fontsize=7)
        above = titles
    caption(figure, project, text)
    return figure, pd.DataFrame(records)


def draw_row(panels: Sequence[Axes], row: Comparison, outlines: bool) -> list[dict[str, Any]]:
    """Draw image, truth and predictions side by side; returns the counts of errors and the score of each prediction."""
    draw_image(panels[0], row.image)
    names = [match_ids(prediction, row.truth) for _, prediction in row.predictions]
    of_truth, *of_predictions = comparable_colours(row.truth, names)
    brightness = DIMMED if outlines else 1
    draw_labels(panels[1], row.truth, of_truth, brightness=brightness)
    records = []
    for axis, labels, colours, (run, prediction) in zip(panels[2:], names, of_predictions, row.predictions, strict=True):
        draw_labels(axis, labels, colours, brightness=brightness)
        merges, splits = mark_errors(axis, prediction, row.truth, outlines)
        score = score_below(axis, row, run, prediction)
        errors = {"over_merge": merges, "over_segmentation": splits, row.score: score}
        records.append({"dataset": row.dataset, "image": row.name, "run": run.name, **errors})
    return records


def score_below(axis: Axes, row: Comparison, run: Run, prediction: np.ndarray) -> float:
    """Write the training's seed and the score of a prediction below its panel; returns the score."""
    score = SCORES[NETWORKS[run.network].rank](prediction, row.truth)[row.score]
    axis.set_xlabel(f"seed {run.seed}: {METRICS[row.score].title} {score_text(row.score, score)}", fontsize=6, labelpad=2)
    return score


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
