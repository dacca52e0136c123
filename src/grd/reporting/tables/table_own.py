"""Scores of networks that were trained on a user's own images or volumes."""

from dataclasses import replace

from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.titles import titles_of
from grd.reporting.notes import baseline_notes, scale_note
from grd.reporting.runs import one_per_row
from grd.reporting.scores import pair_contests, score_columns, score_rows
from grd.reporting.significance import bold_note
from grd.reporting.table import Cell, Table


def table_own(project: Project, layout: Layout, name: str) -> Table:
    """The rows of an experiment; nothing is printed that its numbers could stand beside."""
    runs, columns, titles = one_per_row(project, name), score_columns(project, name), titles_of(project, name)
    volumes = project.dataset(project.datasets_of(name)[0]).rank == 3
    training = project.volume_training if volumes else project.scale.training
    rows = score_rows(project, layout, name, columns, titles, lambda run, column: None)
    return Table(
        f"{project.experiments[name].title}: scores on the test data.",
        columns,
        {title: [replace(cell, alone=True) if isinstance(cell, Cell) else cell for cell in own] for title, own in rows.items()},
        [
            scale_note(project, training, name),
            "Means over the samples that the split file lists under `test`; nothing was chosen on them.",
            *baseline_notes(project, runs),
            bold_note(project.row_seeds(name), "method"),
        ],
        {title: stem for stem, title in titles.items()},
        pair_contests(runs, titles),
    )
