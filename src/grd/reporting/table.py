"""A table: cells of reproduced and published numbers under two-level columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

import numpy as np

UP, DOWN = "↑", "↓"
MISSING = "–"
"""Stands for a number that is missing."""

DOUBTFUL = "?"
"""Follows a number that its own repeats contradict."""

BLOCK = 10
"""Columns that can be read side by side; a wider table continues below, group by group."""


@dataclass(frozen=True)
class Cell:
    """A reproduced number (mean and, over several seeds, sd) beside the published one; either may be missing.

    `samples` are the scores (images,) that `mean` is taken over, by seed. The repeats of a `doubtful` number contradict it. A
    number stands `alone` where the paper has no such table.
    """

    mean: float | None
    sd: float | None
    published: float | None
    digits: int
    samples: Mapping[int, np.ndarray] = field(default_factory=dict, compare=False, repr=False)
    doubtful: bool = False
    alone: bool = False

    def text(self) -> str:
        """`reproduced ± sd (published)`, with a mark before the parenthesis if the number is doubtful."""
        own = " ".join([self.number(self.mean), *self.spread()])
        return own if self.alone else f"{own} ({self.number(self.published)})"

    def spread(self) -> list[str]:
        """`± sd` where there is one, and the mark of a doubtful number."""
        return [*([] if self.sd is None else [f"± {self.number(self.sd)}"]), *([DOUBTFUL] if self.doubtful else [])]

    def number(self, value: float | None) -> str:
        """A number with the digits of this cell."""
        return MISSING if value is None else f"{value:.{self.digits}f}"


@dataclass(frozen=True)
class Column:
    """The upper and lower head of a column, the lower one with an arrow towards better, and the scores that it holds."""

    group: str
    name: str
    metric: str = ""
    dataset: str = ""
    segmenter: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under two-level columns, with notes.

    `runs` maps titles of rows to run stems; `contests` are groups of titles, in each of which the best row is sought; `banner`
    is a sentence to read before the numbers, set between caption and rows.
    """

    caption: str
    columns: Sequence[Column]
    rows: Mapping[str, Sequence[Cell | str]]
    notes: Sequence[str]
    runs: Mapping[str, str] = field(default_factory=dict)
    contests: Sequence[Sequence[str]] = ()
    banner: str = ""

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Upper heads in their order, each with the number of columns under it."""
        return [(group, len(list(columns))) for group, columns in groupby(self.columns, lambda column: column.group)]

    def columns_from(self, start: int, stop: int) -> "Table":
        """The same table with a part of its columns."""
        parts = {title: cells[start:stop] for title, cells in self.rows.items()}
        return replace(self, columns=self.columns[start:stop], rows=parts)


def blocks(table: Table) -> list[Table]:
    """The table as tables of at most BLOCK columns; groups of columns stay whole, and a wider group is a block of its own."""
    starts = [0]
    end = 0
    for _, width in table.groups:
        if end > starts[-1] and end + width - starts[-1] > BLOCK:
            starts.append(end)
        end += width
    return [table.columns_from(*pair) for pair in pairwise([*starts, end])]


def cell_texts(cells: Sequence[Cell | str]) -> list[str]:
    """The cells of a row as text."""
    return [cell if isinstance(cell, str) else cell.text() for cell in cells]
