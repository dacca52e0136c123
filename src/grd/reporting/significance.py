"""The best cells of a table, and whether the test and every seed confirm their lead."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grd.reporting.table import UP, Cell, Table

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
