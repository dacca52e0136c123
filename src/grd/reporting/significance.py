"""The best cells of a table, and a test of their lead over the second best."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from grd.reporting.table import UP, Cell, Table, blocks

ALPHA = 0.05


class Lead(NamedTuple):
    """The lead of the best cell over the second best: p by Holm's correction, and True if it leads in every seed."""

    p: float
    in_every_seed: bool


def leads(table: Table) -> dict[tuple[str, int], Lead]:
    """The best cell, (title, column), of each contest and column, and its lead over the second best.

    p is that of a one-sided Wilcoxon signed-rank test over pairs of images and seeds, 1 where no pair differs, by Holm's
    correction for all such comparisons of the table. Images of one seed share a training, so p alone overstates what a few
    seeds can tell. Seeds that one of the two lacks are left out, and without two in common there is no test.
    """
    ahead = _differences(table)
    adjusted = holm([_p_of(lead) for lead in ahead.values()])
    return {cell: Lead(p, bool((lead.mean(1) > 0).all())) for (cell, lead), p in zip(ahead.items(), adjusted, strict=True)}


def holm(p: Sequence[float]) -> list[float]:
    """p of several tests, corrected by Holm's method: any of them below α is a false lead with a probability of at most α."""
    ascending = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[ascending] = np.maximum.accumulate(np.asarray(p)[ascending] * np.arange(len(p), 0, -1))
    return np.minimum(corrected, 1).tolist()


def _differences(table: Table) -> dict[tuple[str, int], np.ndarray]:
    """Scores (seeds, images) of the best cell of each contest and column, less those of the second best; positive is ahead."""
    found = {}
    for titles in table.contests:
        for number, column in enumerate(table.columns):
            sign = 1 if UP in column.name else -1
            cells = {title: cell for title in titles if isinstance(cell := table.rows[title][number], Cell) and cell.samples}
            ranking = sorted(cells, key=lambda title: sign * (cells[title].mean or 0), reverse=True)
            if len(ranking) > 1:
                best, second = (cells[title].samples for title in ranking[:2])
                shared = [seed for seed in best if seed in second]
                if len(shared) > 1:
                    found[ranking[0], number] = sign * np.stack([best[seed] - second[seed] for seed in shared])
    return found


def _p_of(ahead: np.ndarray) -> float:
    """p of these differences (seeds, images) of best and second best, by the test alone."""
    from scipy.stats import wilcoxon  # takes a second to import, and a single seed has no use for it

    return float(wilcoxon(ahead.ravel(), alternative="greater").pvalue) if ahead.any() else 1.0


def best_cells(table: Table) -> set[tuple[str, int]]:
    """The cells (title, column) to set in bold: those whose lead the test confirms and every seed shows."""
    return confirmed(leads(table))


def confirmed(found: Mapping[tuple[str, int], Lead]) -> set[tuple[str, int]]:
    """The cells (title, column) whose lead, of those of a table, is significant at ALPHA and in every seed."""
    return {cell for cell, lead in found.items() if lead.p < ALPHA and lead.in_every_seed}


def best_by_block(table: Table) -> list[tuple[Table, set[tuple[str, int]]]]:
    """The blocks of a table, each with its best cells (title, column of the block), which the test of the whole table finds."""
    best, found, start = best_cells(table), [], 0
    for block in blocks(table):
        stop = start + len(block.columns)
        found.append((block, {(title, number - start) for title, number in best if start <= number < stop}))
        start = stop
    return found


def bold_note(seeds: Sequence[Sequence[int]], among: str) -> str:
    """The meaning of bold in a table with rows of these seeds whose best `among` are sought, or why nothing is bold."""
    if max(map(len, seeds)) == 1:
        return "One seed: plain numbers, no cell is bold."
    single = " Where the best or the second best has one seed, none is bold." if min(map(len, seeds)) == 1 else ""
    return (
        f"Bold: the best {among}, where it leads the second best in every seed and a one-sided Wilcoxon signed-rank test over "
        f"pairs of images and seeds separates them (p < {ALPHA} by Holm's correction for all comparisons of best and second "
        "best in this table). Images of one seed share a training, so this is no test of trainings." + single
    )
