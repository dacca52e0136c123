"""Scores of runs as cells and rows of tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.table import DOWN, UP, Cell, Column

METRICS = {
    "sbd": ("SBD", 100, 1, UP),
    "dic": ("|DiC|", 1, 2, DOWN),
    "aji": ("AJI", 1, 3, UP),
    "dice": ("Dice (pixels)", 1, 3, UP),
    "f1": ("F1 (objects)", 1, 3, UP),
    "pq": ("PQ", 1, 3, UP),
    "voi": ("VOI", 1, 3, DOWN),
    "arand": ("ARAND", 1, 3, DOWN),
}
"""Titles, factors from scores files to tables, digits and directions of the metrics."""

Printed = Callable[[Mapping[str, Any], Column], float | None]
"""Finds a column's number in what published.yaml has of a run."""


def score_columns(project: Project, experiment: str, segmenters: Mapping[str, str] | None = None) -> list[Column]:
    """A column per data set and metric of an experiment, by the first segmenter or, with their titles, by each of several."""
    columns = []
    for name in project.datasets_of(experiment):
        dataset = project.datasets[name]
        for segmenter in dataset.segmenters if segmenters is not None else [next(iter(dataset.segmenters))]:
            prefix = f"{segmenters.get(segmenter, segmenter)} " if segmenters is not None else ""
            for metric in dataset.metrics:
                title, _, _, direction = METRICS[metric]
                columns.append(Column(dataset.title, f"{prefix}{title} {direction}", metric, name, segmenter))
    return columns


def score_cell(paths: Sequence[Path], metric: str, published: float | None) -> Cell:
    """Mean over seeds of the means over images, in the table's unit; sd (n - 1) where there are several seeds."""
    _, factor, digits, _ = METRICS[metric]
    samples = np.stack([pd.read_csv(path)[metric].to_numpy(float) for path in paths]) * factor
    means = samples.mean(1)
    return Cell(float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else None, published, digits, samples)


def score_rows(
    project: Project, layout: Layout, experiment: str, columns: Sequence[Column], titles: Mapping[str, str], printed: Printed
) -> dict[str, list[Cell | str]]:
    """A row for each run but for its data set and seed, a cell for each column, empty where the experiment has no such run.

    `titles` names the rows by run stem.
    """
    runs = project.runs(experiment)
    rows = {}
    for run in one_of_each(runs):
        cells: list[Cell | str] = []
        for column in columns:
            members = [replace(run, dataset=column.dataset, seed=seed) for seed in project.config.seeds]
            number = printed(project.published[experiment].get(column.dataset, {}).get(run.stem, {}), column)
            paths = [layout.scores(member, column.segmenter) for member in members]
            cells.append(score_cell(paths, column.metric, number) if members[0] in runs else "")
        rows[titles[run.stem]] = cells
    return rows


def one_of_each(runs: Sequence[Run]) -> list[Run]:
    """The runs that differ in more than data set and seed, in order."""
    return list({run.stem: run for run in reversed(runs)}.values())[::-1]


def pairs(runs: Sequence[Run], titles: Mapping[str, str]) -> list[list[str]]:
    """Titles of the rows that compete: the methods for one teacher and one student."""
    groups: dict[tuple[str | None, str], list[str]] = {}
    for run in one_of_each(runs):
        if run.teacher is not None:
            groups.setdefault((run.teacher, run.network), []).append(titles[run.stem])
    return list(groups.values())


def first_seed(project: Project, experiment: str, dataset: str) -> list[Run]:
    """The runs of an experiment on one data set, for the first seed."""
    return [run for run in project.runs(experiment) if run.dataset == dataset and run.seed == project.config.seeds[0]]
