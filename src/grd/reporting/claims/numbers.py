"""Claims that give a number: percentages of improvement, of a gap, of another network's cost or width."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from math import sqrt
from typing import ClassVar, Literal

from grd.reporting.claims.base import FAILS, HOLDS, UNTESTED, Claim, Evidence, Finding, Key
from grd.reporting.scores import METRICS
from grd.reporting.table import UP

COUNTED = ("parameters", "macs")
"""Numbers of the paper's networks, whatever they are trained on."""


ABOUT = 0.25
"""How far, as a share, an "approximate" width may be off."""


def sign(metric: str) -> int:
    """1 where more is better, -1 where less is."""
    return 1 if METRICS[metric][3] == UP else -1


def shown(metric: str, value: float) -> str:
    """A number with the digits of its tables."""
    return f"{value:.{METRICS[metric][2] if metric in METRICS else 2}f}"


def rounded(value: float, digits: int) -> str:
    """Rounded half up: 19.95 is 20.0, whatever its binary digits."""
    return f"{value + 1e-9:.{digits}f}"


class Measured(Claim):
    """A claim about numbers of one column."""

    table: str
    dataset: str = ""
    segmenter: str = ""
    metric: str

    def key(self, run: str) -> Key:
        """The number of a run in this column."""
        return self.table, run, self.dataset, self.segmenter, self.metric

    def cells(self) -> Iterable[tuple[str, ...]]:
        """One per run."""
        return map(self.key, self.runs())

    def check(self, evidence: Evidence) -> Finding:
        """Not tested where a number is missing."""
        found = [evidence.numbers.get(self.key(run)) for run in self.runs()]
        values = [value for value in found if value is not None]
        return self.judged(values) if len(values) == len(found) else Finding(evidence.absent, UNTESTED)

    @abstractmethod
    def runs(self) -> list[str]:
        """The run stems that it compares."""

    @abstractmethod
    def judged(self, values: Sequence[float]) -> Finding:
        """By the runs' numbers, in their order."""


class Percentage(Measured):
    """A claim about a percentage: equal to `claimed` when rounded to its digits, or strictly above or below it."""

    arrow: ClassVar[str] = " → "
    claimed: Decimal
    relation: Literal["equals", "above", "below"] = "equals"

    def check(self, evidence: Evidence) -> Finding:
        """Scores and times of synthetic twins give a percentage, but no verdict on one of real data."""
        finding = super().check(evidence)
        return replace(finding, verdict=UNTESTED) if evidence.twins and self.metric not in COUNTED else finding

    @abstractmethod
    def percent(self, values: Sequence[float]) -> float | None:
        """The percentage; None where it has no meaning."""

    def judged(self, values: Sequence[float]) -> Finding:
        """The percentage with the digits that were claimed (one more beside a bound), and the numbers that it is from."""
        percent = self.percent(values)
        numbers = self.arrow.join(shown(self.metric, value) for value in values)
        if percent is None:
            return Finding(f"no percentage ({numbers})", UNTESTED)
        digits = -int(self.claimed.as_tuple().exponent)
        text = rounded(percent, digits + (self.relation != "equals"))
        holds = {
            "equals": rounded(percent, digits) == str(self.claimed),
            "above": Decimal(str(round(percent, 9))) > self.claimed,
            "below": Decimal(str(round(percent, 9))) < self.claimed,
        }[self.relation]
        return Finding(f"{text} % ({numbers})", HOLDS if holds else FAILS)


class Improvement(Percentage):
    """By how much a run is better than another, or than the best of several, relative to that."""

    run: str
    over: str | list[str]

    def runs(self) -> list[str]:
        """Those it is compared with, then the run."""
        return [*([self.over] if isinstance(self.over, str) else self.over), self.run]

    def judged(self, values: Sequence[float]) -> Finding:
        """Over the best."""
        *others, own = values
        return super().judged([max(others, key=lambda other: sign(self.metric) * other), own])

    def percent(self, values: Sequence[float]) -> float | None:
        """Of the other's number."""
        other, own = values
        return 100 * sign(self.metric) * (own - other) / other if other else None


class Gap(Percentage):
    """Which share of the gap between a student alone (`over`) and its teacher a run closes."""

    run: str
    over: str
    teacher: str

    def runs(self) -> list[str]:
        """The student alone, taught, and the teacher."""
        return [self.over, self.run, self.teacher]

    def percent(self, values: Sequence[float]) -> float | None:
        """Of the gap; none where the teacher is no better than the student alone."""
        alone, taught, teacher = (sign(self.metric) * value for value in values)
        return 100 * (taught - alone) / (teacher - alone) if teacher > alone else None


class Ratio(Percentage):
    """What a network has or takes, in percent of what another one does."""

    arrow: ClassVar[str] = " / "
    run: str
    of: str

    def runs(self) -> list[str]:
        """Both."""
        return [self.run, self.of]

    def percent(self, values: Sequence[float]) -> float | None:
        """Of the other's."""
        return 100 * values[0] / values[1] if values[1] else None


class Width(Claim):
    """A network of about 1 / `claimed` of another's width, by the square root of their parameters' ratio."""

    table: str
    run: str
    of: str
    claimed: int

    def key(self, table: str, run: str) -> Key:
        """The number of parameters."""
        return table, run, "", "", "parameters"

    def cells(self) -> Iterable[tuple[str, ...]]:
        """The network's in its table, the other's in Table I."""
        return [self.key(self.table, self.run), self.key("table1", self.of)]

    def check(self, evidence: Evidence) -> Finding:
        """Convolutions have as many parameters as the product of their widths."""
        narrow, wide = (evidence.numbers.get(key) for key in (self.key(self.table, self.run), self.key("table1", self.of)))
        if not narrow or not wide:
            return Finding(evidence.absent, UNTESTED)
        share = sqrt(wide / narrow)
        return Finding(f"1/{share:.1f}", HOLDS if abs(share / self.claimed - 1) <= ABOUT else FAILS)
