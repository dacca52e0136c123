"""Plans for people, and as CSV."""

import csv
import io

from grd.planning.plan import UNKNOWN, Plan
from grd.system.files import size

NOTES = (
    "All but counts are estimates. Time is of training steps and validation losses. Where validation scores choose weights,",
    "their segmentations come on top; so do prediction, segmentation and scores of test data. Disk counts neither archives nor",
    "the checkpoints of a job that trains (up to ten times its models).",
)


def report(plan: Plan, devices: int | None = None) -> str:
    """A plan in words and numbers; with a number of devices also the least hours that it takes on them."""
    title = f"{', '.join(plan.targets)} at scale {plan.project.config.scale} ({plan.project.scale.title})"
    disk = plan.disk()
    parts = ", ".join(f"{name} {size(part)}" for name, part in disk.items())
    lines = [*_runs(plan), *_costs(plan, devices), f"disk        {size(sum(disk.values()))}: {parts}"]
    return "\n".join([title, "", *lines, "", *NOTES, ""])


def _runs(plan: Plan) -> list[str]:
    wanted, trained = set(plan.wanted), plan.trained
    alone = sum(run.taught_by is None for run in wanted)
    lines = [f"runs        {len(wanted)}: {alone} without teacher, {len(wanted) - alone} students"]
    if done := len(plan.finished & wanted):
        why = "their weights.pt is there; `snakemake -n` says if they are out of date"
        lines.append(f"finished    {done} of them ({why}); {len(wanted) - done} are left")
    if others := len(set(trained) - wanted):
        lines.append(f"companions  {others} other students, trained in the same jobs")
    steps = sum(sum(job.steps) for job in plan.jobs)
    return [*lines, f"training    {len(plan.jobs)} jobs, {len(trained)} runs, {steps:,} iterations"]


def _costs(plan: Plan, devices: int | None) -> list[str]:
    if plan.missing or plan.benchmark is None or not plan.jobs:
        return [f"time        {plan.missing}"] if plan.missing else []
    longest = max(plan.jobs, key=lambda job: job.cost.hours)
    lines = [
        f"time        {duration(sum(job.cost.hours for job in plan.jobs))} of training on one device ({plan.benchmark.device})",
        f"            longest job: {duration(longest.cost.hours)}, {longest.name}",
    ]
    if devices:
        lines.append(f"            on {devices} device(s): at least {duration(plan.least_hours(devices))}")
    heaviest = max(plan.jobs, key=lambda job: job.cost.memory)
    memory = f"{size(heaviest.cost.memory)} on the GPU: {heaviest.name}" if heaviest.cost.memory else "measured on a GPU only"
    return [*lines, f"memory      {memory}"]


def duration(hours: float) -> str:
    """Hours for people."""
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{hours * 60:.1f} min" if hours >= 1 / 60 else f"{hours * 3600:.0f} s"


def table(plan: Plan) -> str:
    """A line of CSV per training job; what was not measured is empty. `after` is the job of the plan that must end before."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["job", "runs", "iterations", "step_seconds", "hours", "memory_gb", "after"])
    for job in plan.jobs:
        cost, before = job.cost, plan.before(job)
        time = ["", ""] if cost is UNKNOWN else [f"{cost.step_seconds:.4g}", f"{cost.hours:.4g}"]
        memory = f"{cost.memory / 1e9:.3f}" if cost.memory else ""
        writer.writerow([job.name, len(job.runs), max(job.steps), *time, memory, before.name if before else ""])
    return text.getvalue()
