"""Claims that give a number: percentages of an improvement, a gap or another network's cost, and widths."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from math import sqrt
from typing import ClassVar, Literal

from grd.metrics.scoring import merit
from grd.reporting.claims.base import FAILS, HOLDS, OTHER_SEEDS, UNTESTED, Claim, Evidence, Finding, Key
from grd.reporting.scores import METRICS

SIZES = ("parameters", "macs")
"""Numbers of the paper's networks, whatever data they are trained on."""

TOLERANCE = 0.25
"""Largest relative error of an "approximate" width."""


def sign(metric: str) -> int:
    """1 where more is better, -1 where less is."""
    return int(merit(metric, 1))


def number_text(metric: str, value: float) -> str:
    """A number with the digits of its tables."""
    return f"{value:.{METRICS[metric].digits if metric in METRICS else 2}f}"


def half_up(value: float, digits: int) -> str:
    """A number rounded half up: 19.95 is 20.0, whatever its binary digits, and zero has no sign."""
    return f"{value + 1e-9:z.{digits}f}"


class ColumnClaim(Claim):
    """A claim about the numbers of some runs in one column."""

    table: str
    dataset: str = ""
    segmenter: str = ""
    metric: str

    def key(self, run: str) -> Key:
        """Key of a run's number in this column."""
        return self.table, run, self.dataset, self.segmenter, self.metric

    def cells(self) -> Iterable[tuple[str, ...]]:
        """The cells of these runs."""
        return map(self.key, self.runs())

    def check(self, evidence: Evidence) -> Finding:
        """The finding from the numbers of `runs`, where it can be tested."""
        return self.untested(evidence) or self.finding(self.values(evidence))

    def untested(self, evidence: Evidence) -> Finding | None:
        """Why the claim cannot be tested: a number is missing, or the numbers are of different seeds."""
        if not self.values(evidence):
            return Finding(evidence.absent, UNTESTED)
        return None if evidence.same_seeds(map(self.key, self.runs())) else OTHER_SEEDS

    def values(self, evidence: Evidence) -> list[float]:
        """The numbers of `runs`; empty if one is missing."""
        found = [evidence.numbers.get(self.key(run)) for run in self.runs()]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) else []

    @abstractmethod
    def runs(self) -> list[str]:
        """Stems of the runs that it compares."""

    @abstractmethod
    def finding(self, values: Sequence[float]) -> Finding:
        """The finding from the numbers of `runs`, in their order."""


class Percentage(ColumnClaim):
    """A claim about a percentage: equal to `claimed` when rounded to its digits, or strictly above or below it."""

    arrow: ClassVar[str] = " → "
    claimed: Decimal
    relation: Literal["equals", "above", "below"] = "equals"

    def check(self, evidence: Evidence) -> Finding:
        """Scores and times of synthetic twins give a percentage, but no verdict on a claim about real data."""
        finding = super().check(evidence)
        return replace(finding, verdict=UNTESTED) if evidence.twins and self.metric not in SIZES else finding

    @abstractmethod
    def percent(self, values: Sequence[float]) -> float | None:
        """The percentage; None where it has no meaning."""

    def finding(self, values: Sequence[float]) -> Finding:
        """The percentage with the digits that were claimed (one more beside a bound), and the numbers that it is from."""
        percent = self.percent(values)
        numbers = self.arrow.join(number_text(self.metric, value) for value in values)
        if percent is None:
            return Finding(f"no percentage ({numbers})", UNTESTED)
        digits = -int(self.claimed.as_tuple().exponent)
        text = half_up(percent, digits + (self.relation != "equals"))
        holds = {
            "equals": half_up(percent, digits) == str(self.claimed),
            "above": Decimal(str(round(percent, 9))) > self.claimed,
            "below": Decimal(str(round(percent, 9))) < self.claimed,
        }[self.relation]
        return Finding(f"{text} % ({numbers})", HOLDS if holds else FAILS)


class Improvement(Percentage):
    """Relative improvement of a run over another run, or over the best of several."""

    run: str
    over: str | list[str]

    def runs(self) -> list[str]:
        """The runs it is compared with, then the run."""
        return [*([self.over] if isinstance(self.over, str) else self.over), self.run]

    def finding(self, values: Sequence[float]) -> Finding:
        """The finding against the best of the others."""
        *others, own = values
        return super().finding([max(others, key=lambda other: sign(self.metric) * other), own])

    def percent(self, values: Sequence[float]) -> float | None:
        """Difference in percent of the other's number."""
        other, own = values
        return 100 * sign(self.metric) * (own - other) / other if other else None


class Gap(Percentage):
    """Share of the gap between a student alone (`over`) and its teacher that a run closes."""

    run: str
    over: str
    teacher: str

    def runs(self) -> list[str]:
        """The student alone, taught, and the teacher."""
        return [self.over, self.run, self.teacher]

    def percent(self, values: Sequence[float]) -> float | None:
        """Gain in percent of the gap; None where the teacher is no better than the student alone."""
        alone, taught, teacher = (sign(self.metric) * value for value in values)
        return 100 * (taught - alone) / (teacher - alone) if teacher > alone else None


class Ratio(Percentage):
    """A number of a network in percent of another network's."""

    arrow: ClassVar[str] = " / "
    run: str
    of: str

    def is_constructed(self, evidence: Evidence) -> bool:
        """Networks are defined to the printed counts; times are measured."""
        return self.metric in SIZES

    def runs(self) -> list[str]:
        """The network, then the other."""
        return [self.run, self.of]

    def percent(self, values: Sequence[float]) -> float | None:
        """Percent of the other's number."""
        return 100 * values[0] / values[1] if values[1] else None


class Width(Claim):
    """A network of about 1 / `claimed` of another's width, by the square root of the ratio of their parameters."""

    table: str
    run: str
    of: str
    claimed: int

    def key(self, table: str, run: str) -> Key:
        """Key of a network's number of parameters."""
        return table, run, "", "", "parameters"

    def cells(self) -> Iterable[tuple[str, ...]]:
        """The network's number in its table, the other's in Table I."""
        return [self.key(self.table, self.run), self.key("table1", self.of)]

    def is_constructed(self, evidence: Evidence) -> bool:
        """Networks are defined to the printed counts."""
        return True

    def check(self, evidence: Evidence) -> Finding:
        """Compare widths: the parameters of a convolution grow with the product of its widths."""
        narrow, wide = (evidence.numbers.get(key) for key in (self.key(self.table, self.run), self.key("table1", self.of)))
        if not narrow or not wide:
            return Finding(evidence.absent, UNTESTED)
        share = sqrt(wide / narrow)
        return Finding(f"1/{share:.1f}", HOLDS if abs(share / self.claimed - 1) <= TOLERANCE else FAILS)
