"""The trial's pictures: one test image, segmented by every network of the trial."""

import pandas as pd
from matplotlib.figure import Figure

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.figures.figure2 import compared_images


def figure_trial(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """A row as in Figure 2."""
    return compared_images(project, layout, "figure_trial")
