"""Rows of methods and data sets of one's choice, also some of Table II after shorter trainings on real images."""

from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.titles import titles_of
from grd.reporting.notes import baseline_notes, scale_note, twins_banner
from grd.reporting.runs import one_per_row
from grd.reporting.scores import pair_contests, score_columns, score_rows
from grd.reporting.significance import bold_note
from grd.reporting.table import Table
from grd.reporting.tables.table2 import EXCHANGED

TABLE2_NOTES = (
    "In parentheses: Table II of the paper, whose networks have their full width and 300,000 iterations.",
    "The paper's columns Dice and F1 look exchanged; here its Dice stands beside the object F1, its F1 beside the pixel Dice.",
)


def real_images(project: Project, layout: Layout, name: str) -> Table:
    """The rows that an experiment has, beside their printed numbers; cells of one seed and of several may stand together."""
    runs, columns, titles = one_per_row(project, name), score_columns(project, name), titles_of(project, name)
    source = project.experiments[name].rows_of
    true_names = EXCHANGED if source else {}
    rows = score_rows(
        project,
        layout,
        name,
        columns,
        titles,
        lambda run, column: run.get(true_names.get(column.metric, column.metric)),
        published_in=source,
    )
    notes = [scale_note(project, project.scale.training, name), *(TABLE2_NOTES if source else ())]
    notes += [*baseline_notes(project, runs), bold_note(project.row_seeds(name), "method")]
    stems = {title: stem for stem, title in titles.items()}
    caption = f"{project.experiments[name].title}: reproduced (published)."
    return Table(caption, columns, rows, notes, stems, pair_contests(runs, titles), twins_banner(project))
