"""Table VI: students of several widths, alone and taught."""

from grd.config.catalogue import NETWORKS
from grd.networks.complexity import complexity_by_name
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import method_title
from grd.reporting.runs import one_per_row
from grd.reporting.table import Cell, Column, Table
from grd.reporting.tables.ablation import Row, ablation


def table6(project: Project, layout: Layout) -> Table:
    """Table VI: students of several widths, alone and taught."""
    runs = one_per_row(project, "table6")
    rows = {run.stem: _width_row(project, run) for run in runs}
    return ablation(
        project,
        layout,
        "table6",
        "Table VI. Students of several widths on CVPPP A1, alone and taught by ResUNet: reproduced (published).",
        [Column("Paper's network", "Parameters (M)", "parameters"), Column("Paper's network", "GMAC", "macs")],
        rows,
        ["ResUNet-tiny is the paper's S1/10; its rows are Table II's S1 and T1 & S1 + GRD: the same runs."],
        "row of each width",
        [[rows[run.stem].title for run in runs if run.network == network] for network in dict.fromkeys(r.network for r in runs)],
    )


def _width_row(project: Project, run: Run) -> Row:
    """Parameters and GMAC are those of the paper's network at 544 x 544, by the paper's rule."""
    complexity = complexity_by_name(run.network)
    printed = project.published["table6"].get(run.dataset, {}).get(run.stem, {})
    parameters = Cell(complexity.parameters / 1e6, None, printed.get("parameters"), 2)
    macs = Cell(complexity.macs / 1e9, None, printed.get("macs"), 2)
    taught = "alone" if run.teacher is None else f"+ {method_title(run.method)}"
    return Row(f"{NETWORKS[run.network].title} {taught}", [parameters, macs])
