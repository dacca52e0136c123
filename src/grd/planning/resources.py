"""What a training job asks a cluster for: as `grd benchmark` has measured it, otherwise as the scale says."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from grd.planning.estimate import Benchmark, estimate
from grd.project.project import Project
from grd.project.run import Run

SAFETY = 1.5  # the measurement had the machine for itself
STARTING = 15  # minutes: imports from a shared disk, reading the data
PROCESS = 4000  # MB: Python, torch and a GPU's libraries


@dataclass(frozen=True)
class Resources:
    """Time in minutes and memory of the host in MB."""

    minutes: int
    megabytes: int


def training_resources(project: Project, runs: Sequence[Run], benchmark: Benchmark | None, attempt: int = 1) -> Resources:
    """What to ask for a job that trains these runs; from the second `attempt` on, half as much again each time.

    Never longer than the scale's `training_hours`: a training that needs more goes on in the next attempt. What a job holds on
    a GPU, it holds at most once in the host's memory.
    """
    costs = estimate(project, runs, benchmark) if benchmark else None
    longest, more = 60 * project.scale.training_hours, (1 + attempt) / 2
    if costs is None:
        return Resources(ceil(longest), ceil(1000 * project.scale.training_gb * more))
    minutes = STARTING + SAFETY * 60 * costs.hours
    return Resources(ceil(min(longest, minutes * more)), ceil((PROCESS + SAFETY * costs.memory / 1e6) * more))
