"""A table: cells of reproduced and published numbers under two-level columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

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


def cell_texts(cells: Sequence[Cell | str]) -> list[str]:
    """The cells of a row as they are printed."""
    return [cell if isinstance(cell, str) else cell.text() for cell in cells]
