"""Claims about what figures show: curves over options of the memory bank, counts of errors."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

import pandas as pd

from grd.config.parsing import check_name
from grd.project.titles import method_title
from grd.reporting.claims.base import (
    FAILS,
    HOLDS,
    NOTHING,
    UNTESTED,
    Claim,
    Evidence,
    Finding,
    rival,
    sd_text,
    verdict_beyond,
)

BANK_FIGURE = "figure6"
SCORE = "sbd"
"""The quantity that seeds spread; the others are counted in bytes."""


class Curve(Claim):
    """The course of a quantity over an option of the memory bank, in Figure 6's data.

    `rises`: it never falls, and ends higher. `saturates`: it rises in the first half of the points, and less per image in the
    second. For a score, all by more than the largest sd over seeds of its points.
    """

    option: Literal["queue_size", "sampling_number"]
    quantity: str
    shape: Literal["rises", "saturates"]

    def figures(self) -> Iterable[str]:
        """Figure 6."""
        return [BANK_FIGURE]

    def is_constructed(self, evidence: Evidence) -> bool:
        """The bank's bytes follow from K and L."""
        return self.quantity != SCORE

    def check(self, evidence: Evidence) -> Finding:
        """Not tested without the figure's data, or where the quantity could not be measured."""
        frame = evidence.figures.get(BANK_FIGURE)
        if (
            frame is None
            or frame[check_name(self.quantity, map(str, frame.columns), "quantity", f"claim '{self.says}'")].isna().any()
        ):
            return NOTHING
        curve = frame[frame["option"] == self.option].sort_values("value")
        points = list(zip(curve["value"].astype(float), curve[self.quantity].astype(float), strict=True))
        if len(points) < 3:
            return NOTHING
        sd = None if curve["sd"].isna().any() else float(curve["sd"].max())
        return {"rises": self._rises, "saturates": self._saturates}[self.shape](points, sd if self.quantity == SCORE else 0.0)

    def _rises(self, points: Sequence[tuple[float, float]], sd: float | None) -> Finding:
        values = [value for _, value in points]
        falls = sd is not None and any(a - b > sd for a, b in pairwise(values))
        text = ", ".join(map(self._amount, values)) + sd_text(sd)
        return Finding(text, FAILS if falls else verdict_beyond(values[-1] - values[0], sd))

    def _saturates(self, points: Sequence[tuple[float, float]], sd: float | None) -> Finding:
        middle = len(points) // 2
        early, late = slope(points[: middle + 1]), slope(points[middle:])
        text = f"{self._amount(early, 2)} per image up to {points[middle][0]:g}, {self._amount(late, 2)} beyond"
        rise, loss = points[middle][1] - points[0][1], (early - late) * (points[-1][0] - points[middle][0])
        return Finding(text + sd_text(sd), verdict_beyond(min(rise, loss), sd))

    def _amount(self, value: float, digits: int = 1) -> str:
        return f"{value / 2**10:.{digits}f} KiB" if self.quantity.endswith("bytes") else f"{value:.{digits}f}"


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Slope from the first point to the last."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    return (y1 - y0) / (x1 - x0)


class Errors(Claim):
    """A run with strictly fewer errors of these kinds than the same pair's other methods, in the images of a figure."""

    figure: Literal["figure2", "figure3"]
    run: str
    methods: list[str]
    errors: list[Literal["over_merge", "over_segmentation"]]

    def figures(self) -> Iterable[str]:
        """The figure of these images."""
        return [self.figure]

    def check(self, evidence: Evidence) -> Finding:
        """Compare the sums over the figure's images."""
        if self.figure not in evidence.figures:
            return NOTHING
        frame = evidence.figures[self.figure]
        stems = frame["run"].str.rsplit("-s", n=1).str[0]
        counts = frame[self.errors].sum(axis=1).groupby(stems).sum()
        methods = [self.run.split("-")[1], *self.methods]
        own, *others = counts.reindex([rival(self.run, method) for method in methods])
        if any(map(pd.isna, (own, *others))):
            return Finding(evidence.absent, UNTESTED)
        titles = map(method_title, methods)
        text = ", ".join(f"{title} {count:g}" for title, count in zip(titles, (own, *others), strict=True))
        return Finding(text, HOLDS if own < min(others) else FAILS)
