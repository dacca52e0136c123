"""Tables as LaTeX (booktabs)."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from grd.reporting.significance import best_cells
from grd.reporting.table import Table, blocks, cell_texts


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
        texts = [escaped(text) for text in cell_texts(cells)]
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
