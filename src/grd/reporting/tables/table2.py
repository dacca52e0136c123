"""Table II: methods on images."""

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.scores import score_columns
from grd.reporting.table import Table
from grd.reporting.tables.methods import methods_table

# In the paper's columns of C. elegans and BBBC039V1, "Dice" holds the object F1 and "F1" the pixel Dice: PQ / "Dice" is a
# plausible segmentation quality, PQ / "F1" is not, and the released code names them so. Here both have their true names.
EXCHANGED = {"dice": "f1", "f1": "dice"}


def table2(project: Project, layout: Layout) -> Table:
    """Table II: every method and pair on the three 2D data sets."""
    return methods_table(
        project,
        layout,
        "table2",
        "Table II. Distillation methods on 2D data sets: reproduced (published).",
        score_columns(project, "table2"),
        lambda run, column: run.get(EXCHANGED.get(column.metric, column.metric)),
        TABLE2_NOTES,
        "method of each teacher–student pair",
    )


TABLE2_NOTES = (
    "C. elegans and BBBC039V1: the paper's columns Dice and F1 look exchanged; here its Dice stands beside the object F1, its F1 "
    "beside the pixel Dice.",
    "AJI uses a predicted segment once, as the released code does; in the later script of AJI's authors (MoNuSeg 2018) one "
    "segment can serve several instances. Where a segment covers a tiny instance and then a large one, the two differ by almost "
    "0.5.",
    "An image with instances but an empty prediction counts with 0; the authors' metrics leave such images out of the means.",
    "–: not printed, or not readable in the text of the paper.",
)
