"""Selections from the runs of an experiment."""

from collections.abc import Sequence

from grd.project.project import Project
from grd.project.run import Run


def one_per_stem(runs: Sequence[Run]) -> list[Run]:
    """The first of the runs that differ in data set and seed alone."""
    found: dict[str, Run] = {}
    for run in runs:
        found.setdefault(run.stem, run)
    return list(found.values())


def one_per_row(project: Project, experiment: str) -> list[Run]:
    """The first run of each row of an experiment, in the order of config/experiments.yaml, whatever data sets a row is for."""
    first = {run.stem: run for run in one_per_stem(project.runs(experiment))}
    rows = project.experiments[experiment].runs
    stems = [
        Run("", row.network, method, row.teacher, changes=tuple(sorted(row.changes.items()))).stem
        for row in rows
        for method in row.methods
    ]
    return [first[stem] for stem in dict.fromkeys(stems)]


def repeats(runs: Sequence[Run], run: Run) -> list[Run]:
    """Those of the runs that differ from `run` at most in their seed."""
    return [one for one in runs if (one.dataset, one.stem) == (run.dataset, run.stem)]
