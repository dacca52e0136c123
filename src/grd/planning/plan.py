"""A target's runs and training jobs, their iterations, hours, memory and disk space, before it is run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan

from grd.data.store import SPLITS
from grd.networks.complexity import weight_bytes
from grd.planning.estimate import Benchmark, Estimate, estimate, image_bytes, pixels, read_benchmark
from grd.project.groups import groups_of
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run, with_teachers

LABELS = 0.2  # bytes of a pixel's label in a file: of AC4, CREMI and BBBC039 1 to 4 % of 32 bits, compressed
MODELS = 3  # files with weights: selected, last, and the model
UNKNOWN = Estimate(nan, nan, 0)  # cost of a job that is not measured


@dataclass(frozen=True)
class TrainingJob:
    """A run without teacher, or students that share one, and the steps of each; `name` is that of its log below
    results/<scale>/logs."""

    name: str
    runs: tuple[Run, ...]
    steps: tuple[int, ...]
    cost: Estimate


@dataclass(frozen=True)
class Plan:
    """The work that is left for some targets."""

    project: Project
    layout: Layout
    targets: tuple[str, ...]
    wanted: tuple[Run, ...]
    finished: frozenset[Run]
    benchmark: Benchmark | None

    @classmethod
    def of(cls, project: Project, layout: Layout, targets: Sequence[str]) -> "Plan":
        """The plan for tables, figures, `tables`, `figures`, `all`, and paths of runs; GrdError for what is none of these."""
        wanted = runs_of(project, layout, targets)
        finished = frozenset(run for run in {*wanted, *project.known_runs()} if layout.weights(run).exists())
        return cls(project, layout, tuple(targets), tuple(wanted), finished, read_benchmark(layout.benchmark))

    @cached_property
    def jobs(self) -> list[TrainingJob]:
        """The training jobs that are left."""
        alone = [(f"train/{run.dataset}/{run.name}", (run,)) for run in self.wanted if run.taught_by is None]
        groups = groups_of(self.project, set(self.wanted) - self.finished)
        found = [*alone, *((f"distil/{group.name}", group.students) for group in groups)]
        left = ((name, tuple(run for run in runs if run not in self.finished)) for name, runs in found)
        return [self._job(name, runs) for name, runs in left if runs]

    def _job(self, name: str, runs: tuple[Run, ...]) -> TrainingJob:
        cost = estimate(self.project, runs, self.benchmark) if self.benchmark else None
        return TrainingJob(name, runs, tuple(self.project.settings(run).training.iterations for run in runs), cost or UNKNOWN)

    @property
    def trained(self) -> list[Run]:
        """Runs that the jobs train: those that are wanted, and others that share a job with them."""
        return [run for job in self.jobs for run in job.runs]

    @property
    def missing(self) -> str | None:
        """Why there are no hours, and what to do; None if there are."""
        unmeasured, command = sum(job.cost is UNKNOWN for job in self.jobs), f"grd benchmark --scale {self.project.config.scale}"
        reason = f"not measured with the present settings for {unmeasured} of {len(self.jobs)} jobs; run `{command}` first"
        return reason if unmeasured else None

    def before(self, job: TrainingJob) -> TrainingJob | None:
        """The job of this plan that trains a job's teacher."""
        return next((other for other in self.jobs if job.runs[0].taught_by in other.runs), None)

    def least_hours(self, devices: int) -> float:
        """Lower bound of the hours on so many devices: all of them busy, or the longest job after that of its teacher."""
        chains = [job.cost.hours + (before.cost.hours if (before := self.before(job)) else 0) for job in self.jobs]
        return max([sum(job.cost.hours for job in self.jobs) / devices, *chains])

    def disk(self) -> dict[str, int]:
        """Bytes of the files that are still to be written, about, by kind."""
        project, layout, datasets = self.project, self.layout, {run.dataset for run in self.wanted}
        arguments = {run.network: project.settings(run).arguments for run in self.trained}
        weights = {network: weight_bytes(network, **own) for network, own in arguments.items()}
        labels = {name: LABELS * pixels(project, name, ["test"]) for name in datasets}
        ways = {name: len(project.dataset(name).segmenters) for name in datasets}
        unsegmented = [run for run in self.wanted if not layout.labels(run).exists()]
        return {
            "samples": sum(image_bytes(project, name, SPLITS) for name in datasets if not layout.samples(name).exists()),
            "models": sum(MODELS * weights[run.network] for run in self.trained),
            "segmentations": int(sum(labels[run.dataset] * ways[run.dataset] for run in unsegmented)),
        }


def runs_of(project: Project, layout: Layout, targets: Iterable[str]) -> list[Run]:
    """The distinct runs, teachers included, of names like `table2` and of paths below results/<scale>/runs."""
    runs: list[Run] = []
    for target in targets:
        at_path = "/" in target
        runs += [project.check_run(layout.run_at(target))] if at_path else project.runs_of(target)
    for dataset in dict.fromkeys(run.dataset for run in runs):
        project.check_twin(dataset)
    return with_teachers(runs)
