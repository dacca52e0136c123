"""The trial: a teacher, a student alone, and the student taught by BISKD and by GRD, after some hundred iterations."""

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.table import Table
from grd.reporting.tables.real_images import rows_of_table2


def table_trial(project: Project, layout: Layout) -> Table:
    """Four rows of Table II."""
    return rows_of_table2(project, layout, "table_trial", "A short training on real images: reproduced (published).")
