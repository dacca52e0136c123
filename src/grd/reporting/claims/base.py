"""What a claim is, and the evidence that it is checked by."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from grd.config.parsing import Closed
from grd.errors import GrdError
from grd.project.titles import SEGMENTER_TITLES
from grd.reporting.scores import METRICS

HOLDS, FAILS, UNTESTED = "holds", "does not hold", "not tested"

Key = tuple[str, str, str, str, str]
"""Table, run stem, data set (empty for costs), segmenter (of Table III) and metric: what names a number."""

LISTED = 5
"""So many exceptions are named; a sentence has no room for more."""


@dataclass(frozen=True)
class Finding:
    """What the evidence gives, in a few words, and one of HOLDS, FAILS, UNTESTED."""

    text: str
    verdict: str


NOTHING = Finding("", UNTESTED)


@dataclass(frozen=True)
class Evidence:
    """What one side, the paper or this project, has to show; what it has not stays empty.

    `titles` of data sets; `absent` says why a number is None; `leads` are the p of the best cells over the second best;
    `settings` by data set and run stem; `samples` shapes of the labels by data set and split, `twins` whether of synthetic
    twins; `seeds` how many; `figures` the data of figures.
    """

    numbers: Mapping[Key, float | None]
    titles: Mapping[str, str] = field(default_factory=dict)
    absent: str = "no number"
    leads: Mapping[Key, float] = field(default_factory=dict)
    settings: Mapping[tuple[str, str], Mapping[str, Any]] | None = None
    samples: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    twins: bool = False
    seeds: int = 1
    figures: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def columns(self, table: str, run: str) -> list[tuple[str, str, str]]:
        """The scores that a table has of a run: data set, segmenter, metric."""
        return [key[2:] for key in self.numbers if key[:2] == (table, run) and key[4] in METRICS]

    def title(self, dataset: str, segmenter: str, metric: str) -> str:
        """A column in words: `CREMI-B LMC ARAND`."""
        words = (self.titles.get(dataset, dataset), SEGMENTER_TITLES.get(segmenter, segmenter), METRICS[metric][0])
        return " ".join(filter(None, words))


def rival(run: str, method: str) -> str:
    """The run of the same pair by another method; `none` is the student alone."""
    parts = run.split("-")
    if len(parts) < 3:
        raise GrdError(
            f"config/claims.yaml, run '{run}': expected a taught one, NETWORK-METHOD-TEACHER, to name '{method}' beside it"
        )
    return parts[0] if method == "none" else f"{parts[0]}-{method}-{parts[2]}"


def listed(names: Sequence[str]) -> str:
    """The first few of them, and how many more."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


class Claim(Closed, ABC):
    """A sentence: where it stands, what it says in short, and, where that helps, what to know about it."""

    kind: str
    place: str
    says: str
    note: str = ""

    @abstractmethod
    def check(self, evidence: Evidence) -> Finding:
        """What the evidence gives, and whether the sentence holds by it."""

    def cells(self) -> Iterable[tuple[str, ...]]:
        """The tables' cells, or rows, that it is about, for their names to be checked."""
        return ()
