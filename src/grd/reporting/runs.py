"""Selections from the runs of an experiment."""

from collections.abc import Sequence

from grd.project.project import Project
from grd.project.run import Run


def one_per_stem(runs: Sequence[Run]) -> list[Run]:
    """The first of the runs that differ in data set and seed alone, in the order of the rows."""
    return list({run.stem: run for run in reversed(runs)}.values())[::-1]


def first_seed_runs(project: Project, experiment: str, dataset: str) -> list[Run]:
    """The runs of an experiment on one data set, for the first seed."""
    return [run for run in project.runs(experiment) if run.dataset == dataset and run.seed == project.config.seeds[0]]
