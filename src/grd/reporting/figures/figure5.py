"""Figure 5: embeddings as colours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grd.data.store import read_split
from grd.errors import GrdError
from grd.inference.predict import ImagePredictor, load_predictor
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.titles import run_title
from grd.reporting.figures.colours import comparable_colours
from grd.reporting.figures.comparisons import representative_image, student_scores
from grd.reporting.figures.panels import caption, draw_image, draw_labels, label_panel

CAPTION = (
    "Of each data set the test image on which the undistilled student has its median PQ, its instances, and as red, green and "
    "blue the first three principal components of each network's embeddings in the true foreground, with their share of the "
    "variance. Each panel has components of its own: compare colours within a panel alone"
)


def figure5(project: Project, layout: Layout, device: torch.device, experiment: str = "figure5") -> tuple[Figure, pd.DataFrame]:
    """Embeddings of a test image by every network, as colours, a row per data set; and the share of variance along the three
    axes shown."""
    datasets = project.datasets_of(experiment)
    columns = 2 + max(len(project.first_seed_runs(experiment, dataset)) for dataset in datasets)
    heights = [canvas[0] / canvas[1] for canvas in (project.datasets[dataset].canvas for dataset in datasets)]
    size = (1.6 * columns, 1.6 * sum(heights) + 0.35 * len(heights) + 0.5)
    figure, axes = plt.subplots(len(datasets), columns, figsize=size, squeeze=False, height_ratios=heights)
    records = []
    for panels, dataset in zip(axes, datasets, strict=True):
        records += draw_row(panels, project, layout, experiment, dataset, device)
    caption(figure, project, CAPTION)
    return figure, pd.DataFrame(records)


def draw_row(
    axes: Sequence[Axes], project: Project, layout: Layout, experiment: str, dataset: str, device: torch.device
) -> list[dict[str, Any]]:
    """Draw image, truth and each run's embeddings side by side; returns image, run and share of variance of each panel."""
    shown = representative_image(student_scores(project, layout, experiment, dataset))
    split = read_split(layout.samples(dataset), "test")
    image, labels = split.images[shown], split.labels[shown]
    draw_image(axes[0], image, "Image")
    axes[0].set_ylabel(project.datasets[dataset].title, fontsize=8)
    draw_labels(axes[1], labels, comparable_colours(labels, [])[0], "Ground truth")
    records = []
    runs = project.first_seed_runs(experiment, dataset)
    for axis in axes[2 + len(runs) :]:
        axis.remove()
    for axis, run in zip(axes[2:], runs, strict=False):
        colours, share = embedding_colours(layout.model(run), image, labels > 0, device)
        axis.imshow(colours)
        label_panel(axis, run_title(run))
        axis.set_xlabel(f"seed {run.seed}: {100 * share:.0f} % of the variance", fontsize=6, labelpad=2)
        records.append({"image": split.names[shown], "run": run.name, "variance_in_three_axes": share})
    return records


def embedding_colours(model: Path, image: np.ndarray, foreground: np.ndarray, device: torch.device) -> tuple[np.ndarray, float]:
    """Colours (H, W, 3) in [0, 1] from the first three principal axes of the embeddings, and the axes' share of the variance.

    The axes are those of the foreground, since the background would take the first for itself; the background is black.
    """
    predictor = load_predictor(model, device)
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
