"""What a target asks for before it is run: runs, training jobs, iterations, passes of teachers, hours, memory, disk space."""

import csv
import heapq
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import get_args

from grd.config.general import Config
from grd.planning.estimate import MEMORY, Benchmark, Estimate, estimate, own_work, read_benchmark
from grd.planning.sizes import affinities_bytes, labels_bytes, samples_bytes
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
        groups = replace(self.project, config=config).groups_of(set(self.wanted) - self.finished)
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
        runs += [project.known_run(layout.run_at(target))] if at_path else project.runs_of(target)
    return with_teachers(runs)


def with_companions(project: Project, runs: Iterable[Run]) -> list[Run]:
    """Runs, and the students that are trained in one job with some of them."""
    wanted = list(runs)
    return list(dict.fromkeys([*wanted, *(student for group in project.groups_of(wanted) for student in group.students)]))


def hours(jobs: Iterable[Job]) -> float:
    """Device-hours of jobs that were all measured."""
    return sum(job.estimate.hours for job in jobs if job.estimate)


def longest(jobs: Iterable[Job]) -> Job:
    """The job of most hours."""
    return max(jobs, key=lambda job: job.estimate.hours if job.estimate else 0)


def wall_clock(jobs: Collection[Job], devices: int) -> float:
    """Hours until all jobs are done on so many devices, one job on each at a time: of those whose teacher is there, the
    longest is next."""
    waiting = sorted(jobs, key=lambda job: -hours([job]))
    ends = {run: float("inf") for job in jobs for run in job.runs}
    free = [0.0] * devices
    while waiting:
        now = heapq.heappop(free)
        ready = [max(now, ends.get(job.teacher, 0.0) if job.teacher else 0.0) for job in waiting]
        first = min(ready)
        job = waiting[ready.index(first)]
        waiting.remove(job)
        ends.update(dict.fromkeys(job.runs, first + hours([job])))
        heapq.heappush(free, first + hours([job]))
    return max((end for end in ends.values()), default=0.0)


def report(plan: Plan, devices: int | None = None) -> str:
    """A plan in words and numbers; with a number of devices also the hours until all is done on them."""
    scale = plan.project.scale
    lines = [f"{', '.join(plan.targets)} at scale {plan.project.config.scale} ({scale.title})", ""]
    lines += _runs(plan)
    if plan.jobs:
        lines += ["", *_sharings(plan), "", *_costs(plan, devices)]
    return "\n".join([*lines, *_disk(plan), "", *NOTES, ""])


NOTES = (
    "Time is of training with its validations; predicting, segmenting and scoring come on top. All of time, memory and disk",
    "are estimates; archives are not counted. Runs whose model.pt is there count as finished.",
)


def _line(name: str, text: str) -> str:
    return f"{name:14}{text}"


def _runs(plan: Plan) -> list[str]:
    alone = [run for run in plan.wanted if run.taught_by is None]
    teachers = {run.taught_by for run in plan.wanted} & set(alone)
    students = len(plan.wanted) - len(alone)
    kinds = f"{len(alone)} without teacher ({len(teachers)} of them teach), {_many(students, 'student')}"
    lines = [_line("runs", f"{len(plan.wanted)}: {kinds}")]
    if done := len(plan.finished & set(plan.wanted)):
        lines.append(_line("finished", f"{done} of them; {len(plan.wanted) - done} are left"))
    if others := len(set(plan.trained) - set(plan.wanted)):
        lines.append(_line("", f"{_many(others, 'other student')} in the same jobs as these, trained with them"))
    steps = sum(plan.iterations(run) for run in plan.trained)
    counts = f"{_many(len(plan.jobs), 'job')}, {_many(len(plan.trained), 'run')}, {steps:,} iterations in all"
    return [*lines, _line("training", counts)]


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _sharings(plan: Plan) -> list[str]:
    """What each setting of `sharing` would mean."""
    lines = [_line("sharing", f"{'jobs':>6}{'runs':>6}{'teacher passes':>18}{'device-hours':>14}{'longest job':>13}")]
    for sharing in SHARINGS:
        jobs = plan.jobs_with(sharing)
        measured = all(job.estimate for job in jobs)
        times = f"{hours(jobs):14.2f}{duration(hours([longest(jobs)])):>13}" if measured else f"{'?':>14}{'?':>13}"
        counts = f"{len(jobs):6}{sum(len(job.runs) for job in jobs):6}{sum(job.passes for job in jobs):18,}"
        mark = "  as configured" if sharing == plan.project.config.sharing else ""
        lines.append(_line(f"  {sharing}", counts + times + mark))
    return lines


def _costs(plan: Plan, devices: int | None) -> list[str]:
    if plan.benchmark is None or plan.missing:
        return [_line("time, memory", plan.missing or "")]
    jobs, most = plan.jobs, longest(plan.jobs)
    lines = [
        _line("time", f"{duration(hours(jobs))} of training on one device ({plan.benchmark.device})"),
        _line("", f"longest job: {duration(hours([most]))}, {most.name}"),
    ]
    if devices is not None:
        lines.append(_line("", f"on {devices} at a time, the longest first: {duration(wall_clock(jobs, devices))}"))
    heaviest = max(jobs, key=_memory)
    return [
        *lines,
        _line("memory", f"{size(_memory(heaviest))} on the device: {heaviest.name}"),
        _line("", MEMORY[plan.benchmark.memory]),
    ]


def _memory(job: Job) -> int:
    return job.estimate.memory if job.estimate else 0


def _disk(plan: Plan) -> list[str]:
    parts = plan.disk()
    affinities, checkpoints = parts.pop("affinities"), parts.pop("checkpoints")
    listed = ", ".join(f"{name} {size(part)}" for name, part in parts.items())
    return [
        _line("disk", f"{size(sum(parts.values()))}: {listed}"),
        _line("", f"checkpoints, while a job trains: up to {size(checkpoints)} for each job at a time"),
        _line("", f"affinities, while a run is segmented: up to {size(affinities)} for each run at a time"),
    ]


def size(number: int) -> str:
    """Bytes for people, in powers of 1000."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"


def duration(time: float) -> str:
    """Hours for people."""
    if time >= 1:
        return f"{time:.1f} h"
    return f"{time * 60:.1f} min" if time >= 1 / 60 else f"{time * 3600:.0f} s"


def table(plan: Plan) -> str:
    """A line of CSV per training job; seconds, hours and memory are empty where they were not measured.

    `after` is the job that must be done before, if it is not yet.
    """
    trains = {run: job.name for job in plan.jobs for run in job.runs}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["job", "runs", "iterations", "step_seconds", "hours", "memory_gb", "after"])
    for job in plan.jobs:
        costs = job.estimate
        numbers = (f"{costs.step_seconds:.4g}", f"{costs.hours:.4g}", f"{costs.memory / 1e9:.3f}") if costs else ("", "", "")
        writer.writerow([job.name, len(job.runs), job.iterations, *numbers, trains.get(job.teacher, "") if job.teacher else ""])
    return text.getvalue()
