"""Figures 2 and 5: segmentations with their errors marked, and embeddings as colours."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import ndimage
from skimage.color import label2rgb
from skimage.segmentation import find_boundaries

from grd.config import Extent
from grd.data.store import read_labels, read_split, whole, write_text
from grd.errors import GrdError
from grd.inference.predict import ImagePredictor, load_predictor
from grd.layout import Layout
from grd.metrics.errors import merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.networks import NETWORKS
from grd.reporting.tables import METHOD_TITLES
from grd.runs import Project, Run

OVER_MERGE, OVER_SEGMENTATION = "red", "white"


def representative_image(scores: Path) -> int:
    """The test image of median PQ of a scores file: neither the best case nor the worst."""
    order = pd.read_csv(scores)["pq"].to_numpy().argsort(kind="stable")
    return int(order[len(order) // 2])


def run_title(run: Run) -> str:
    """Column title of a run."""
    if run.teacher is None:
        return NETWORKS[run.network].title
    return f"+ {METHOD_TITLES.get(run.method, run.method.upper())}"


def first_seed(project: Project, experiment: str, dataset: str) -> list[Run]:
    """The runs of an experiment on one data set, for the first seed."""
    return [run for run in project.runs(experiment) if run.dataset == dataset and run.seed == project.config.seeds[0]]


def student_scores(project: Project, layout: Layout, experiment: str, dataset: str) -> Path:
    """Scores of the undistilled student, by which the shown image is chosen."""
    runs = first_seed(project, experiment, dataset)
    student = next(run for run in runs if run.teacher is not None).network
    return layout.scores(Run(dataset, student, seed=project.config.seeds[0]), next(iter(project.datasets[dataset].segmenters)))


def figure2(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """Image, truth, teacher, student and every method, a row per data set, with their errors marked; and the error counts."""
    datasets = project.experiments["figure2"].datasets
    columns = len(first_seed(project, "figure2", datasets[0])) + 2
    figure, axes = plt.subplots(len(datasets), columns, figsize=(1.6 * columns, 1.7 * len(datasets)), squeeze=False)
    records = []
    for row, dataset in zip(axes, datasets, strict=True):
        shown = representative_image(student_scores(project, layout, "figure2", dataset))
        split = read_split(layout.samples(dataset), "test")
        truth = split.labels[shown]
        draw_image(row[0], split.images[shown], "Image")
        draw_labels(row[1], truth, "Ground truth")
        for axis, run in zip(row[2:], first_seed(project, "figure2", dataset), strict=True):
            segmenter = next(iter(project.datasets[dataset].segmenters))
            prediction = read_labels(layout.labels(run, segmenter))[1][shown]
            draw_labels(axis, prediction, run_title(run))
            merges, splits = mark_errors(axis, prediction, truth)
            records.append(
                {
                    "dataset": dataset,
                    "image": split.names[shown],
                    "run": run.name,
                    "over_merge": merges,
                    "over_segmentation": splits,
                }
            )
        row[0].set_ylabel(project.datasets[dataset].title, fontsize=8)
    _caption(figure, project, "red: over-merge; white: over-segmentation")
    return figure, pd.DataFrame(records)


def draw_image(axis: Axes, image: np.ndarray, title: str) -> None:
    """An image (H, W) or (H, W, 3) uint8."""
    axis.imshow(image, cmap="gray")
    _bare(axis, title)


def draw_labels(axis: Axes, labels: np.ndarray, title: str) -> None:
    """Instances (H, W) in colours that do not depend on their order, thin dark borders between them."""
    colours = plt.get_cmap("hsv")(np.arange(16) / 16)[:, :3]
    picture = label2rgb(labels * 7 % 16 + 16 * (labels > 0), colors=colours[[i * 7 % 16 for i in range(16)]], bg_label=0)
    picture[find_boundaries(labels, mode="inner")] *= 0.45
    axis.imshow(picture)
    _bare(axis, title)


def mark_errors(axis: Axes, prediction: np.ndarray, truth: np.ndarray) -> tuple[int, int]:
    """Box merged and split instances; returns how many of each."""
    table = overlap_table(prediction, truth)
    merges, splits = merging_segments(table), split_instances(table)
    for labels, ids, colour in ((prediction, merges, OVER_MERGE), (truth, splits, OVER_SEGMENTATION)):
        boxes = ndimage.find_objects(labels)
        for rows, columns in (boxes[number - 1] for number in ids):
            corner = (columns.start - 0.5, rows.start - 0.5)
            size = (columns.stop - columns.start, rows.stop - rows.start)
            axis.add_patch(Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=0.9))
    return len(merges), len(splits)


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
        _bare(axis, run_title(run))
        records.append({"image": split.names[shown], "run": run.name, "variance_in_three_axes": held})
    _caption(figure, project, "first three principal components of the foreground's embeddings as red, green, blue")
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


def _bare(axis: Axes, title: str) -> None:
    axis.set_title(title, fontsize=7)
    axis.set_xticks([])
    axis.set_yticks([])


def _caption(figure: Figure, project: Project, text: str) -> None:
    figure.tight_layout(pad=0.4, rect=(0, 0.06, 1, 0.97))
    figure.text(0.005, 0.012, f"{text} · scale {project.config.scale} ({project.scale.title})", fontsize=6)


def write_figure(figure: Figure, data: pd.DataFrame, pdf: Path, png: Path, csv: Path) -> None:
    """Write the picture as pdf and png, and what it shows as csv."""
    for path, options in ((pdf, {"metadata": {"CreationDate": None}}), (png, {"dpi": 200})):
        with whole(path) as part:
            figure.savefig(part, format=path.suffix[1:], **options)
    write_text(csv, data.to_csv(index=False))
    plt.close(figure)
