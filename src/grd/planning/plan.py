"""A target's runs and training jobs, their iterations, hours, memory and disk space, before it is run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import get_args

from grd.config.general import Config
from grd.planning.estimate import Benchmark, Estimate, estimate, own_work, read_benchmark
from grd.planning.sizes import affinities_bytes, labels_bytes, samples_bytes
from grd.project.groups import groups_of
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run, with_teachers

SHARINGS = get_args(Config.model_fields["sharing"].annotation)


@dataclass(frozen=True)
class Job:
    """One training job: a run without teacher, or students that share one. `name` is that of its log below
    results/<scale>/logs."""

    name: str
    runs: tuple[Run, ...]
    iterations: int
    estimate: Estimate | None

    @property
    def teacher(self) -> Run | None:
        """The run that must be there before."""
        return self.runs[0].taught_by

    @property
    def passes(self) -> int:
        """Forward passes of the teacher, one per batch."""
        return self.iterations if self.teacher else 0


@dataclass(frozen=True)
class Plan:
    """What is left to do for some targets."""

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
        finished = frozenset(run for run in {*wanted, *project.all_runs()} if layout.model(run).exists())
        return cls(project, layout, tuple(targets), tuple(wanted), finished, read_benchmark(layout.benchmark))

    @cached_property
    def jobs(self) -> list[Job]:
        """The training jobs that are left, as the configuration groups students."""
        return self.jobs_with(self.project.config.sharing)

    def jobs_with(self, sharing: str) -> list[Job]:
        """The training jobs that are left, with another grouping of students."""
        config = self.project.config.model_copy(update={"sharing": sharing})
        groups = groups_of(replace(self.project, config=config), set(self.wanted) - self.finished)
        alone = [(f"train/{run.dataset}/{run.name}", (run,)) for run in self.wanted if run.taught_by is None]
        found = [*alone, *((f"distil/{group.name}", group.students) for group in groups)]
        left = ((name, tuple(run for run in runs if run not in self.finished)) for name, runs in found)
        return [self._job(name, runs) for name, runs in left if runs]

    def _job(self, name: str, runs: tuple[Run, ...]) -> Job:
        measured = estimate(self.project, runs, self.benchmark) if self.benchmark else None
        return Job(name, runs, max(self.iterations(run) for run in runs), measured)

    def iterations(self, run: Run) -> int:
        """Steps of a run."""
        return self.project.settings(run).training.iterations

    @cached_property
    def trained(self) -> list[Run]:
        """Runs that the jobs train: those that are wanted, and others that share a job with them."""
        return [run for job in self.jobs for run in job.runs]

    @property
    def missing(self) -> str | None:
        """Why there are no hours, and what to do; None if there are."""
        unmeasured = sum(job.estimate is None for job in self.jobs)
        if not unmeasured:
            return None
        first = f"`grd benchmark --scale {self.project.config.scale}` first"
        if self.benchmark is None:
            return f"not measured here: {first}"
        return f"not measured with the present settings for {unmeasured} of {len(self.jobs)} jobs: {first}"

    def disk(self) -> dict[str, int]:
        """Bytes of files that are still to be written, about, by kind.

        Temporary are `affinities`, those of one run, and `checkpoints`, two of each run of a job.
        """
        datasets = {run.dataset: run for run in self.wanted}
        files = {run: self._file_sizes(run) for run in self.trained}
        models = sum(model for model, _ in files.values())
        return {
            "samples": sum(self._samples(name) for name in datasets),
            "models": models,
            "finished trainings": models,
            "checkpoints": max((2 * sum(files[run][1] for run in job.runs) for job in self.jobs), default=0),
            "segmentations": sum(self._labels(run) for run in self.wanted),
            "affinities": max(self._affinities(run) for run in datasets.values()),
        }

    def _samples(self, dataset: str) -> int:
        if self.layout.samples(dataset).exists():
            return 0
        return samples_bytes(self.project.dataset(dataset), self.project.twin(dataset))

    def _labels(self, run: Run) -> int:
        dataset = self.project.dataset(run.dataset)
        left = sum(not self.layout.labels(run, segmenter).exists() for segmenter in dataset.segmenters)
        return left * labels_bytes(dataset, self.project.twin(run.dataset))

    def _affinities(self, run: Run) -> int:
        offsets = len(self.project.settings(run).near)
        return affinities_bytes(self.project.dataset(run.dataset), self.project.twin(run.dataset), offsets)

    def _file_sizes(self, run: Run) -> tuple[int, int]:
        """Bytes of a model and of its training's state: two copies of the weights and what the optimiser keeps."""
        work = own_work(self.project, run)
        if self.benchmark is not None and self.benchmark.covers([work.key]):
            return self.benchmark.of(work).model, self.benchmark.of(work).checkpoint
        weights = self._weights[run.network]
        return weights, weights * (5 if work.settings.training.amsgrad else 4)

    @cached_property
    def _weights(self) -> dict[str, int]:
        """Bytes of the networks' weights, counted (which takes torch)."""
        from grd.networks.complexity import weight_bytes

        arguments = {run.network: self.project.settings(run).arguments for run in self.trained}
        return {network: weight_bytes(network, **own) for network, own in arguments.items()}


def runs_of(project: Project, layout: Layout, targets: Iterable[str]) -> list[Run]:
    """The distinct runs, teachers included, of names like `table2` and of paths below results/<scale>/runs."""
    runs: list[Run] = []
    for target in targets:
        at_path = "/" in target
        runs += [project.check_run(layout.run_at(target))] if at_path else project.runs_of(target)
    return with_teachers(runs)
