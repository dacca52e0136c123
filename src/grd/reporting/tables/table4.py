"""Table IV: loss terms, added one after another."""

from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.notes import BANK_NOTE
from grd.reporting.runs import one_per_row
from grd.reporting.table import Column, Table
from grd.reporting.tables.ablation import TERMS, Row, ablation, term_weights


def table4(project: Project, layout: Layout) -> Table:
    """Table IV: loss terms, added one after another."""
    rows = {run.stem: _terms_row(project, run) for run in one_per_row(project, "table4")}
    return ablation(
        project,
        layout,
        "table4",
        "Table IV. Loss terms of GRD on CVPPP A1, MobileNet taught by ResUNet: reproduced (published).",
        [Column("Loss term", title) for title in TERMS.values()],
        rows,
        ["Rows 1, 4 and 6 are Table II's S2, T1 & S2 + BISKD and T1 & S2 + GRD: the same runs.", BANK_NOTE],
        "row",
        [[row.title for row in rows.values()]],
    )


def _terms_row(project: Project, run: Run) -> Row:
    used = [term for term, weight in term_weights(project, run).items() if weight]
    return Row(f"+ {TERMS[used[-1]]}" if used else "Student alone", ["✓" if term in used else "×" for term in TERMS])
