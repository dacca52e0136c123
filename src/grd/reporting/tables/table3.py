"""Table III: methods on volumes."""

from dataclasses import replace

from grd.data.store import chosen_numbers
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.titles import segmenter_title
from grd.reporting.notes import WIDTH_NOTE
from grd.reporting.runs import repeats
from grd.reporting.scores import score_columns
from grd.reporting.table import Table
from grd.reporting.tables.methods import methods_table


def table3(project: Project, layout: Layout) -> Table:
    """Table III: every method on the 3D data sets, segmented in two ways."""
    table = methods_table(
        project,
        layout,
        "table3",
        "Table III. Distillation methods on 3D data sets, segmented by waterz and by a multicut (LMC): reproduced (published).",
        score_columns(project, "table3", by_segmenter=True),
        lambda run, column: run.get(column.segmenter, {}).get(column.metric),
        TABLE3_NOTES,
        "method of each column",
    )
    return replace(table, notes=[*table.notes, *_threshold_notes(project, layout)])


TABLE3_NOTES = (
    "VOI: variation of information, split + merge, in bits; ARAND: adapted Rand error. Both are computed over the whole test "
    "volume, without voxels whose ground truth is 0; with one test volume, only seeds make pairs for a test.",
    "The paper's LMC is a multicut, not a lifted one.",
    WIDTH_NOTE,
)


def _threshold_notes(project: Project, layout: Layout) -> list[str]:
    """Thresholds chosen on validation data, read from labels files: a note for each segmenter that has them."""
    datasets = {name: project.datasets[name] for name in project.datasets_of("table3")}
    tuned = [
        (name, segmenter)
        for name, data in datasets.items()
        for segmenter, settings in data.segmenters.items()
        if getattr(settings, "threshold", None) == "validation"
    ]
    notes = []
    for segmenter in dict.fromkeys(segmenter for _, segmenter in tuned):
        found = {datasets[name].title: _thresholds(project, layout, name, segmenter) for name, own in tuned if own == segmenter}
        thresholds = "; ".join(f"{title} {', '.join(texts)}" for title, texts in found.items() if any(texts))
        if thresholds:
            notes.append(f"{segmenter_title(segmenter)} {THRESHOLDS_NOTE}: {thresholds}.")
    return notes


THRESHOLDS_NOTE = "thresholds, those of lowest VOI on the validation data, in the order of the rows"


def _thresholds(project: Project, layout: Layout, dataset: str, segmenter: str) -> list[str]:
    """`0.4`, or `0.4/0.45` for two seeds, for each run on a data set; empty if its labels files have none."""
    texts = []
    for run in project.first_seed_runs("table3", dataset):
        paths = map(layout.labels, repeats(project.runs("table3"), run))
        found = (chosen_numbers(path, segmenter).get("threshold") for path in paths)
        texts.append("/".join(f"{value:g}" for value in found if value is not None))
    return texts
