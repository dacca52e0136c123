"""The paper's figures: figure `name` of config/experiments.yaml is drawn by the function `name` of the module `name` here."""

from importlib import import_module

import pandas as pd
from matplotlib.figure import Figure

from grd.project.paths import Layout
from grd.project.project import Project


def make_figure(name: str, project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """A figure by the name of its experiment, and the data that it shows."""
    made: tuple[Figure, pd.DataFrame] = getattr(import_module(f"grd.reporting.figures.{name}"), name)(project, layout)
    return made
