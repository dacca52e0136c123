"""The common form of Tables II and III, and of others like them: a row per method, a column per metric of each data set."""

from collections.abc import Sequence

from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.titles import titles_of
from grd.reporting.notes import baseline_notes, foreground_notes, scale_note, twins_banner
from grd.reporting.runs import one_per_row
from grd.reporting.scores import Printed, pair_contests, score_rows
from grd.reporting.significance import bold_note
from grd.reporting.table import Column, Table


def methods_table(
    project: Project,
    layout: Layout,
    experiment: str,
    caption: str,
    columns: Sequence[Column],
    printed: Printed,
    notes: Sequence[str],
    among: str,
    published_in: str | None = None,
) -> Table:
    """A table of scores, with a row for each network, teacher and method of an experiment.

    `printed` takes a column's number from those that the paper's table, `published_in` if it is another, has of a run. The
    methods of each pair compete; `among` names them in the note on bold.
    """
    runs, titles = one_per_row(project, experiment), titles_of(project, experiment)
    volumes = all(project.dataset(dataset).rank == 3 for dataset in project.datasets_of(experiment))
    training = project.volume_training if volumes else project.scale.training
    seeds = project.row_seeds(experiment)
    return Table(
        caption,
        columns,
        score_rows(project, layout, experiment, columns, titles, printed, published_in=published_in),
        [
            scale_note(project, training, experiment),
            *foreground_notes(project, project.datasets_of(experiment)),
            *notes,
            *baseline_notes(project, runs),
            bold_note(seeds, among),
        ],
        {title: stem for stem, title in titles.items()},
        pair_contests(runs, titles),
        twins_banner(project),
    )
