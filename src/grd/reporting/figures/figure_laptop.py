"""Figure 2 at scale laptop: a test image of each data set, segmented by every network of the table."""

import pandas as pd
from matplotlib.figure import Figure

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.figures.figure2 import compared_images


def figure_laptop(project: Project, layout: Layout) -> tuple[Figure, pd.DataFrame]:
    """Rows as in Figure 2."""
    return compared_images(project, layout, "figure_laptop")
