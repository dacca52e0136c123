"""A row for each method, a column for each metric of each data set: for tables that are not the paper's."""

from dataclasses import replace

from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.titles import titles_of
from grd.reporting.notes import baseline_notes, scale_note, twins_banner
from grd.reporting.runs import one_per_row
from grd.reporting.scores import pair_contests, score_columns, score_rows
from grd.reporting.significance import bold_note
from grd.reporting.table import Cell, Table
from grd.reporting.tables.table2 import EXCHANGED

TABLE2_NOTES = (
    "In parentheses: Table II of the paper, whose networks have their full width and 300,000 iterations.",
    "The paper's columns Dice and F1 look exchanged; here its Dice stands beside the object F1, its F1 beside the pixel Dice.",
)
TEST_NOTE = "Means over the samples that the split file lists under `test`; nothing was chosen on them."


def comparison(project: Project, layout: Layout, name: str) -> Table:
    """The rows that an experiment has, beside printed numbers if there are any: those of Table II (`rows_of`), or its own."""
    runs, columns, titles = one_per_row(project, name), score_columns(project, name), titles_of(project, name)
    shown = project.experiments[name]
    true_names = EXCHANGED if shown.rows_of else {}
    rows = score_rows(
        project,
        layout,
        name,
        columns,
        titles,
        lambda run, column: run.get(true_names.get(column.metric, column.metric)),
        published_in=shown.rows_of,
    )
    printed = bool(project.published.get(shown.rows_of or name))
    if not printed:
        rows = {
            title: [replace(cell, alone=True) if isinstance(cell, Cell) else cell for cell in row] for title, row in rows.items()
        }
    volumes = all(project.dataset(dataset).rank == 3 for dataset in project.datasets_of(name))
    notes = [scale_note(project, project.volume_training if volumes else project.scale.training, name)]
    if shown.rows_of:
        notes += TABLE2_NOTES
    elif not printed:
        notes.append(TEST_NOTE)
    number = f"Table {shown.number}. " if shown.number else ""
    what = "reproduced (published)" if printed else "scores on the test data"
    return Table(
        f"{number}{shown.title}: {what}.",
        columns,
        rows,
        [*notes, *baseline_notes(project, runs), bold_note(project.row_seeds(name), "method")],
        {title: stem for stem, title in titles.items()},
        pair_contests(runs, titles),
        twins_banner(project),
    )
