"""The trial: a teacher, a student alone, and the student taught by BISKD and by GRD, after a short training on real images."""

from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.titles import titles_of
from grd.reporting.notes import scale_note, twins_banner
from grd.reporting.scores import pair_contests, score_columns, score_rows
from grd.reporting.significance import bold_note
from grd.reporting.table import Table
from grd.reporting.tables.table2 import EXCHANGED

NOTES = (
    "In parentheses: Table II of the paper, whose networks have their full width and 300,000 iterations.",
    "The paper's columns Dice and F1 look exchanged; here its Dice stands beside the object F1, its F1 beside the pixel Dice.",
)


def table_trial(project: Project, layout: Layout) -> Table:
    """Four rows of Table II after a short training, beside the paper's."""
    runs, columns, titles = project.runs("table_trial"), score_columns(project, "table_trial"), titles_of(project, "table_trial")
    return Table(
        "A short training on real images: reproduced (published).",
        columns,
        score_rows(
            project,
            layout,
            "table_trial",
            columns,
            titles,
            lambda run, column: run.get(EXCHANGED.get(column.metric, column.metric)),
            published_in="table2",
        ),
        [scale_note(project, project.scale.training), *NOTES, bold_note(project.config.seeds, "method")],
        {title: stem for stem, title in titles.items()},
        pair_contests(runs, titles),
        twins_banner(project),
    )
