"""What a table is, and its forms for programs and paper: csv (numbers), tex (booktabs) and md."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

UP, DOWN = "↑", "↓"
BLOCK = 10
"""Columns that can be read side by side; a wider table goes on below, group by group."""


@dataclass(frozen=True)
class Cell:
    """One number of ours (mean and, over several seeds, sd) beside the published one; either may be missing.

    `samples` (seeds, images) are the scores that it is the mean of.
    """

    mean: float | None
    sd: float | None
    published: float | None
    digits: int
    samples: np.ndarray | None = field(default=None, compare=False, repr=False)

    def text(self) -> str:
        """`ours ± sd (published)`."""
        ours = "–" if self.mean is None else f"{self.mean:.{self.digits}f}"
        ours += "" if self.sd is None else f" ± {self.sd:.{self.digits}f}"
        published = "–" if self.published is None else f"{self.published:.{self.digits}f}"
        return f"{ours} ({published})"


@dataclass(frozen=True)
class Column:
    """A column's two heads, the lower one with an arrow to what is better, and what it holds."""

    group: str
    name: str
    metric: str = ""
    dataset: str = ""
    segmenter: str = ""


@dataclass(frozen=True)
class Table:
    """A table as rows of cells under two-level columns, with notes.

    `runs` names the run of a row by its title, without its seed; `contests` are the titles of rows of which the best is sought.
    """

    caption: str
    columns: Sequence[Column]
    rows: Mapping[str, Sequence[Cell | str]]
    notes: Sequence[str]
    runs: Mapping[str, str] = field(default_factory=dict)
    contests: Sequence[Sequence[str]] = ()

    @property
    def groups(self) -> dict[str, int]:
        """The columns' upper heads and how many columns each spans."""
        return dict(Counter(column.group for column in self.columns))

    def columns_from(self, start: int, stop: int) -> "Table":
        """The same table with a part of its columns."""
        parts = {title: cells[start:stop] for title, cells in self.rows.items()}
        return replace(self, columns=self.columns[start:stop], rows=parts)


def blocks(table: Table) -> list[Table]:
    """The table as tables of at most BLOCK columns; groups of columns stay whole, and a wider one is a block of its own."""
    starts = [0]
    end = 0
    for width in table.groups.values():
        if end > starts[-1] and end + width - starts[-1] > BLOCK:
            starts.append(end)
        end += width
    return [table.columns_from(*pair) for pair in pairwise([*starts, end])]


ALPHA = 0.05


class Lead(NamedTuple):
    """Of the best cell over the second best: p of the test, and whether it leads in every seed."""

    p: float
    in_every_seed: bool


def leads(table: Table) -> dict[tuple[str, int], Lead]:
    """The best cell of each contest and column, (title, column), and its lead over the second best.

    p is that of a one-sided Wilcoxon signed-rank test over pairs of images and seeds, 1 where no pair differs. Images of one
    seed share a training, so p alone overstates what a few seeds can tell. Nothing for a single seed.
    """
    found = {}
    for titles in table.contests:
        for number, column in enumerate(table.columns):
            more_is_better = UP in column.name
            ranked = _ranked(table, titles, number, descending=more_is_better)
            if len(ranked) > 1:
                best, second = (samples for _, samples in ranked[:2])
                found[ranked[0][0], number] = _lead(best - second if more_is_better else second - best)
    return found


def _ranked(table: Table, titles: Sequence[str], column: int, descending: bool) -> list[tuple[str, np.ndarray]]:
    """Titles and samples of the cells that have several seeds, best first."""
    cells = {title: table.rows[title][column] for title in titles}
    several = {
        title: cell.samples
        for title, cell in cells.items()
        if isinstance(cell, Cell) and cell.samples is not None and len(cell.samples) > 1
    }
    return sorted(several.items(), key=lambda item: float(item[1].mean()), reverse=descending)


def _lead(ahead: np.ndarray) -> Lead:
    """From by how much the best is ahead of the second best, (seeds, images)."""
    from scipy.stats import wilcoxon  # takes a second to import, and a single seed has no use for it

    p = float(wilcoxon(ahead.ravel(), alternative="greater").pvalue) if ahead.any() else 1.0
    return Lead(p, bool((ahead.mean(1) > 0).all()))


def best_cells(table: Table) -> set[tuple[str, int]]:
    """The cells to set in bold: (title, column) of the leads that the test confirms and every seed shows."""
    return {cell for cell, lead in leads(table).items() if lead.p < ALPHA and lead.in_every_seed}


def bold_note(seeds: Sequence[int], among: str) -> str:
    """What bold means, or why nothing is."""
    if len(seeds) == 1:
        return "One seed: plain numbers, no cell is bold."
    return (
        f"Bold: the best {among}, where it leads the second best in every seed and a one-sided Wilcoxon signed-rank test over "
        f"pairs of images and seeds separates them (p < {ALPHA}). Images of a seed share a training: it is no test of trainings."
    )


def as_csv(table: Table) -> str:
    """Long form: one line per cell with ours, sd, published, unrounded, and the p of a contest's best (`leads`)."""
    found = leads(table)
    records = [
        {
            "run": table.runs.get(title, ""),
            "dataset": column.dataset,
            "segmenter": column.segmenter,
            "metric": column.metric,
            "row": title,
            "group": column.group,
            "column": column.name,
            "ours": cell.mean,
            "sd": cell.sd,
            "published": cell.published,
            "p": found[title, number].p if (title, number) in found else None,
        }
        for title, cells in table.rows.items()
        for number, (column, cell) in enumerate(zip(table.columns, cells, strict=True))
        if isinstance(cell, Cell)
    ]
    return pd.DataFrame(records).to_csv(index=False)


def as_markdown(table: Table) -> str:
    """Pipe tables with the caption above and the notes below."""
    parts = [line for block in blocks(table) for line in (*_markdown_block(block), "")]
    return "\n".join([f"**{table.caption}**", "", *parts, *(f"- {note}" for note in table.notes), ""])


def _markdown_block(table: Table) -> list[str]:
    header = ["", *(f"{column.group}<br>{column.name}".replace("|", "\\|") for column in table.columns)]
    best = best_cells(table)
    rows = [
        [title, *(f"**{text}**" if (title, number) in best else text for number, text in enumerate(_texts(cells)))]
        for title, cells in table.rows.items()
    ]
    return [_pipes(cells) for cells in (header, ["---"] * len(header), *rows)]


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _texts(cells: Sequence[Cell | str]) -> list[str]:
    return [cell if isinstance(cell, str) else cell.text() for cell in cells]


def as_tex(table: Table) -> str:
    """A booktabs table*, no wider than the page, that compiles with booktabs, graphicx and amssymb loaded."""
    parts = blocks(table)
    lines = [
        r"\begin{table*}[!htbp]",
        rf"\caption{{{escaped(table.caption)}}}",
        r"\centering",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'c' * max(len(part.columns) for part in parts)}}}",
        *(line for part in parts for line in (r"\toprule", *_tex_block(part))),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip\raggedright\footnotesize",
        *(rf"{escaped(note)}\par" for note in table.notes),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _tex_block(table: Table) -> list[str]:
    heads = [rf"\multicolumn{{{width}}}{{c}}{{{escaped(group)}}}" for group, width in table.groups.items()]
    starts = np.cumsum([2, *table.groups.values()])
    rules = [rf"\cmidrule(lr){{{start}-{stop - 1}}}" for start, stop in pairwise(starts)]
    names = ["", *(escaped(column.name) for column in table.columns)]
    return [_ampersands(["", *heads]), " ".join(rules), _ampersands(names), r"\midrule", *_tex_rows(table)]


def _tex_rows(table: Table) -> list[str]:
    best, rows = best_cells(table), []
    firsts = {titles[0] for titles in table.contests} - {next(iter(table.rows), "")}
    for title, cells in table.rows.items():
        if title in firsts:
            rows.append(r"\addlinespace")
        texts = [escaped(text) for text in _texts(cells)]
        bold = [rf"\textbf{{{text}}}" if (title, number) in best else text for number, text in enumerate(texts)]
        rows.append(_ampersands([escaped(title), *bold]))
    return rows


def _ampersands(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "$": r"\$",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "|": r"$|$",
    "<": r"$<$",
    ">": r"$>$",
    "✓": r"$\checkmark$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "λ": r"$\lambda$",
    "β": r"$\beta$",
    "→": r"$\rightarrow$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "−": "$-$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "±": r"$\pm$",
    "–": "--",
    "“": "``",
    "”": "''",
    "’": "'",
    "…": r"\ldots{}",
}


def escaped(text: str) -> str:
    """Plain text as LaTeX; it needs amssymb."""
    return "".join(TEX.get(character, character) for character in text).replace(" x ", r" $\times$ ")
