"""The paper's figures: the function `name` of the module `name` here draws figure `name` of config/experiments.yaml.

The function takes project and layout; `device` if it computes, as the entry must say; and `experiment`, the figure's name, if it
draws several figures, as their `module`.
"""

from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import Project

if TYPE_CHECKING:
    import torch


def make_figure(name: str, project: Project, layout: Layout, device: "torch.device | None" = None) -> tuple[Figure, pd.DataFrame]:
    """A figure by the name of its experiment, and its data; GrdError if its entry does not fit the function."""
    module, where = project.experiments[name].module, f"config/experiments.yaml, {name}"
    draw = getattr(import_module(f"grd.reporting.figures.{module or name}"), module or name)
    given, wanted = {"device": device, "experiment": name}, signature(draw).parameters
    if "device" in wanted and device is None:
        raise GrdError(f"{where}: expected `device: true`, since it computes, found none; add it")
    if module not in (None, name) and "experiment" not in wanted:
        raise GrdError(f"{where}: expected a module that draws several figures, found {module}, which draws one; write another")
    made: tuple[Figure, pd.DataFrame] = draw(project, layout, **{key: value for key, value in given.items() if key in wanted})
    return made
