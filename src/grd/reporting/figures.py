"""Figures 2, 3 and 5: segmentations with their errors marked, and embeddings as colours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grd.config import Extent
from grd.data.store import read_labels, read_split
from grd.errors import GrdError
from grd.inference.predict import ImagePredictor, load_predictor
from grd.layout import Layout
from grd.metrics.errors import merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.reporting.panels import bare, caption, draw_image, draw_labels, mark_errors, predictions, renamed, undistilled_student
from grd.reporting.titles import first_seed, run_title
from grd.runs import Project, Run

WINDOW = 512
"""Pixels of a section's side that Figure 3 can show; of larger ones it shows the middle."""


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
    return draw_comparisons(project, rows, f"the test image of median PQ of the undistilled student · {ERRORS}")


def figure3(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """As Figure 2, of one section of each test volume, segmented in 3D."""
    rows = [compared_section(project, layout, dataset) for dataset in project.datasets_of("figure3")]
    shown = f"one section of the test volume (at most its middle {WINDOW} x {WINDOW} pixels), that of the median number of errors"
    return draw_comparisons(project, rows, f"{shown} of the undistilled student; {ERRORS}", "Section")


ERRORS = (
    "red: over-merge, a segment with a quarter or more of two instances; white: over-segmentation, an instance of which two "
    "segments have a quarter or more"
)


def draw_comparisons(project: Project, rows: Sequence[Comparison], text: str, kind: str = "Image") -> tuple[Figure, pd.DataFrame]:
    """Rows of panels, and the errors counted in each."""
    columns = max(len(row.predictions) for row in rows) + 2
    heights = [row.truth.shape[0] / row.truth.shape[1] for row in rows]
    figure, axes = plt.subplots(
        len(rows),
        columns,
        figsize=(1.6 * columns, sum(1.55 * height + 0.25 for height in heights) + 0.3),
        squeeze=False,
        height_ratios=heights,
    )
    records = [record for panels, row in zip(axes, rows, strict=True) for record in draw_row(panels, row, kind)]
    for panels, row in zip(axes, rows, strict=True):
        panels[0].set_ylabel(project.datasets[row.dataset].title, fontsize=8)
    caption(figure, project, "a segment has the colour of the instance that it is the best match of", text)
    return figure, pd.DataFrame(records)


def draw_row(panels: Sequence[Axes], row: Comparison, kind: str) -> list[dict[str, Any]]:
    """Image, truth and predictions side by side; the errors of each prediction."""
    draw_image(panels[0], row.image, kind)
    draw_labels(panels[1], row.truth, "Ground truth")
    records = []
    for axis, (run, prediction) in zip(panels[2:], row.predictions, strict=False):
        draw_labels(axis, renamed(prediction, row.truth), run_title(run))
        merges, splits = mark_errors(axis, prediction, row.truth)
        errors = {"over_merge": merges, "over_segmentation": splits}
        records.append({"dataset": row.dataset, "image": row.name, "run": run.name, **errors})
    return records


def compared_image(project: Project, layout: Layout, dataset: str) -> Comparison:
    """The test image of a data set that the figure shows, and what each run makes of it."""
    shown = representative_image(student_scores(project, layout, "figure2", dataset))
    split = read_split(layout.samples(dataset), "test")
    predicted = [(run, labels[shown]) for run, labels in predictions(project, layout, "figure2", dataset)]
    return Comparison(dataset, split.names[shown], split.images[shown], split.labels[shown], predicted)


def compared_section(project: Project, layout: Layout, dataset: str) -> Comparison:
    """The section of a data set's first test volume that Figure 3 shows, and what each run makes of it."""
    split = read_split(layout.samples(dataset), "test")
    window = middle(split.labels.shape[2:])
    truth = split.labels[0][:, *window]
    student = undistilled_student(project, "figure3", dataset)
    segmenter = next(iter(project.datasets[dataset].segmenters))
    shown = representative_section(read_labels(layout.labels(student, segmenter))[1][0][:, *window], truth)
    predicted = [(run, labels[0, shown][window]) for run, labels in predictions(project, layout, "figure3", dataset)]
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


def figure5(project: Project, layout: Layout, device: torch.device) -> tuple[Figure, pd.DataFrame]:
    """Embeddings of one CVPPP test image by every network of the pair, as colours; and the variance that three axes hold."""
    (dataset,) = project.experiments["figure5"].datasets
    runs = first_seed(project, "figure5", dataset)
    shown = representative_image(student_scores(project, layout, "figure5", dataset))
    split = read_split(layout.samples(dataset), "test")
    image, labels = split.images[shown], split.labels[shown]
    figure, axes = plt.subplots(1, len(runs) + 1, figsize=(1.6 * (len(runs) + 1), 2.1))
    draw_image(axes[0], image, "Image")
    records = []
    for axis, run in zip(axes[1:], runs, strict=True):
        colours, held = embedding_colours(layout.model(run), image, labels > 0, project.datasets[dataset].canvas, device)
        axis.imshow(colours)
        bare(axis, run_title(run))
        records.append({"image": split.names[shown], "run": run.name, "variance_in_three_axes": held})
    caption(figure, project, "first three principal components of the foreground's embeddings as red, green, blue")
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
