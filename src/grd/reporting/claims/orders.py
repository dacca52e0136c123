"""Claims that compare rows: better, significantly better, in an order, gaining, or sensitive to a setting."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from grd.config.catalogue import NETWORKS
from grd.reporting.claims.base import (
    FAILS,
    HOLDS,
    OTHER_SEEDS,
    UNTESTED,
    Claim,
    Evidence,
    Finding,
    enumeration,
    rival,
    sd_text,
    verdict_beyond,
)
from grd.reporting.claims.numbers import ColumnClaim, number_text, sign
from grd.reporting.scores import METRICS
from grd.reporting.significance import ALPHA


class Better(Claim):
    """Runs that are strictly better than others in all columns of a table, or in more than half of them.

    Each run is compared with the same pair's other `methods` (`none`: the student alone) and with the `others` named.
    """

    table: str
    runs: list[str]
    methods: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    extent: Literal["all", "majority"] = "all"

    def rivals(self, run: str) -> list[str]:
        """Runs that a run is compared with."""
        return [*(rival(run, method) for method in self.methods), *self.others]

    def cells(self) -> Iterable[tuple[str, ...]]:
        """Rows of the table."""
        return ((self.table, name) for run in self.runs for name in (run, *self.rivals(run)))

    def check(self, evidence: Evidence) -> Finding:
        """Count the columns, and name the exceptions; columns with a missing number, or of different seeds, are left out.

        Where the paper prints more columns, the sentence is not tested as long as these could decide it.
        """
        margins = self._margins(evidence)
        mixed = len(self._margins(replace(evidence, seeds={}))) - len(margins)
        if not margins:
            return OTHER_SEEDS if mixed else Finding(evidence.absent, UNTESTED)
        failing = [cell for cell, margin in margins.items() if margin <= 0]
        tested, count = len(margins), len(margins) - len(failing)
        claimed = max(tested, len(self._margins(replace(evidence, numbers=evidence.printed, seeds={}))))
        needed = claimed if self.extent == "all" else claimed // 2 + 1
        named = [self._label(evidence, *cell) + ("" if margins[cell] else " (equal)") for cell in failing]
        text = f"{count} of {tested} columns" + (f" (the paper has {claimed})" if claimed > tested else "")
        verdict = HOLDS if count >= needed else FAILS if count + claimed - tested < needed else UNTESTED
        text += f"; not {enumeration(named)}" if named else ""
        return Finding(text + (f"; without {mixed} of different seeds" if mixed else ""), verdict)

    def _margins(self, evidence: Evidence) -> dict[tuple[str, tuple[str, str, str]], float]:
        """The margin of each run over the best of the others, by column."""
        return {
            (run, column): margin
            for run in self.runs
            for column in evidence.columns(self.table, run)
            if (margin := self._margin(evidence, run, column)) is not None
        }

    def _margin(self, evidence: Evidence, run: str, column: tuple[str, str, str]) -> float | None:
        """Margin over the best of the others; None where a number is missing, or where they are of different seeds."""
        keys = [(self.table, name, *column) for name in (run, *self.rivals(run))]
        own, *others = map(evidence.numbers.get, keys)
        if own is None or None in others or not evidence.same_seeds(keys):
            return None
        return min(sign(column[2]) * (own - other) for other in others if other is not None)

    def _label(self, evidence: Evidence, run: str, column: tuple[str, str, str]) -> str:
        """The column and, if there are several runs, the pair of this one."""
        network, _, *teacher = run.split("-")[:3] if "-" in run else (run, "")
        pair = f" of {NETWORKS[network].title}" + "".join(f" by {NETWORKS[name].title}" for name in teacher)
        return evidence.title(*column) + (pair if len(self.runs) > 1 else "")


class Significant(Claim):
    """A run that leads significantly in the majority of a table's columns, by the rule that sets cells in bold."""

    table: str
    run: str

    def cells(self) -> Iterable[tuple[str, ...]]:
        """A row of the table."""
        return [(self.table, self.run)]

    def check(self, evidence: Evidence) -> Finding:
        """Count the bold cells; one seed allows no test, and few seeds on one volume none that could show it."""
        columns = evidence.columns(self.table, self.run)
        comparisons = sum(key[0] == self.table for key in evidence.compared)
        if not comparisons or not any((self.table, self.run, *column) in evidence.sds for column in columns):
            return Finding("no test over seeds", UNTESTED)
        pairs = max(len(evidence.seeds.get((self.table, self.run, *column), "").split()) for column in columns)
        if comparisons * 0.5**pairs >= ALPHA:  # the least p of one volume, all pairs of one sign, by Holm's correction
            return Finding(f"{pairs} pairs cannot have p < {ALPHA} in {comparisons} comparisons", UNTESTED)
        count = sum((self.table, self.run, *column) in evidence.bold for column in columns)
        return Finding(f"bold in {count} of {len(columns)} columns", HOLDS if 2 * count > len(columns) else FAILS)


class Order(ColumnClaim):
    """Runs of which each is strictly better than the one before."""

    rows: list[str]

    def runs(self) -> list[str]:
        """The runs in the claimed order."""
        return self.rows

    def finding(self, values: Sequence[float]) -> Finding:
        """The numbers in that order."""
        text = ", ".join(number_text(self.metric, value) for value in values)
        return Finding(text, HOLDS if all(sign(self.metric) * (b - a) > 0 for a, b in pairwise(values)) else FAILS)


class Gains(ColumnClaim):
    """Students that gain the less from a teacher, the better they are alone."""

    students: list[str]

    def runs(self) -> list[str]:
        """The students alone, then taught."""
        return [*(rival(run, "none") for run in self.students), *self.students]

    def finding(self, values: Sequence[float]) -> Finding:
        """The gains of the students, the worst student first."""
        alone, taught = values[: len(values) // 2], values[len(values) // 2 :]
        pairs = sorted((sign(self.metric) * a, sign(self.metric) * b) for a, b in zip(alone, taught, strict=True))
        gains = [round(b - a, 9) for a, b in pairs]
        text = ", ".join(number_text(self.metric, gain) for gain in gains)
        return Finding(f"gains {text}", HOLDS if all(a > b for a, b in pairwise(gains)) else FAILS)


class Sensitivity(ColumnClaim):
    """Minor settings that move a metric less than the critical ones do, whichever way they are changed.

    The difference has to exceed the largest sd over seeds of these runs. `minor` and `critical` list, by the settings' names, the
    runs that change them; `run` is the unchanged one.
    """

    run: str
    minor: dict[str, list[str]]
    critical: dict[str, list[str]]

    def runs(self) -> list[str]:
        """The unchanged run, then the changed ones."""
        return [self.run, *(run for runs in (self.minor | self.critical).values() for run in runs)]

    def check(self, evidence: Evidence) -> Finding:
        """Not tested where seeds spread the metric more than the settings differ."""
        sd = evidence.largest_sd(map(self.key, self.runs()))
        return self.untested(evidence) or self.finding(self.values(evidence), sd)

    def finding(self, values: Sequence[float], sd: float | None = 0.0) -> Finding:
        """Compare the largest change of the metric by a minor setting with the smallest by a critical one."""
        numbers = dict(zip(self.runs(), values, strict=True))
        swings = {
            name: max(round(abs(numbers[run] - numbers[self.run]), 9) for run in runs)
            for name, runs in (self.minor | self.critical).items()
        }
        lead = min(swings[name] for name in self.critical) - max(swings[name] for name in self.minor)
        text = ", ".join(f"{name} {number_text(self.metric, swing)}" for name, swing in swings.items())
        return Finding(f"changes by up to: {text}{sd_text(sd, METRICS[self.metric].digits)}", verdict_beyond(lead, sd))
