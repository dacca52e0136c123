"""Table II on real images after some thousand iterations: a night on two CPU cores for each data set."""

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.table import Table
from grd.reporting.tables.real_images import rows_of_table2


def table_laptop(project: Project, layout: Layout) -> Table:
    """Rows of Table II on C. elegans and BBBC039."""
    return rows_of_table2(project, layout, "table_laptop", "A night's training on real images: reproduced (published).")
