"""The paper's figures: the function `name` of the module `name` here draws figure `name` of config/experiments.yaml."""

from importlib import import_module

import pandas as pd
from matplotlib.figure import Figure

from grd.project.paths import Layout
from grd.project.project import Project


def make_figure(name: str, project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """A figure by the name of its experiment, and its data."""
    made: tuple[Figure, pd.DataFrame] = getattr(import_module(f"grd.reporting.figures.{name}"), name)(project, layout)
    return made
