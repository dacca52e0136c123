"""Figures 2, 3 and 5: segmentations with their errors marked, and embeddings as colours."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grd.config.parsing import Extent
from grd.data.store import read_labels, read_split
from grd.errors import GrdError
from grd.inference.predict import ImagePredictor, load_predictor
from grd.metrics.errors import merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.figures.figure4 import figure4
from grd.reporting.figures.figure6 import figure6
from grd.reporting.figures.panels import (
    bare,
    caption,
    draw_image,
    draw_labels,
    mark_errors,
    predictions,
    renamed,
    undistilled_student,
)
from grd.reporting.titles import first_seed, run_title
from grd.system.gpu_turns import claimed_device

WINDOW = 512
"""Pixels of a section's side that Figure 3 can show; of larger ones it shows the middle."""

DIMMED = 0.62
"""Light of instances that have outlines drawn over them."""


@dataclass(frozen=True)
class Comparison:
    """A row of Figure 2 or 3: an image (H, W[, 3]), its truth (H, W), and each run's prediction (H, W) of it."""

    dataset: str
    name: str
    image: np.ndarray
    truth: np.ndarray
    predictions: Sequence[tuple[Run, np.ndarray]]


def figure2(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """Image, truth, teacher, student and every method, a row per data set, with their errors marked; and the error counts."""
    rows = [compared_image(project, layout, dataset) for dataset in project.datasets_of("figure2")]
    shown = "The test image of median PQ of the undistilled student"
    return draw_comparisons(project, rows, f"{shown}. {ERRORS}")


def figure3(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """As Figure 2, of one section of each test volume, segmented in 3D; errors outlined."""
    rows = [compared_section(project, layout, dataset) for dataset in project.datasets_of("figure3")]
    shown = (
        "The section of the test volume in which the undistilled student makes the median number of errors (its middle, at "
        f"most {WINDOW} x {WINDOW} pixels), cut out of the segmentation in 3D; errors are those that show in the section"
    )
    return draw_comparisons(project, rows, f"{shown}. {ERRORS}", outlines=True)


ERRORS = (
    "A segment has the colour of the instance that it matches best. Red: over-merge, a segment that holds a quarter or more of "
    "each of two instances. White: over-segmentation, an instance of which two segments hold a quarter or more each"
)


def draw_comparisons(
    project: Project, rows: Sequence[Comparison], text: str, outlines: bool = False
) -> tuple[Figure, pd.DataFrame]:
    """Rows of panels above a text, and the errors counted in each panel."""
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
    """Image, truth and predictions side by side; the errors of each prediction."""
    draw_image(panels[0], row.image)
    light = DIMMED if outlines else 1
    draw_labels(panels[1], row.truth, light=light)
    records = []
    for axis, (run, prediction) in zip(panels[2:], row.predictions, strict=True):
        draw_labels(axis, renamed(prediction, row.truth), light=light)
        merges, splits = mark_errors(axis, prediction, row.truth, outlines)
        errors = {"over_merge": merges, "over_segmentation": splits}
        records.append({"dataset": row.dataset, "image": row.name, "run": run.name, **errors})
    return records


def compared_image(project: Project, layout: Layout, dataset: str) -> Comparison:
    """The test image of a data set that the figure shows, and what each run makes of it."""
    shown = representative_image(student_scores(project, layout, "figure2", dataset))
    split = read_split(layout.samples(dataset), "test")
    predicted = [(run, labels[shown].copy()) for run, labels in predictions(project, layout, "figure2", dataset)]
    return Comparison(dataset, split.names[shown], split.images[shown], split.labels[shown], predicted)


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


def student_scores(project: Project, layout: Layout, experiment: str, dataset: str) -> Path:
    """Scores of the undistilled student, by which the shown image is chosen."""
    segmenter = next(iter(project.datasets[dataset].segmenters))
    return layout.scores(undistilled_student(project, experiment, dataset), segmenter)


def representative_image(scores: Path) -> int:
    """The test image of median PQ of a scores file: neither the best case nor the worst."""
    return _median(pd.read_csv(scores)["pq"].to_numpy())


def representative_section(prediction: np.ndarray, truth: np.ndarray) -> int:
    """The section with the median number of errors in volumes (Z, Y, X) of labels."""
    tables = [overlap_table(*sections) for sections in zip(prediction, truth, strict=True)]
    return _median(np.array([len(merging_segments(table)) + len(split_instances(table)) for table in tables]))


def _median(values: np.ndarray) -> int:
    """Where the (upper) median is."""
    return int(values.argsort(kind="stable")[len(values) // 2])


def figure5(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """Embeddings of one CVPPP test image by every network of the pair, as colours; and the variance that three axes hold."""
    (dataset,) = project.experiments["figure5"].datasets
    runs = first_seed(project, "figure5", dataset)
    shown = representative_image(student_scores(project, layout, "figure5", dataset))
    split = read_split(layout.samples(dataset), "test")
    image, labels = split.images[shown], split.labels[shown]
    figure, axes = plt.subplots(1, len(runs) + 1, figsize=(1.6 * (len(runs) + 1), 2.1))
    draw_image(axes[0], image, "Image")
    records = []
    with claimed_device("figure5", project.config.device, jobs_per_gpu=project.config.jobs_per_gpu) as device:
        for axis, run in zip(axes[1:], runs, strict=True):
            colours, held = embedding_colours(layout.model(run), image, labels > 0, project.datasets[dataset].canvas, device)
            axis.imshow(colours)
            bare(axis, run_title(run))
            records.append({"image": split.names[shown], "run": run.name, "variance_in_three_axes": held})
    caption(figure, project, "First three principal components of the foreground's embeddings as red, green, blue")
    return figure, pd.DataFrame(records)


def embedding_colours(
    model: Path, image: np.ndarray, foreground: np.ndarray, canvas: Extent, device: torch.device
) -> tuple[np.ndarray, float]:
    """Unit embeddings by their first three principal axes, scaled to [0, 1]: (H, W, 3), background black; variance held.

    The axes are those of the foreground's pixels: the background would take the first for itself.
    """
    predictor = load_predictor(model, device, canvas)
    if not isinstance(predictor, ImagePredictor):
        raise GrdError(f"{model}: expected a network of images, found one of volumes; name a 2D data set in the figure")
    embedding = predictor.embedding(image).cpu().numpy()
    vectors = embedding[:, foreground].T
    centred = vectors - vectors.mean(0)
    _, strengths, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:3] * np.sign(axes[:3].sum(1, keepdims=True))  # svd leaves the signs open
    projected = centred @ axes.T
    low, high = np.percentile(projected, [2, 98], axis=0)
    colours = np.zeros((*image.shape[:2], 3))
    colours[foreground] = np.clip((projected - low) / np.maximum(high - low, 1e-6), 0, 1)
    return colours, float((strengths[:3] ** 2).sum() / max((strengths**2).sum(), 1e-12))


FIGURES: dict[str, Callable[[Project, Layout], tuple[Figure, pd.DataFrame]]] = {
    "figure2": figure2,
    "figure3": figure3,
    "figure4": figure4,
    "figure5": figure5,
    "figure6": figure6,
}
"""The figures by the names of their experiments."""
