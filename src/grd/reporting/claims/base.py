"""A claim of the paper's prose, the evidence that it is checked on, and the finding."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
from pydantic import Field

from grd.config.parsing import Closed
from grd.errors import GrdError
from grd.project.titles import segmenter_title
from grd.reporting.scores import METRICS

HOLDS, CONSTRUCTED, FAILS, UNTESTED = "holds", "by construction", "does not hold", "not tested"

Key = tuple[str, str, str, str, str]
"""The name of a number: table, run stem, data set (empty for costs), segmenter (where a table has several) and metric."""

MOST_NAMED = 5
"""Number of exceptions that a finding names; a sentence has no room for more."""


@dataclass(frozen=True)
class Finding:
    """The result of a check: a few words on what the evidence gives, and one of HOLDS, CONSTRUCTED, FAILS, UNTESTED."""

    text: str
    verdict: str


NOTHING = Finding("", UNTESTED)
OTHER_SEEDS = Finding("rows of different seeds", UNTESTED)


@dataclass(frozen=True)
class Evidence:
    """All that one side, the paper or this project, has to show; fields of which it has nothing stay empty.

    `titles` of data sets; `absent` says why a number is None; `printed` are the paper's numbers; `sds` over seeds; `compared`
    are the best cells whose lead a table tests, `bold` those that it sets in bold; `settings` by data set and run stem;
    `samples` has shapes of the labels by data set and split; `listed` are the data sets whose split this project lists; `twins`
    is True if these are synthetic; `seeds` names, as in `0 1 2`, those that a number is a mean over; `figures` has the data of
    figures by name.
    """

    numbers: Mapping[Key, float | None]
    titles: Mapping[str, str] = field(default_factory=dict)
    absent: str = "no number"
    printed: Mapping[Key, float | None] = field(default_factory=dict)
    sds: Mapping[Key, float] = field(default_factory=dict)
    compared: Collection[Key] = ()
    bold: Collection[Key] = ()
    settings: Mapping[tuple[str, str], Mapping[str, Any]] | None = None
    samples: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    listed: Collection[str] = ()
    twins: bool = False
    seeds: Mapping[Key, str] = field(default_factory=dict)
    figures: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def reproduced(self) -> bool:
        """True on this project's side, which alone has settings."""
        return self.settings is not None

    def largest_sd(self, keys: Iterable[Key]) -> float | None:
        """Largest sd over seeds of some numbers; None where one has no sd, 0 for published numbers, which come without."""
        sds = [self.sds.get(key) for key in keys]
        known = [sd for sd in sds if sd is not None]
        return 0.0 if not self.reproduced else max(known) if len(known) == len(sds) else None

    def same_seeds(self, keys: Iterable[Key]) -> bool:
        """True if numbers are means over the same seeds, as far as seeds are known."""
        return len({self.seeds.get(key, "") for key in keys}) == 1

    def columns(self, table: str, run: str) -> list[tuple[str, str, str]]:
        """The columns in which a table has scores of a run: data set, segmenter, metric."""
        return [key[2:] for key in self.numbers if key[:2] == (table, run) and key[4] in METRICS]

    def title(self, dataset: str, segmenter: str, metric: str) -> str:
        """A column in words: `CREMI-B LMC ARAND`."""
        words = (self.titles.get(dataset, dataset), segmenter_title(segmenter), METRICS[metric].title)
        return " ".join(filter(None, words))


def verdict_beyond(margin: float, sd: float | None) -> str:
    """HOLDS or FAILS for a margin beyond the seeds' sd to either side; UNTESTED within it, or without an sd (one seed)."""
    if sd is None:
        return UNTESTED
    return HOLDS if margin > sd else FAILS if margin <= -sd else UNTESTED


def sd_text(sd: float | None, digits: int = 1) -> str:
    """End of a finding: the sd that a margin has to exceed."""
    return "; one seed, no sd" if sd is None else f"; sd over seeds up to {sd:.{digits}f}" if sd else ""


def rival(run: str, method: str) -> str:
    """The run of the same pair by another method; `none` is the student alone."""
    parts = run.split("-")
    if len(parts) < 3:
        raise GrdError(
            f"config/claims.yaml, run '{run}': expected a student with a teacher, NETWORK-METHOD-TEACHER, to compare with "
            f"'{method}', found a network alone; name another run"
        )
    return parts[0] if method == "none" else f"{parts[0]}-{method}-{parts[2]}"


def enumeration(names: Sequence[str]) -> str:
    """The first few names, and the number of the others."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


class Claim(Closed, ABC):
    """A sentence: its place in the paper, what it says in short, and, where that helps, a note to the reader."""

    kind: str
    place: str
    says: str
    note: str = ""

    @abstractmethod
    def check(self, evidence: Evidence) -> Finding:
        """Check the sentence on the evidence."""

    def is_constructed(self, evidence: Evidence) -> bool:
        """True if this project is built so that the sentence holds on its side: agreement shows nothing."""
        return False

    def finding_on(self, evidence: Evidence) -> Finding:
        """The finding of the check, CONSTRUCTED where the sentence holds by the way this project is built."""
        found = self.check(evidence)
        constructed = found.verdict == HOLDS and evidence.reproduced and self.is_constructed(evidence)
        return replace(found, verdict=CONSTRUCTED) if constructed else found

    def cells(self) -> Iterable[tuple[str, ...]]:
        """Names of the tables' rows, or cells, that it is about, to be checked for typos."""
        return ()

    def named_datasets(self) -> Iterable[str]:
        """Data sets that it names outside of cells, to be checked for typos."""
        return ()

    def figures(self) -> Iterable[str]:
        """Names of the figures whose data it is about."""
        return ()


class Untested(Claim):
    """A statement that nothing here tests; `note` says why."""

    note: str = Field(min_length=1)

    def check(self, evidence: Evidence) -> Finding:
        """Nothing."""
        return NOTHING
