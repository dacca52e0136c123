"""Figure 2: segmentations of images by every method."""

import pandas as pd
from matplotlib.figure import Figure

from grd.data.store import read_split
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.figures.comparisons import ERRORS, Comparison, draw_comparisons, representative_image, student_scores
from grd.reporting.figures.panels import predictions
from grd.reporting.notes import foreground_notes

SHOWN = (
    "Of each data set the test image on which the undistilled student has its median PQ; below each segmentation the seed of its "
    "training and the PQ of this image, which counts every error"
)


def figure2(project: Project, layout: Layout, experiment: str = "figure2") -> tuple[Figure, pd.DataFrame]:
    """Image, truth, teacher, student and every method, a row per data set, with errors marked; and the error counts."""
    datasets = project.datasets_of(experiment)
    rows = [compared_image(project, layout, experiment, dataset) for dataset in datasets]
    return draw_comparisons(project, rows, " ".join([f"{SHOWN}.", *foreground_notes(project, datasets), ERRORS]))


def compared_image(project: Project, layout: Layout, experiment: str, dataset: str) -> Comparison:
    """The row of a data set: its representative test image, and each run's segmentation of it."""
    shown = representative_image(student_scores(project, layout, experiment, dataset))
    split = read_split(layout.samples(dataset), "test")
    predicted = [(run, labels[shown].copy()) for run, labels in predictions(project, layout, experiment, dataset)]
    return Comparison(dataset, split.names[shown], split.images[shown], split.labels[shown], predicted, score="pq")
