"""The paper's figures: the function `name` of the module `name` here draws figure `name` of config/experiments.yaml.

A figure whose entry there has a `module` is drawn by that one, whose function has the figure's name as a third argument.
"""

from importlib import import_module

import pandas as pd
from matplotlib.figure import Figure

from grd.project.paths import Layout
from grd.project.project import Project


def make_figure(name: str, project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """A figure by the name of its experiment, and its data."""
    module = project.experiments[name].module
    draw = getattr(import_module(f"grd.reporting.figures.{module or name}"), module or name)
    made: tuple[Figure, pd.DataFrame] = draw(project, layout, name) if module else draw(project, layout)
    return made
