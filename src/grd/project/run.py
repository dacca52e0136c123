"""Runs as values. Data set, network, method, teacher, seed and changes name a run; `RunSettings` holds all that decides its
result. Two tables that need the same run name the same folder.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from grd.config.catalogue import METHODS, NETWORKS
from grd.config.datasets import Augment
from grd.config.general import Fidelity
from grd.config.parsing import Closed, Extent, check_name
from grd.config.scales import Training
from grd.config.segmenters import Segmenter
from grd.errors import GrdError
from grd.project.offsets import Offset, offsets_of
from grd.system.digests import digest_of

NAMED, CHANGES = "[a-z0-9_]+", r"(-[a-z_]+[0-9.]+)*"
WITHOUT_TEACHER, WITH_TEACHER = rf"{NAMED}-s\d+", rf"{NAMED}-{NAMED}-{NAMED}{CHANGES}-s\d+"
"""Names of runs, as regular expressions without groups to refer to."""

CHANGE = r"(?P<name>[a-z_]+)(?P<value>[0-9.]+)"
STEM = re.compile(rf"(?P<network>{NAMED})(-(?P<method>{NAMED})-(?P<teacher>{NAMED})(?P<changes>{CHANGES}))?")
NAME = re.compile(r"(?P<stem>.+)-s(?P<seed>\d+)")


@dataclass(frozen=True, order=True)
class Run:
    """A training, such as `resunet-s0`; `resunet_tiny-grd-resunet-s0` for a student with a teacher; with changes to the method's
    weights and options `resunet_tiny-grd-resunet-node1-s0`."""

    dataset: str
    network: str
    method: str = "none"
    teacher: str | None = None
    seed: int = 0
    changes: tuple[tuple[str, float], ...] = ()

    @property
    def stem(self) -> str:
        """The name without its seed, which names the rows of tables and of published.yaml."""
        if self.teacher is None:
            return self.network
        changes = (f"{name}{Decimal(str(value)).normalize():f}" for name, value in self.changes)
        return "-".join([self.network, self.method, self.teacher, *changes])

    @property
    def name(self) -> str:
        """Name of the run's folder within its data set's."""
        return f"{self.stem}-s{self.seed}"

    @property
    def taught_by(self) -> "Run | None":
        """The run that trains its teacher; None without a teacher."""
        return None if self.teacher is None else Run(self.dataset, self.teacher, seed=self.seed)

    @classmethod
    def from_name(cls, dataset: str, name: str) -> "Run":
        """The run with this name; GrdError for a name that no run can have."""
        match = NAME.fullmatch(name)
        if match is None or not STEM.fullmatch(match["stem"]):
            raise GrdError(f"run '{name}': expected NETWORK-sSEED or NETWORK-METHOD-TEACHER[-CHANGES]-sSEED")
        return cls.from_stem(dataset, match["stem"], f"run '{name}'", int(match["seed"]))

    @classmethod
    def from_stem(cls, dataset: str, stem: str, where: str, seed: int = 0) -> "Run":
        """The run whose name without its seed is `stem`; GrdError, with `where`, for one that no run can have."""
        match = STEM.fullmatch(stem)
        if match is None:
            raise GrdError(f"{where}: expected a run NETWORK or NETWORK-METHOD-TEACHER[-CHANGES], found '{stem}'")
        changes = tuple((name, float(value)) for name, value in re.findall(CHANGE, match["changes"] or ""))
        return check_run(cls(dataset, match["network"], match["method"] or "none", match["teacher"], seed, changes), where)


class Selection(Closed):
    """The score that selects a training's weights: a metric, with the segmenter of this name."""

    name: str
    segmenter: Segmenter
    metric: str


class RunSettings(Closed):
    """Everything that decides a run's result. Snakemake compares it to know whether to train again.

    `inter_affinity_factor` is the data set's where the released reading of Eq. 7 uses it, and otherwise 1.
    """

    dataset: str
    run: str
    network: str
    arguments: dict[str, Any]
    method: str
    changes: dict[str, float]
    teacher: str | None
    seed: int
    shifts: tuple[tuple[int, ...], ...]
    reach: int
    fidelity: Fidelity
    inter_affinity_factor: float = 1.0
    normalisation: Literal["imagenet", "unit"]
    canvas: Extent
    padding: Literal["reflect", "zero"]
    augment: Augment
    training: Training
    selection: Selection | None = None

    @property
    def offsets(self) -> list[Offset]:
        """Offsets that are supervised."""
        return offsets_of(self.shifts)

    @property
    def near(self) -> list[Offset]:
        """Offsets that are distilled and predicted."""
        return [offset for offset in self.offsets if max(map(abs, offset)) <= self.reach]

    def key(self, code: str, inputs: Sequence[str]) -> str:
        """Digest of all that decides this training; `code` is the fingerprint of the code that trains it.

        `inputs` are the digests of the files that it learns from (for the name of its folder in state/), or the keys of what
        these files are made from (for the name of a student's record).
        """
        return digest_of(self.model_dump(mode="json"), code, list(inputs))


def check_run(run: Run, where: str) -> Run:
    """`run` itself if its network, teacher and method exist; otherwise a GrdError that names the nearest."""
    check_name(run.network, NETWORKS, "network", where)
    if run.teacher is not None:
        check_name(run.teacher, NETWORKS, "teacher network", where)
        check_name(run.method, METHODS[1:], "method", where)
    elif run.method != "none":
        raise GrdError(f"{where}: method '{run.method}' needs a teacher; add `teacher: NETWORK`")
    elif run.changes:
        raise GrdError(f"{where}: `changes` need a method, found none for {run.network}; add `teacher` and `methods`")
    return run


def with_teachers(runs: Iterable[Run]) -> list[Run]:
    """Distinct runs, followed by the teachers that are not among them."""
    found = dict.fromkeys(runs)
    found.update(dict.fromkeys(run.taught_by for run in list(found) if run.taught_by is not None))
    return list(found)
