"""Scores of runs as columns, cells and rows of tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grd.metrics.score_file import read_scores
from grd.metrics.scoring import LOWER_IS_BETTER
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import segmenter_title
from grd.reporting.runs import one_per_row, repeats
from grd.reporting.table import DOWN, UP, Cell, Column


class Metric(NamedTuple):
    """Title of a metric, factor from scores files to tables, digits in tables, and the direction of better."""

    title: str
    factor: float
    digits: int
    direction: str


_SHOWN = {
    "sbd": ("SBD", 100, 1),
    "dic": ("|DiC|", 1, 2),
    "aji": ("AJI", 1, 3),
    "dice": ("Dice (pixels)", 1, 3),
    "f1": ("F1 (objects)", 1, 3),
    "pq": ("PQ", 1, 3),
    "voi": ("VOI", 1, 3),
    "arand": ("ARAND", 1, 3),
}
METRICS = {name: Metric(*shown, DOWN if name in LOWER_IS_BETTER else UP) for name, shown in _SHOWN.items()}


def score_text(metric: str, score: float) -> str:
    """A score, as a scores file has it, in the unit and with the digits of tables."""
    return f"{METRICS[metric].factor * score:.{METRICS[metric].digits}f}"


Printed = Callable[[Mapping[str, Any], Column], float | None]
"""Looks up the number of a column in a run's entry of published.yaml."""


def score_columns(project: Project, experiment: str, by_segmenter: bool = False) -> list[Column]:
    """A column for each data set and metric of an experiment, by the first segmenter, or for each of them."""
    columns = []
    for name in project.datasets_of(experiment):
        dataset = project.datasets[name]
        for segmenter in dataset.segmenters if by_segmenter else [dataset.first_segmenter]:
            prefix = f"{segmenter_title(segmenter)} " if by_segmenter else ""
            for metric in dataset.metrics:
                title, _, _, direction = METRICS[metric]
                columns.append(Column(dataset.title, f"{prefix}{title} {direction}", metric, name, segmenter))
    return columns


def score_cell(paths: Mapping[int, Path], segmenter: str, metric: str, published: float | None) -> Cell:
    """Mean over seeds of the means over images, in the table's unit, from the scores files by seed; sd (n - 1) where there are
    several seeds."""
    _, factor, digits, _ = METRICS[metric]
    samples = {seed: factor * read_scores(path, segmenter)[metric].to_numpy(float) for seed, path in paths.items()}
    means = np.array([scores.mean() for scores in samples.values()])
    return Cell(float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else None, published, digits, samples)


def score_rows(
    project: Project,
    layout: Layout,
    experiment: str,
    columns: Sequence[Column],
    titles: Mapping[str, str],
    printed: Printed,
    published_in: str | None = None,
) -> dict[str, list[Cell | str]]:
    """The rows of an experiment in its order, by their titles in `titles`; a cell is empty where it has no such run.

    Published numbers are those of the same table, or of the one that `published_in` names.
    """
    runs, published = project.runs(experiment), project.published.get(published_in or experiment, {})
    rows = {}
    for run in one_per_row(project, experiment):
        cells: list[Cell | str] = []
        for column in columns:
            number = printed(published.get(column.dataset, {}).get(run.stem, {}), column)
            paths = {one.seed: layout.scores(one) for one in repeats(runs, replace(run, dataset=column.dataset))}
            cells.append(score_cell(paths, column.segmenter, column.metric, number) if paths else "")
        rows[titles[run.stem]] = cells
    return rows


def pair_contests(rows: Sequence[Run], titles: Mapping[str, str]) -> list[list[str]]:
    """Titles of the rows, given a run of each, that compete: the methods for one teacher and one student."""
    groups: dict[tuple[str | None, str], list[str]] = {}
    for run in rows:
        if run.teacher is not None:
            groups.setdefault((run.teacher, run.network), []).append(titles[run.stem])
    return list(groups.values())
