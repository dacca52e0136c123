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
    """A figure by the name of its experiment, and its data; GrdError if it computes and there is no device."""
    module = project.experiments[name].module
    draw = getattr(import_module(f"grd.reporting.figures.{module or name}"), module or name)
    given, wanted = {"device": device, "experiment": name}, signature(draw).parameters
    if "device" in wanted and device is None:
        raise GrdError(f"config/experiments.yaml, {name}: expected `device: true`, since it computes, found none; add it")
    made: tuple[Figure, pd.DataFrame] = draw(project, layout, **{key: value for key, value in given.items() if key in wanted})
    return made
