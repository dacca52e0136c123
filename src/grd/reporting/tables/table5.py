"""Table V: the weights of the loss."""

from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import method_title
from grd.reporting.notes import BANK_NOTE, inter_affinity_note
from grd.reporting.runs import one_per_row
from grd.reporting.table import Column, Table
from grd.reporting.tables.ablation import TERMS, Row, ablation, term_weights


def table5(project: Project, layout: Layout) -> Table:
    """Table V: the weights of the loss."""
    runs = one_per_row(project, "table5")
    rows = {run.stem: _weights_row(project, run) for run in runs}
    return ablation(
        project,
        layout,
        "table5",
        "Table V. Weights of GRD's loss terms on CVPPP A1, MobileNet taught by ResUNet: reproduced (published).",
        [Column("Weight", f"λ{number} {title}") for number, title in enumerate(TERMS.values(), 1)],
        rows,
        ["The first row is Table II's T1 & S2 + GRD: the same run.", inter_affinity_note(project, runs[0]), BANK_NOTE],
        "row",
        [[row.title for row in rows.values()]],
    )


def _weights_row(project: Project, run: Run) -> Row:
    symbols = {term: f"λ{number}" for number, term in enumerate(TERMS, 1)}
    changed = ", ".join(f"{symbols.get(name, name)} = {value:g}" for name, value in run.changes)
    return Row(changed or method_title(run.method), [f"{weight:g}" for weight in term_weights(project, run).values()])
