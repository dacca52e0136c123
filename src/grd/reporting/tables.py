"""Tables I and II: ours beside the published, as csv (numbers), tex (booktabs) and md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grd.data.store import write_text
from grd.layout import Layout
from grd.networks import NETWORKS
from grd.networks.complexity import Complexity, named_complexity
from grd.runs import Project, Run

METHOD_TITLES = {"at": "AT", "spkd": "SPKD", "rekd": "ReKD", "biskd": "BISKD", "grd": "GRD (ours)"}
METRICS = {
    "sbd": ("SBD", 100, 1, "up"),
    "dic": ("|DiC|", 1, 2, "down"),
    "aji": ("AJI", 1, 3, "up"),
    "dice": ("Dice (pixels)", 1, 3, "up"),
    "f1": ("F1 (objects)", 1, 3, "up"),
    "pq": ("PQ", 1, 3, "up"),
}
ARROWS = {"up": "↑", "down": "↓"}

# In the paper's C. elegans and BBBC039V1 columns, "Dice" holds object F1 and "F1" pixel Dice (PQ / "Dice" is a plausible
# segmentation quality, PQ / "F1" is not; the released code assigns them so). We set both under their true names.
EXCHANGED = {"dice": "f1", "f1": "dice"}


@dataclass(frozen=True)
class Cell:
    """One number of ours (mean and, over several seeds, sd) beside the published one; either may be missing."""

    mean: float | None
    sd: float | None
    published: float | None
    digits: int

    def text(self, bold: str = "{}", pm: str = " ± ") -> str:
        """`ours ± sd (published)`."""
        ours = "–" if self.mean is None else f"{self.mean:.{self.digits}f}"
        ours += "" if self.sd is None else f"{pm}{self.sd:.{self.digits}f}"
        published = "–" if self.published is None else f"{self.published:.{self.digits}f}"
        return f"{bold.format(ours)} ({published})"


@dataclass(frozen=True)
class Table:
    """A table as rows of cells under two-level columns, with notes."""

    caption: str
    columns: Sequence[tuple[str, str]]
    rows: Mapping[str, Sequence[Cell | str]]
    notes: Sequence[str]


def row_titles(runs: Sequence[Run]) -> dict[str, str]:
    """Titles of rows by run stem, as the paper has them: teachers T1, T2, students S1, S2, pairs with a method."""
    plain = [run.network for run in runs if run.teacher is None]
    taught = {run.network for run in runs if run.teacher is not None}
    teachers = {run.teacher for run in runs if run.teacher is not None}
    symbols = {
        **{name: f"T{number}" for number, name in enumerate((n for n in dict.fromkeys(plain) if n in teachers), 1)},
        **{name: f"S{number}" for number, name in enumerate((n for n in dict.fromkeys(plain) if n in taught), 1)},
    }
    titles = {}
    for run in runs:
        if run.teacher is None:
            titles[run.stem] = f"{symbols.get(run.network, '')}: {NETWORKS[run.network].title}"
        else:
            method = METHOD_TITLES.get(run.method, run.method.upper())
            titles[run.stem] = f"{symbols[run.teacher]} & {symbols[run.network]} + {method}"
    return titles


def mean_score(path: Path, metric: str) -> float:
    """Mean of a metric over the images of a scores file, in the table's unit."""
    return float(pd.read_csv(path)[metric].mean()) * METRICS[metric][1]


def score_cell(paths: Sequence[Path], metric: str, published: float | None) -> Cell:
    """Mean over seeds of the means over images; sd (n - 1) where there are several seeds."""
    means = [mean_score(path, metric) for path in paths]
    sd = float(np.std(means, ddof=1)) if len(means) > 1 else None
    return Cell(float(np.mean(means)), sd, published, METRICS[metric][2])


def table2(project: Project, layout: Layout) -> Table:
    """Table II: every method and pair on the three 2D data sets."""
    experiment, published = project.experiments["table2"], project.published["table2"]
    titles = row_titles(project.runs("table2"))
    columns = [
        (project.datasets[dataset].title, metric)
        for dataset in experiment.datasets
        for metric in project.datasets[dataset].metrics
    ]
    rows: dict[str, list[Cell | str]] = {stem: [] for stem in titles}
    for dataset in experiment.datasets:
        exchanged = EXCHANGED if dataset != "cvppp" else {}
        for run in (run for run in project.runs("table2") if run.dataset == dataset and run.seed == project.config.seeds[0]):
            seeds = [Run(dataset, run.network, run.method, run.teacher, seed) for seed in project.config.seeds]
            segmenter = next(iter(project.datasets[dataset].segmenters))
            paths = [layout.scores(seed, segmenter) for seed in seeds]
            printed = published.get(dataset, {}).get(run.stem, {})
            rows[run.stem] += [
                score_cell(paths, metric, printed.get(exchanged.get(metric, metric)))
                for metric in project.datasets[dataset].metrics
            ]
    return Table(
        "Table II. Distillation methods on 2D data sets: ours (published).",
        [(title, f"{METRICS[metric][0]} {ARROWS[METRICS[metric][3]]}") for title, metric in columns],
        {titles[stem]: cells for stem, cells in rows.items()},
        [*_scale_notes(project), *TABLE2_NOTES],
    )


TABLE2_NOTES = (
    "CVPPP: the mutex watershed is given the ground truth's foreground, as in the authors' released evaluation.",
    "C. elegans and BBBC039V1: the paper's columns Dice and F1 look exchanged; its Dice stands here beside our object F1, its "
    "F1 beside our pixel Dice.",
    "Bold: the best of each teacher–student pair. –: not printed, or unreadable in the text of the paper that was used.",
)


def _scale_notes(project: Project) -> list[str]:
    seeds = project.config.seeds
    spread = f"mean ± sd over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"one run per cell, seed {seeds[0]}"
    twins = "; the data are synthetic twins, so no number compares with the published one" if project.scale.data == "twins" else ""
    return [f"Scale {project.config.scale} ({project.scale.title}){twins}; {spread}."]


def table1(project: Project, layout: Layout) -> Table:
    """Table I: parameters and MACs of the paper's networks, and measured inference times on the CVPPP test images."""
    rows: dict[str, list[Cell | str]] = {}
    titles = row_titles(project.runs("table2", "table1"))
    for run in (run for run in project.runs("table1") if run.seed == project.config.seeds[0]):
        printed = project.published["table1"].get(run.network, {})
        rows[titles[run.stem]] = [
            *_complexity_cells(named_complexity(run.network), printed),
            *_time_cells([layout.timing(Run(run.dataset, run.network, seed=seed)) for seed in project.config.seeds], printed),
            *_trained_cells(project, run),
        ]
    as_counted = named_complexity("mobilenet_v2", embedding=1000)
    counted: list[Cell | str] = [*_complexity_cells(as_counted, project.published["table1"]["mobilenet_v2"]), *[""] * 4]
    rows["S2 as the paper counted it"] = counted
    return Table(
        "Table I. Complexity at 544 x 544 and inference time over the CVPPP test images: ours (published).",
        TABLE1_COLUMNS,
        rows,
        [*_scale_notes(project), _hardware(project, layout), *TABLE1_NOTES],
    )


TABLE1_COLUMNS = (
    ("Paper's network", "Parameters (M)"),
    ("Paper's network", "GMAC"),
    ("Paper's network", "GMAC, convolutions only"),
    ("Network as trained here", "Forward (s)"),
    ("Network as trained here", "Image to instances (s)"),
    ("Network as trained here", "Parameters (M)"),
    ("Network as trained here", "GMAC per image"),
)
TABLE1_NOTES = (
    "GMAC by ptflops' rule, which reproduces the printed digits: biases, batch norms, activations and poolings count.",
    "NestedUNet: the printed 36.36 M looks like exchanged digits; the network with exactly 624.14 GMAC has 36.63 M.",
    "MobileNet: the printed 4.79 M and 25.82 GMAC are those of 1000 outputs; the student that is trained has 16.",
    "Forward: network passes summed over the test images. Image to instances: padding, network, affinities, mutex watershed "
    "and clean-up, one image after another. Times: mean ± sd over five passes.",
)


def _complexity_cells(complexity: Complexity, printed: Mapping[str, Any]) -> list[Cell]:
    return [
        Cell(complexity.parameters / 1e6, None, printed.get("parameters"), 2),
        Cell(complexity.macs / 1e9, None, printed.get("macs"), 2),
        Cell(complexity.convolution_macs / 1e9, None, None, 2),
    ]


def _time_cells(paths: Sequence[Path], printed: Mapping[str, Any]) -> list[Cell]:
    times = pd.concat([pd.read_csv(path) for path in paths])
    return [
        Cell(times[column].mean(), times[column].std(), printed.get("seconds") if column == "forward" else None, 2)
        for column in ("forward", "end_to_end")
    ]


def _trained_cells(project: Project, run: Run) -> list[Cell]:
    settings = project.settings(run)
    complexity = named_complexity(run.network, settings.canvas, **settings.arguments)
    return [Cell(complexity.parameters / 1e6, None, None, 3), Cell(complexity.macs / 1e9, None, None, 2)]


def _hardware(project: Project, layout: Layout) -> str:
    times = pd.read_csv(layout.timing(project.runs("table1")[0]))
    return f"Measured on {times['device'][0]}, {times['images'][0]} test images; published times on a TITAN Xp."


def best_rows(table: Table) -> set[tuple[str, int]]:
    """Which cells are best among the rows of the same teacher–student pair (title before ' + '), by column."""
    groups: dict[str, list[str]] = {}
    for title in table.rows:
        if " + " in title:
            groups.setdefault(title.split(" + ")[0], []).append(title)
    best = set()
    for titles in groups.values():
        for column, (_, name) in enumerate(table.columns):
            values = {title: _rounded(table.rows[title][column]) for title in titles}
            target = (max if ARROWS["up"] in name else min)(values.values())
            best |= {(title, column) for title, value in values.items() if value == target}
    return best


def _rounded(cell: Cell | str) -> float:
    if isinstance(cell, str) or cell.mean is None:
        return float("nan")
    return round(cell.mean, cell.digits)


def as_csv(table: Table) -> str:
    """Long form: one line per cell with ours, sd and published, unrounded."""
    records = [
        {"row": title, "group": group, "column": name, "ours": cell.mean, "sd": cell.sd, "published": cell.published}
        for title, cells in table.rows.items()
        for (group, name), cell in zip(table.columns, cells, strict=True)
        if isinstance(cell, Cell)
    ]
    return pd.DataFrame(records).to_csv(index=False)


def as_markdown(table: Table) -> str:
    """A pipe table with caption above and notes below."""
    best = best_rows(table)
    header = ["", *(f"{group}<br>{name}".replace("|", "\\|") for group, name in table.columns)]
    lines = [f"**{table.caption}**", "", _pipes(header), _pipes(["---"] * len(header))]
    for title, cells in table.rows.items():
        texts = [
            cell if isinstance(cell, str) else cell.text("**{}**" if (title, column) in best else "{}")
            for column, cell in enumerate(cells)
        ]
        lines.append(_pipes([title, *texts]))
    return "\n".join([*lines, "", *(f"- {note}" for note in table.notes), ""])


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def as_tex(table: Table) -> str:
    """A booktabs table* that compiles with booktabs and graphicx loaded."""
    best = best_rows(table)
    groups = [(group, sum(g == group for g, _ in table.columns)) for group in dict.fromkeys(g for g, _ in table.columns)]
    heads = [rf"\multicolumn{{{width}}}{{c}}{{{_escaped(group)}}}" for group, width in groups]
    starts = np.cumsum([2, *(width for _, width in groups)])
    rules = [rf"\cmidrule(lr){{{a}-{b - 1}}}" for a, b in zip(starts[:-1], starts[1:], strict=True)]
    body = []
    for title, cells in table.rows.items():
        texts = [
            _escaped(cell) if isinstance(cell, str) else cell.text(r"\textbf{{{}}}" if (title, i) in best else "{}", r" $\pm$ ")
            for i, cell in enumerate(cells)
        ]
        body.append(" & ".join([_escaped(title), *(text.replace("–", "--") for text in texts)]) + r" \\")
    lines = [
        r"\begin{table*}",
        rf"\caption{{{_escaped(table.caption)}}}",
        r"\centering",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{l{'c' * len(table.columns)}}}",
        r"\toprule",
        " & ".join(["", *heads]) + r" \\",
        " ".join(rules),
        " & ".join(["", *(_escaped(name) for _, name in table.columns)]) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\footnotesize {_escaped(note)}" for note in table.notes),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    for plain, tex in (
        ("&", r"\&"),
        ("%", r"\%"),
        ("_", r"\_"),
        ("|DiC|", r"$|$DiC$|$"),
        ("↑", r"$\uparrow$"),
        ("↓", r"$\downarrow$"),
        ("±", r"$\pm$"),
        ("–", "--"),
        (" x ", r" $\times$ "),
    ):
        text = text.replace(plain, tex)
    return text


def write_table(table: Table, csv: Path, tex: Path, md: Path) -> None:
    """Write the three forms."""
    write_text(csv, as_csv(table))
    write_text(tex, as_tex(table))
    write_text(md, as_markdown(table))
