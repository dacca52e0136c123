"""The shipped configuration at some scale, and benchmarks of it with round numbers."""

from pathlib import Path

import yaml

from grd.planning.estimate import Benchmark, Measurement, cost_key
from grd.project.project import Project

ROOT = Path(__file__).parents[2]


def shipped(scale="demo", **changes):
    general = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | {"scale": scale, **changes}
    return Project.load(ROOT / "config", general)


def measured(project, runs=None, **changes):
    """A benchmark in which a step takes 1 s, with a teacher 10 s that students share and 2 s of the student's own, and a
    validation 0.5 s; a run holds 100 bytes, and its peak is 10 bytes, with a teacher 1017."""
    found = {}
    for run in runs or project.all_runs():
        canvas = project.settings(run).canvas
        found[cost_key(project, run)] = Measurement(
            run=f"{run.dataset}/{run.stem}",
            step=12 if run.teacher else 1,
            own=2 if run.teacher else 0.75,
            validation=0.5,
            output=canvas if len(canvas) == 2 else (8, 48, 48),
            held=100,
            peak=1017 if run.teacher else 10,
            own_peak=10,
        )
    return Benchmark(**{"machine": {}, "device": "a GPU", "torch": "2", "steps": 3, "measurements": found, **changes})


def without_memory(benchmark):
    """The same, measured on a CPU."""
    zero = {"held": 0, "peak": 0, "own_peak": 0}
    costs = {key: cost.model_copy(update=zero) for key, cost in benchmark.measurements.items()}
    return benchmark.model_copy(update={"device": "a CPU", "measurements": costs})
