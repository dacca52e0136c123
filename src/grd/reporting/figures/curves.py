"""Loss curves, a panel for each run: of every run of a data set, or of a figure's own runs."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from grd.config.catalogue import NETWORKS
from grd.distillation import SCORE, SUPERVISED, TOTAL, VALIDATION, weights_and_options
from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import changes_text, method_title
from grd.reporting.figures.panels import caption
from grd.reporting.runs import one_per_stem
from grd.training.history import Record, read_history

Styles = dict[str, dict[str, Any]]
"""Styles of lines, as keywords of matplotlib, by the name of the loss."""

COLUMNS, PANELS = 4, 12
"""Panels side by side, and on a page."""
POINTS = 300
"""Number of points of a line; a longer history is averaged over as many windows."""

LOSSES = {
    SUPERVISED: "L_aff, supervised",
    VALIDATION: "L_aff, validation data",
    SCORE: "Score, validation data",
    TOTAL: "Total",
    "attention": "Attention (AT)",
    "similarity": "Similarity (SPKD)",
    "review": "Review (ReKD)",
    "node": "Node",
    "edge": "Edge",
    "affinity_graph": "Affinity graph",
    "inter_edge": "Edge, between images",
    "inter_affinity": "Affinity graph, between images",
}
"""Titles of the losses in a history, in the order of the legend; terms of other methods follow under their names."""

BLUE = "#1f5f9e"
COLOURS = ("#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#8a6d3b", "#e6ab02", "#66a61e", "#17a2b8")
"""Colours of the terms of distillation, in the order of their titles."""

TEXT = (
    "A panel for each run (teacher → student: method, and changes to it). Losses over iterations: L_aff (Eq. 6) of the training "
    "crops and, as points, of the validation data, with the score of these data where it selects the weights; every term of "
    "distillation whose weight is not 0, unweighted; and Total, the weighted sum that is minimised (Eq. 8). Terms of different "
    "methods have different units: compare shapes, not heights"
)


def loss_curves(project: Project, layout: Layout, dataset: str) -> tuple[list[Figure], pd.DataFrame]:
    """Every loss of every run of a data set, a panel per run, seeds after the first lighter; and the values in long form.

    The figures are pages of at most PANELS panels. Terms of weight 0, which train nothing, are left out.
    """
    runs = panel_order([run for run in project.all_runs() if run.dataset == dataset])
    data, panels = losses(project, layout, runs), one_per_stem(runs)
    pages = [panels[start : start + PANELS] for start in range(0, len(panels), PANELS)]
    columns = min(COLUMNS, len(panels))
    return [draw(project, page, data, columns, f" · page {n} of {len(pages)}") for n, page in enumerate(pages, 1)], data


def curves(project: Project, layout: Layout, experiment: str) -> tuple[Figure, pd.DataFrame]:
    """The losses of a figure's own runs, on one page, as `loss_curves` draws them; GrdError if it has several data sets."""
    if len(datasets := project.datasets_of(experiment)) > 1:
        raise GrdError(
            f"config/experiments.yaml, {experiment}: expected one data set in a figure of loss curves, found "
            f"{', '.join(datasets)}; write an entry for each"
        )
    runs = panel_order(project.runs(experiment))
    data, panels = losses(project, layout, runs), one_per_stem(runs)
    return draw(project, panels, data, min(COLUMNS, len(panels))), data


def losses(project: Project, layout: Layout, runs: Sequence[Run]) -> pd.DataFrame:
    """The histories of runs in long form."""
    return pd.concat([_minimised(project, run, read_history(layout.history(run))) for run in runs], ignore_index=True)


def _minimised(project: Project, run: Run, records: Sequence[Record]) -> pd.DataFrame:
    """A history in long form, without the terms that the run weights with 0."""
    weights = weights_and_options(project.settings(run))[0] if run.teacher else {}
    found = long_form(run, records)
    return found[~found["term"].isin([term for term, weight in weights.items() if not weight])]


def panel_order(runs: Sequence[Run]) -> list[Run]:
    """Runs in the order of their panels: networks alone, then pairs of teacher and student, each with methods and changes."""
    methods = list(dict.fromkeys(run.method for run in runs))
    pairs = list(dict.fromkeys((run.teacher, run.network) for run in sorted(runs, key=lambda run: run.teacher is not None)))
    return sorted(
        runs, key=lambda run: (pairs.index((run.teacher, run.network)), methods.index(run.method), run.changes, run.seed)
    )


def long_form(run: Run, records: Sequence[Record]) -> pd.DataFrame:
    """A history as run, seed, step, term, value, with about POINTS values of each term at most."""
    table = pd.DataFrame(records).drop(columns="learning_rate", errors="ignore")
    long = table.melt("step", var_name="term").dropna(subset="value")
    thin = [_thin(part) for _, part in long.groupby("term", sort=False)]
    return pd.concat(thin).assign(run=run.stem, seed=run.seed)[["run", "seed", "step", "term", "value"]]


def _thin(line: pd.DataFrame) -> pd.DataFrame:
    """A line as means over windows, each at its last step."""
    window = -(-len(line) // POINTS)
    grouped = line.groupby(np.arange(len(line)) // window)
    return grouped.agg({"step": "last", "term": "last", "value": "mean"})


def draw(project: Project, panels: Sequence[Run], data: pd.DataFrame, columns: int, page: str = "") -> Figure:
    """Draw a page: a panel for each of these runs, with a legend above and a text below."""
    rows, shown = -(-len(panels) // columns), data["run"].isin([run.stem for run in panels])
    styles = line_styles(data[shown]["term"].unique().tolist())
    above = 0.2 + 0.15 * -(-len(styles) // (columns + 1))  # inches; a line of the legend has one entry more than a row has panels
    figure, axes = plt.subplots(rows, columns, figsize=(2.3 * columns, 1.9 * rows + above + 0.7), squeeze=False)
    for axis, run in zip(axes.flat, panels, strict=False):
        draw_run(axis, data[data["run"] == run.stem], styles, first=run.seed)
        axis.set_title(panel_title(run), fontsize=6.5)
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    label_axes(axes, len(panels))
    handles = [plt.Line2D([], [], **style) for style in styles.values()]
    figure.legend(handles=handles, loc="upper center", ncols=columns + 1, fontsize=7, frameon=False, columnspacing=1.2)
    caption(figure, project, TEXT + page, above)
    return figure


def label_axes(axes: np.ndarray, panels: int) -> None:
    """Name the axes: the vertical ones on the left, the horizontal ones of the lowest panels."""
    columns = axes.shape[1]
    for number, axis in enumerate(axes.flat[:panels]):
        axis.set_ylabel("" if number % columns else "loss (log)", fontsize=6)
        axis.set_xlabel("" if number + columns < panels else "iteration", fontsize=6)


def line_styles(terms: Sequence[str]) -> Styles:
    """Styles of the terms' lines, in the order of the legend."""
    fixed: Styles = {
        SUPERVISED: {"color": BLUE, "linewidth": 1.4, "zorder": 3},
        VALIDATION: {"color": BLUE, "marker": "o", "markersize": 3.2, "markerfacecolor": "white", "linestyle": "", "zorder": 4},
        SCORE: {"color": "black", "marker": "s", "markersize": 2.2, "linewidth": 0.8, "linestyle": ":"},
        TOTAL: {"color": "black", "linewidth": 1.4},
    }
    others = [*(name for name in LOSSES if name not in fixed), *sorted(set(terms) - set(LOSSES))]
    coloured = {name: {"color": COLOURS[number % len(COLOURS)], "linewidth": 1.0} for number, name in enumerate(others)}
    return {name: {"label": loss_title(name), **style} for name, style in {**fixed, **coloured}.items() if name in terms}


def loss_title(name: str) -> str:
    """Title of a loss in the legend."""
    return LOSSES.get(name, name.replace("_", " "))


def draw_run(axis: Axes, data: pd.DataFrame, styles: Styles, first: int) -> None:
    """Draw the losses of a run over its iterations; seeds after the first are lighter."""
    for (term, seed), line in data.groupby(["term", "seed"], sort=False):
        axis.plot(line["step"], line["value"], **{**styles[str(term)], "alpha": 1.0 if seed == first else 0.35})
    axis.set_yscale("log", nonpositive="mask")  # terms between images are 0 while the bank is empty
    axis.set_xlim(left=0)
    axis.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    low, high = axis.get_ylim()
    axis.yaxis.set_major_locator(LogLocator(subs=digits_between(low, high)))
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.yaxis.set_minor_locator(NullLocator())
    axis.tick_params(labelsize=6, length=2, pad=2)
    axis.grid(alpha=0.3, linewidth=0.5)


def digits_between(low: float, high: float) -> tuple[float, ...]:
    """First digits of the ticks of a log axis, fewer where it spans more decades."""
    decades = np.log10(high / low)
    return (1.0, 2.0, 5.0) if decades < 1.7 else (1.0, 3.0) if decades < 3 else (1.0,)


def panel_title(run: Run) -> str:
    """`ResUNet`, or `ResUNet → MobileNet: GRD` with changes to the method below it."""
    student = NETWORKS[run.network].title
    if run.teacher is None:
        return student
    return f"{NETWORKS[run.teacher].title} → {student}: {method_title(run.method)}\n{changes_text(run)}".strip()
