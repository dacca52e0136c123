"""Plans for people, and as CSV."""

import csv
import heapq
import io
from collections.abc import Collection, Iterable

from grd.planning.estimate import MEMORY
from grd.planning.plan import SHARINGS, Job, Plan


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
