"""Rows of Table II on BBBC039 alone."""

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.table import Table
from grd.reporting.tables.real_images import rows_of_table2


def table_nuclei(project: Project, layout: Layout) -> Table:
    """The teacher, and ResUNet-tiny alone and taught by every method."""
    return rows_of_table2(project, layout, "table_nuclei", "Distillation methods on BBBC039V1: reproduced (published).")
