"""A run is a value: data set, network, method, teacher, seed and changes name it, and `RunSettings` holds all that decides its
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
from grd.config.parsing import Closed, Extent, known
from grd.config.scales import Training
from grd.errors import GrdError
from grd.project.offsets import Offset, offsets_of
from grd.system.digests import digest_of

CHANGE = r"(?P<name>[a-z_]+)(?P<value>[0-9.]+)"


NAME = re.compile(
    r"(?P<network>[a-z0-9_]+)(-(?P<method>[a-z0-9_]+)-(?P<teacher>[a-z0-9_]+)(?P<changes>(-[a-z_]+[0-9.]+)*))?-s(?P<seed>\d+)"
)


@dataclass(frozen=True, order=True)
class Run:
    """One training: `resunet-s0`, `resunet_tiny-grd-resunet-s0` for a student with a teacher, or, with changes to the
    method's weights and options, `resunet_tiny-grd-resunet-node1-s0`."""

    dataset: str
    network: str
    method: str = "none"
    teacher: str | None = None
    seed: int = 0
    changes: tuple[tuple[str, float], ...] = ()

    @property
    def stem(self) -> str:
        """The name without its seed: what the rows of tables and of published.yaml are keyed by."""
        if self.teacher is None:
            return self.network
        changes = (f"{name}{Decimal(str(value)).normalize():f}" for name, value in self.changes)
        return "-".join([self.network, self.method, self.teacher, *changes])

    @property
    def name(self) -> str:
        """The run's folder within its data set's."""
        return f"{self.stem}-s{self.seed}"

    @property
    def taught_by(self) -> "Run | None":
        """The teacher's own run."""
        return None if self.teacher is None else Run(self.dataset, self.teacher, seed=self.seed)

    @classmethod
    def named(cls, dataset: str, name: str) -> "Run":
        """The run that a folder's name says; GrdError for a name that says none."""
        match = NAME.fullmatch(name)
        if match is None:
            raise GrdError(f"run '{name}': expected NETWORK-sSEED or NETWORK-METHOD-TEACHER[-CHANGES]-sSEED")
        changes = tuple((name, float(value)) for name, value in re.findall(CHANGE, match["changes"] or ""))
        run = cls(dataset, match["network"], match["method"] or "none", match["teacher"], int(match["seed"]), changes)
        return checked(run, f"run '{name}'")


class RunSettings(Closed):
    """Everything that decides a run's result; what Snakemake compares to know whether to run it again."""

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
    normalisation: Literal["imagenet", "unit"]
    canvas: Extent
    padding: Literal["reflect", "zero"]
    augment: Augment
    training: Training

    @property
    def offsets(self) -> list[Offset]:
        """The pairs that are supervised."""
        return offsets_of(self.shifts)

    @property
    def near(self) -> list[Offset]:
        """The pairs that are distilled and predicted."""
        return [offset for offset in self.offsets if max(map(abs, offset)) <= self.reach]

    def key(self, code: str, inputs: Sequence[str]) -> str:
        """A digest of all that decides this training; `code` is the fingerprint of what trains it.

        `inputs` are the digests of the files that it learns from (so its folder in state/ is named), or the keys of what these
        files are made from (so a student's record is named).
        """
        return digest_of(self.model_dump(mode="json"), code, list(inputs))


def checked(run: Run, where: str) -> Run:
    """`run` if its network, teacher and method exist; otherwise a GrdError that names the nearest."""
    known(run.network, NETWORKS, "network", where)
    if run.teacher is not None:
        known(run.teacher, NETWORKS, "teacher network", where)
        known(run.method, METHODS[1:], "method", where)
    elif run.method != "none":
        raise GrdError(f"{where}: method '{run.method}' needs a teacher; add `teacher: NETWORK`")
    elif run.changes:
        raise GrdError(f"{where}: changes are to a method, found none for {run.network}; add `teacher` and `methods`")
    return run


def with_teachers(runs: Iterable[Run]) -> list[Run]:
    """Distinct runs, then the teachers that are not among them."""
    found = dict.fromkeys(runs)
    found.update(dict.fromkeys(run.taught_by for run in list(found) if run.taught_by is not None))
    return list(found)
