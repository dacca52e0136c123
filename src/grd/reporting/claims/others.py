"""Claims about settings, data and figures, and those that nothing tests."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from grd.config.catalogue import NETWORKS
from grd.config.parsing import check_name
from grd.project.titles import METHOD_TITLES
from grd.reporting.claims.base import FAILS, HOLDS, NOTHING, UNTESTED, Claim, Evidence, Finding, listed, rival


class Count(Claim):
    """How many different teachers, methods (but GRD) or pairs the rows of tables show."""

    tables: list[str]
    what: Literal["teachers", "methods", "pairs"]
    claimed: int

    def check(self, evidence: Evidence) -> Finding:
        """Their number and, of methods and teachers, their names."""
        names = (key[1].split("-") for key in evidence.numbers if key[0] in self.tables)
        taught = [parts for parts in names if len(parts) > 1]
        found = {
            "teachers": [NETWORKS[teacher].title for _, _, teacher, *_ in taught],
            "methods": [METHOD_TITLES.get(method, method) for _, method, *_ in taught if method != "grd"],
            "pairs": [f"{teacher} {network}" for network, _, teacher, *_ in taught],
        }[self.what]
        distinct = list(dict.fromkeys(found))
        text = str(len(distinct)) + ("" if self.what == "pairs" else f": {listed(distinct)}")
        return Finding(text, HOLDS if len(distinct) == self.claimed else FAILS)


class Setting(Claim):
    """A setting of a run or of its data set, by its path of keys; of a list, with `entries`, its length.

    `released` is what the authors' released code has.
    """

    dataset: str
    run: str
    path: str
    entries: bool = False
    claimed: int | float | str | list[int | float]
    released: int | float | str | list[int | float] | None = None

    def check(self, evidence: Evidence) -> Finding:
        """A scale that trains otherwise says nothing about the claim; released code that does, contradicts it."""
        found = self.released if evidence.settings is None else self._found(evidence.settings[self.dataset, self.run])
        if found is None:
            return NOTHING
        otherwise = FAILS if evidence.settings is None else UNTESTED
        text = f"released code: {plain(found)}" if evidence.settings is None else plain(found)
        return Finding(text, HOLDS if found == self.claimed else otherwise)

    def _found(self, settings: Any) -> Any:
        for part in self.path.split("."):
            settings = settings[check_name(part, settings, "setting", f"claim '{self.says}'")]
        return len(settings) if self.entries else settings


def plain(value: Any) -> str:
    """`0.0001`, `300000`, `544, 544`."""
    return ", ".join(map(plain, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


class Samples(Claim):
    """How many images or sections the splits of data sets have together, or the size of an image."""

    datasets: list[str]
    quantity: Literal["images", "sections", "size"]
    splits: tuple[Literal["training", "validation", "test"], ...] = ("training", "validation", "test")
    claimed: int | list[int]

    def check(self, evidence: Evidence) -> Finding:
        """Of each data set. Twins have the splits of the real data, not their size."""
        names = [check_name(name, evidence.titles, "data set", f"claim '{self.says}'") for name in self.datasets]
        if not all(name in evidence.samples for name in names):
            return NOTHING
        found = {name: self._found([evidence.samples[name][split] for split in self.splits]) for name in names}
        titles = [f"{evidence.titles[name]} {plain(value)}" for name, value in found.items()]
        text = ", ".join(titles) if len(found) > 1 else plain(next(iter(found.values())))
        if evidence.twins and self.quantity == "size":
            return Finding(text, UNTESTED)
        return Finding(text, HOLDS if all(value == self.claimed for value in found.values()) else FAILS)

    def _found(self, shapes: Sequence[tuple[int, ...]]) -> int | list[int]:
        """`shapes` (n, *spatial) of the splits' labels."""
        match self.quantity:
            case "images":
                return sum(shape[0] for shape in shapes)
            case "sections":
                return sum(shape[0] * shape[1] for shape in shapes)
        return list(shapes[-1][1:])


class Curve(Claim):
    """How a quantity goes with an option of the memory bank, by Figure 6's data.

    It `rises`: never falls, and ends higher. It `saturates`: it rises less per image in the second half of the points than in
    the first.
    """

    option: Literal["queue_size", "sampling_number"]
    quantity: str
    shape: Literal["rises", "saturates"]

    def check(self, evidence: Evidence) -> Finding:
        """Not tested without the figure's data, or where the quantity could not be measured."""
        frame = evidence.figures.get("figure6")
        if (
            frame is None
            or frame[check_name(self.quantity, map(str, frame.columns), "quantity", f"claim '{self.says}'")].isna().any()
        ):
            return NOTHING
        curve = frame[frame["option"] == self.option].sort_values("value")
        points = list(zip(curve["value"].astype(float), curve[self.quantity].astype(float), strict=True))
        if len(points) < 3:
            return NOTHING
        return self._rises(points) if self.shape == "rises" else self._saturates(points)

    def _rises(self, points: Sequence[tuple[float, float]]) -> Finding:
        values = [value for _, value in points]
        holds = all(a <= b for a, b in pairwise(values)) and values[0] < values[-1]
        return Finding(", ".join(map(self._amount, values)), HOLDS if holds else FAILS)

    def _saturates(self, points: Sequence[tuple[float, float]]) -> Finding:
        middle = len(points) // 2
        early, late = slope(points[: middle + 1]), slope(points[middle:])
        text = f"{self._amount(early, 2)} per image up to {points[middle][0]:g}, {self._amount(late, 2)} beyond"
        return Finding(text, HOLDS if late < early and early > 0 else FAILS)

    def _amount(self, value: float, digits: int = 1) -> str:
        return f"{value / 2**10:.{digits}f} KiB" if self.quantity.endswith("bytes") else f"{value:.{digits}f}"


def slope(points: Sequence[tuple[float, float]]) -> float:
    """From the first point to the last."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    return (y1 - y0) / (x1 - x0)


class Errors(Claim):
    """A run with strictly fewer errors of these kinds than the same pair's other methods, in the images of a figure."""

    figure: Literal["figure2", "figure3"]
    run: str
    methods: list[str]
    errors: list[Literal["over_merge", "over_segmentation"]]

    def check(self, evidence: Evidence) -> Finding:
        """Sums over the figure's images."""
        if self.figure not in evidence.figures:
            return NOTHING
        frame = evidence.figures[self.figure]
        stems = frame["run"].str.rsplit("-s", n=1).str[0]
        counts = frame[self.errors].sum(axis=1).groupby(stems).sum()
        methods = [self.run.split("-")[1], *self.methods]
        own, *others = counts.reindex([rival(self.run, method) for method in methods])
        if any(map(pd.isna, (own, *others))):
            return Finding(evidence.absent, UNTESTED)
        titles = (METHOD_TITLES.get(method, method.upper()) for method in methods)
        text = ", ".join(f"{title} {count:g}" for title, count in zip(titles, (own, *others), strict=True))
        return Finding(text, HOLDS if own < min(others) else FAILS)


class Untested(Claim):
    """A statement that nothing here tests; `note` says why."""

    note: str = Field(min_length=1)

    def check(self, evidence: Evidence) -> Finding:
        """Nothing."""
        return NOTHING
