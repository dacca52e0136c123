"""What a table is, and its three forms: csv (numbers), tex (booktabs) and md."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from grd.data.store import write_text

UP, DOWN = "↑", "↓"
BLOCK = 10
"""Columns that can be read side by side; a wider table goes on below, group by group."""


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

    @property
    def groups(self) -> dict[str, int]:
        """The columns' upper heads and how many columns each spans."""
        return dict(Counter(group for group, _ in self.columns))

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


def best_rows(table: Table) -> set[tuple[str, int]]:
    """Which cells are best among the methods for the same teacher–student pair (title before '+ '), by column."""
    groups: dict[str, list[str]] = {}
    for title in table.rows:
        pair, plus, _ = title.partition("+ ")
        if plus:
            groups.setdefault(pair, []).append(title)
    best = set()
    for titles in groups.values():
        for column, (_, name) in enumerate(table.columns):
            values = {title: _rounded(table.rows[title][column]) for title in titles}
            target = (max if UP in name else min)(values.values())
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
    """Pipe tables with the caption above and the notes below."""
    parts = [line for block in blocks(table) for line in (*_markdown_block(block), "")]
    return "\n".join([f"**{table.caption}**", "", *parts, *(f"- {note}" for note in table.notes), ""])


def _markdown_block(table: Table) -> list[str]:
    header = ["", *(f"{group}<br>{name}".replace("|", "\\|") for group, name in table.columns)]
    rows = [[title, *_texts(table, title, "**{}**", " ± ")] for title in table.rows]
    return [_pipes(cells) for cells in (header, ["---"] * len(header), *rows)]


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _texts(table: Table, title: str, bold: str, pm: str) -> list[str]:
    """A row's cells, the best in bold."""
    best = best_rows(table)
    return [
        cell if isinstance(cell, str) else cell.text(bold if (title, column) in best else "{}", pm)
        for column, cell in enumerate(table.rows[title])
    ]


def as_tex(table: Table) -> str:
    """A booktabs table* that compiles with booktabs and graphicx loaded."""
    parts = blocks(table)
    lines = [
        r"\begin{table*}",
        rf"\caption{{{_escaped(table.caption)}}}",
        r"\centering",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{l{'c' * max(len(part.columns) for part in parts)}}}",
        *(line for part in parts for line in (r"\toprule", *_tex_block(part))),
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\footnotesize {_escaped(note)}" for note in table.notes),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _tex_block(table: Table) -> list[str]:
    heads = [rf"\multicolumn{{{width}}}{{c}}{{{_escaped(group)}}}" for group, width in table.groups.items()]
    starts = np.cumsum([2, *table.groups.values()])
    rules = [rf"\cmidrule(lr){{{start}-{stop - 1}}}" for start, stop in pairwise(starts)]
    rows = [[title, *_texts(table, title, r"\textbf{{{}}}", " ± ")] for title in table.rows]
    names = [_ampersands(["", *(name for _, name in table.columns)])]
    return [" & ".join(["", *heads]) + r" \\", " ".join(rules), *names, r"\midrule", *map(_ampersands, rows)]


def _ampersands(cells: Sequence[str]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


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
