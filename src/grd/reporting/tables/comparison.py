"""A row for each method, a column for each metric of each data set: for tables that are not the paper's."""

from dataclasses import replace

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.scores import score_columns
from grd.reporting.table import Cell, Table
from grd.reporting.tables.methods import methods_table
from grd.reporting.tables.table2 import EXCHANGED

TABLE2_NOTES = (
    "In parentheses: Table II of the paper, whose networks have their full width and 300,000 iterations.",
    "The paper's columns Dice and F1 look exchanged; here its Dice stands beside the object F1, its F1 beside the pixel Dice.",
)
TEST_NOTE = "Means over the samples that the split file lists under `test`; nothing was chosen on them."


def comparison(project: Project, layout: Layout, name: str) -> Table:
    """The rows that an experiment has, beside printed numbers if there are any: those of Table II (`rows_of`), or its own."""
    shown = project.experiments[name]
    printed = bool(project.published.get(shown.rows_of or name))
    true_names = EXCHANGED if shown.rows_of else {}
    number = f"Table {shown.number}. " if shown.number else ""
    table = methods_table(
        project,
        layout,
        name,
        f"{number}{shown.title}: {'reproduced (published)' if printed else 'scores on the test data'}.",
        score_columns(project, name),
        lambda run, column: run.get(true_names.get(column.metric, column.metric)),
        TABLE2_NOTES if shown.rows_of else () if printed else (TEST_NOTE,),
        "method",
        shown.rows_of,
    )
    return table if printed else replace(table, rows={title: [_alone(cell) for cell in row] for title, row in table.rows.items()})


def _alone(cell: Cell | str) -> Cell | str:
    return replace(cell, alone=True) if isinstance(cell, Cell) else cell
