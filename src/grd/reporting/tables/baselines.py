"""Weights of the baselines AT, SPKD and ReKD, compared on validation images: a table from which weights are taken."""

from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean, stdev

import torch

from grd.distillation import weights_and_options
from grd.errors import GrdError
from grd.metrics.scoring import merit
from grd.networks.model_file import load_model
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import method_title
from grd.reporting.notes import scale_note, twins_banner
from grd.reporting.runs import one_per_row, repeats
from grd.reporting.scores import METRICS, score_columns
from grd.reporting.table import Cell, Column, Table

NOTES = (
    "Scores on validation images, by which weights may be chosen; test images are not read.",
    "Best: the weight with the best first metric of its method. To use it, set `weights` in the scale's file, e.g. "
    "`training: {weights: {attention: 0.1}}`.",
)


def baselines(project: Project, layout: Layout) -> Table:
    """Validation scores of every weight of every baseline."""
    by_title = {_title(project, run): run for run in reversed(one_per_row(project, "baselines"))}  # of equal weights the first
    runs, columns = list(by_title.values())[::-1], score_columns(project, "baselines")
    cells = {run: [_cell(project, layout, run, column) for column in columns] for run in runs}
    best = {_best([run for run in runs if run.method == method], cells, columns[0]) for method in {r.method for r in runs}}
    rows = {_title(project, run): ["best" if run in best else "", *own] for run, own in cells.items()}
    return Table(
        "Weights of AT, SPKD and ReKD, on validation images.",
        [Column("", "Best"), *columns],
        rows,
        [scale_note(project, project.scale.training, "baselines"), *NOTES],
        {_title(project, run): run.stem for run in runs},
        banner=twins_banner(project),
    )


def _title(project: Project, run: Run) -> str:
    """`AT, attention 0.1`."""
    weights, _ = weights_and_options(project.settings(run))
    return f"{method_title(run.method)}, {', '.join(f'{name} {weight:g}' for name, weight in weights.items())}"


def _best(runs: list[Run], cells: Mapping[Run, list[Cell]], column: Column) -> Run:
    return max(runs, key=lambda run: merit(column.metric, cells[run][0].mean or 0))


def _cell(project: Project, layout: Layout, run: Run, column: Column) -> Cell:
    """Mean over seeds of the mean over validation images, read from the models' cards."""
    metric = METRICS[column.metric]
    found = []
    for path in map(layout.model, repeats(project.runs("baselines"), replace(run, dataset=column.dataset))):
        scores = load_model(path, torch.device("cpu"))[1].required_use(path).scores.get(column.segmenter, {})
        if column.metric not in scores:
            raise GrdError(f"{path}: expected a {column.metric} on validation data, found none; name a data set of images")
        found.append(metric.factor * scores[column.metric])
    return Cell(fmean(found), stdev(found) if len(found) > 1 else None, None, metric.digits)
