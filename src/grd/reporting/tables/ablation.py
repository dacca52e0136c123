"""The common form of Tables IV to VI: settings of a run, then its scores on one data set."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grd.distillation import weights_and_options
from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.notes import foreground_notes, scale_note, twins_banner
from grd.reporting.scores import score_columns, score_rows
from grd.reporting.significance import bold_note
from grd.reporting.table import Cell, Column, Table

TERMS = {
    "node": "Node",
    "edge": "Edge",
    "affinity_graph": "AGD",
    "inter_edge": "Edge, inter",
    "inter_affinity": "AGD, inter",
}
"""Titles of the terms of Eq. 8, in the order of their weights λ1 … λ5, by the names of the methods' terms."""


@dataclass(frozen=True)
class Row:
    """Title and settings of a run; its scores follow."""

    title: str
    settings: Sequence[Cell | str]


def ablation(
    project: Project,
    layout: Layout,
    experiment: str,
    caption: str,
    heads: Sequence[Column],
    rows: Mapping[str, Row],
    notes: Sequence[str],
    among: str,
    contests: Sequence[Sequence[str]],
) -> Table:
    """A table of settings and scores, with a row for each run stem of `rows`.

    `heads` are the columns of the settings. The rows of each of `contests` compete; `among` names such rows in the note on bold.
    """
    columns, titles = score_columns(project, experiment), {stem: row.title for stem, row in rows.items()}
    if twice := [title for title, count in Counter(titles.values()).items() if count > 1]:
        raise GrdError(f"config/experiments.yaml, {experiment}: expected rows that differ, found several '{twice[0]}'; drop one")
    scores = score_rows(project, layout, experiment, columns, titles, lambda run, column: run.get(column.metric))
    return Table(
        caption,
        [*heads, *columns],
        {row.title: [*row.settings, *scores[row.title]] for row in rows.values()},
        [
            scale_note(project, project.scale.training, experiment),
            *foreground_notes(project, project.datasets_of(experiment)),
            *notes,
            bold_note(project.row_seeds(experiment), among),
        ],
        {title: stem for stem, title in titles.items()},
        contests,
        twins_banner(project),
    )


def term_weights(project: Project, run: Run) -> dict[str, float]:
    """λ1 … λ5 of a run, by term; 0 for terms that its method lacks."""
    weights = weights_and_options(project.settings(run))[0] if run.teacher else {}
    return {term: weights.get(term, 0.0) for term in TERMS}
