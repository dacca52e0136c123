"""What a table is, and its three forms: csv (numbers), tex (booktabs) and md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from grd.data.store import write_text

UP, DOWN = "↑", "↓"


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
    rules = [rf"\cmidrule(lr){{{a}-{b - 1}}}" for a, b in pairwise(starts)]
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
