"""Tables as LaTeX (booktabs)."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np

from grd.reporting.significance import best_by_block
from grd.reporting.table import Table, cell_texts


def as_tex(table: Table) -> str:
    """A booktabs table*, no wider than the page, caption and banner above, notes below.

    It compiles with booktabs, graphicx and amssymb loaded.
    """
    parts = best_by_block(table)
    lines = [
        r"\begin{table*}[!htbp]",
        rf"\caption{{{tex_text(table.caption)}}}",
        r"\centering",
        *([rf"\emph{{{tex_text(table.banner)}}}\par\smallskip"] if table.banner else []),
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'c' * max(len(part.columns) for part, _ in parts)}}}",
        *(line for part in parts for line in (r"\toprule", *_block(*part))),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip\raggedright\footnotesize",
        *(rf"{tex_text(note)}\par" for note in table.notes),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _block(table: Table, best: Collection[tuple[str, int]]) -> list[str]:
    heads = [rf"\multicolumn{{{width}}}{{c}}{{{tex_text(group)}}}" for group, width in table.groups]
    starts = np.cumsum([2, *(width for _, width in table.groups)])
    rules = [rf"\cmidrule(lr){{{start}-{stop - 1}}}" for start, stop in pairwise(starts)]
    names = ["", *(tex_text(column.name) for column in table.columns)]
    return [ampersands(["", *heads]), " ".join(rules), ampersands(names), r"\midrule", *_rows(table, best)]


def _rows(table: Table, best: Collection[tuple[str, int]]) -> list[str]:
    rows = []
    firsts = {titles[0] for titles in table.contests} - {next(iter(table.rows), "")}
    for title, cells in table.rows.items():
        if title in firsts:
            rows.append(r"\addlinespace")
        texts = [tex_text(text) for text in cell_texts(cells)]
        bold = [rf"\textbf{{{text}}}" if (title, number) in best else text for number, text in enumerate(texts)]
        rows.append(ampersands([tex_text(title), *bold]))
    return rows


def ampersands(cells: Sequence[str]) -> str:
    """A line of a tabular; the cells are LaTeX."""
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


def tex_text(text: str) -> str:
    """Plain text as LaTeX, which needs amssymb."""
    return "".join(TEX.get(character, character) for character in text).replace(" x ", r" $\times$ ")
