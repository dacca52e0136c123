"""The paper's figures: the function `name` of the module `name` here draws figure `name` of config/experiments.yaml.

The function takes project, layout and, where the entry says `device`, a device; one that draws several figures, as their
`module`, takes the figure's name, too.
"""

from importlib import import_module
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from grd.project.paths import Layout
from grd.project.project import Project

if TYPE_CHECKING:
    import torch


def make_figure(name: str, project: Project, layout: Layout, device: "torch.device | None" = None) -> tuple[Figure, pd.DataFrame]:
    """A figure by the name of its experiment, and its data."""
    module = project.experiments[name].module
    draw = getattr(import_module(f"grd.reporting.figures.{module or name}"), module or name)
    made: tuple[Figure, pd.DataFrame] = draw(project, layout, *([device] if device else []), *([name] if module else []))
    return made
