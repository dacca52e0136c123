"""Tables IV to VI: what each loss term, each weight and the student's width contribute."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grd.config.catalogue import NETWORKS
from grd.distillation import weights_and_options
from grd.errors import GrdError
from grd.networks.complexity import named_complexity
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.scores import one_of_each, score_columns, score_rows
from grd.reporting.table import Cell, Column, Table, bold_note
from grd.reporting.titles import scale_notes

TERMS = {
    "node": "Node",
    "edge": "Edge",
    "affinity_graph": "AGD",
    "inter_edge": "Edge, inter",
    "inter_affinity": "AGD, inter",
}
"""The terms of Eq. 8 in the order of their weights λ1 … λ5, by the names of the methods' terms."""


@dataclass(frozen=True)
class Row:
    """What a row says of its run before the scores."""

    title: str
    settings: Sequence[Cell | str]


def ablation(
    project: Project,
    layout: Layout,
    experiment: str,
    caption: str,
    heads: Sequence[Column],
    rows: Mapping[str, Row],
    note: str,
    among: str,
    contests: Sequence[Sequence[str]],
) -> Table:
    """A table of settings and scores, its rows by run stem; `among`, in words, and `contests` say which rows compete."""
    columns, titles = score_columns(project, experiment), {stem: row.title for stem, row in rows.items()}
    if twice := [title for title, count in Counter(titles.values()).items() if count > 1]:
        raise GrdError(f"config/experiments.yaml, {experiment}: expected rows that differ, found several '{twice[0]}'; drop one")
    scores = score_rows(project, layout, experiment, columns, titles, lambda run, column: run.get(column.metric))
    return Table(
        caption,
        [*heads, *columns],
        {row.title: [*row.settings, *scores[row.title]] for row in rows.values()},
        [*scale_notes(project, project.scale.training), note, bold_note(project.config.seeds, among)],
        {title: stem for stem, title in titles.items()},
        contests,
    )


def term_weights(project: Project, run: Run) -> dict[str, float]:
    """λ1 … λ5 of a run, by term; 0 for terms that its method has not."""
    weights = weights_and_options(project.settings(run))[0] if run.teacher else {}
    return {term: weights.get(term, 0.0) for term in TERMS}


def table4(project: Project, layout: Layout) -> Table:
    """Table IV: loss terms, one after another."""
    rows = {run.stem: _terms_row(project, run) for run in one_of_each(project.runs("table4"))}
    return ablation(
        project,
        layout,
        "table4",
        "Table IV. Loss terms of GRD on CVPPP A1, MobileNet taught by ResUNet: ours (published).",
        [Column("Loss term", title) for title in TERMS.values()],
        rows,
        "Rows 1, 4 and 6 are Table II's S2, T1 & S2 + BISKD and T1 & S2 + GRD: the same runs.",
        "row",
        [[row.title for row in rows.values()]],
    )


def _terms_row(project: Project, run: Run) -> Row:
    used = [term for term, weight in term_weights(project, run).items() if weight]
    return Row(f"+ {TERMS[used[-1]]}" if used else "Student alone", ["✓" if term in used else "×" for term in TERMS])


def table5(project: Project, layout: Layout) -> Table:
    """Table V: the weights of the loss."""
    rows = {run.stem: _weights_row(project, run) for run in one_of_each(project.runs("table5"))}
    return ablation(
        project,
        layout,
        "table5",
        "Table V. Weights of GRD's loss terms on CVPPP A1, MobileNet taught by ResUNet: ours (published).",
        [Column("Weight", f"λ{number} {title}") for number, title in enumerate(TERMS.values(), 1)],
        rows,
        "The first row is Table II's T1 & S2 + GRD: the same run.",
        "row",
        [[row.title for row in rows.values()]],
    )


def _weights_row(project: Project, run: Run) -> Row:
    symbols = {term: f"λ{number}" for number, term in enumerate(TERMS, 1)}
    changed = ", ".join(f"{symbols.get(name, name)} = {value:g}" for name, value in run.changes)
    return Row(changed or run.method.upper(), [f"{weight:g}" for weight in term_weights(project, run).values()])


def table6(project: Project, layout: Layout) -> Table:
    """Table VI: students of several widths, alone and taught."""
    runs = one_of_each(project.runs("table6"))
    rows = {run.stem: _width_row(project, run) for run in runs}
    return ablation(
        project,
        layout,
        "table6",
        "Table VI. Students of several widths on CVPPP A1, alone and taught by ResUNet: ours (published).",
        [Column("Paper's network", "Parameters (M)", "parameters"), Column("Paper's network", "GMAC", "macs")],
        rows,
        "ResUNet-tiny is the paper's S1/10; its rows are Table II's S1 and T1 & S1 + GRD: the same runs.",
        "of each two",
        [[rows[run.stem].title for run in runs if run.network == network] for network in dict.fromkeys(r.network for r in runs)],
    )


def _width_row(project: Project, run: Run) -> Row:
    """Parameters and GMAC are those of the paper's network at 544 x 544, by the paper's rule."""
    complexity = named_complexity(run.network)
    printed = project.published["table6"].get(run.dataset, {}).get(run.stem, {})
    parameters = Cell(complexity.parameters / 1e6, None, printed.get("parameters"), 2)
    macs = Cell(complexity.macs / 1e9, None, printed.get("macs"), 2)
    taught = "alone" if run.teacher is None else f"+ {run.method.upper()}"
    return Row(f"{NETWORKS[run.network].title} {taught}", [parameters, macs])
