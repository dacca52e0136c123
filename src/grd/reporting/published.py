"""Check of config/published.yaml: tables, data sets, runs, segmenters and columns have names that a table can have."""

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

from grd.config.parsing import check_mapping, check_name
from grd.distillation import method_class
from grd.errors import GrdError
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import SEGMENTER_TITLES
from grd.reporting.scores import METRICS
from grd.reporting.tables.ablation import TERMS

FILE = "config/published.yaml"
PAPER_TABLES = {f"table{number}" for number in range(1, 7)}
COLUMNS = {*METRICS, "parameters", "macs", "seconds", "seconds_spread", *TERMS, *(f"lambda{n}" for n, _ in enumerate(TERMS, 1))}
"""Columns of the paper's tables."""


def check_published(project: Project) -> None:
    """GrdError for the first name that no table can have, with the nearest that one can, and for a cell that is no number.

    Tables, data sets and runs that config/experiments.yaml leaves out are accepted; its tables need an entry each.
    """
    for table, content in project.published.items():
        check_name(table, {*PAPER_TABLES, *project.experiments}, "table", FILE)
        for names, cells in published_rows(check_mapping(content, FILE, table), f"{FILE}, {table}"):
            _check_row_names(project, f"{FILE}, {table}", names)
            _check_cells(COLUMNS if table in PAPER_TABLES else cells, ", ".join((FILE, table, *names)), cells)
    for table in project.tables:
        if table not in project.published:
            raise GrdError(f"{FILE}: expected an entry '{table}', found none; add it, as '{table}: {{}}' if nothing is published")


def published_rows(content: Mapping[str, Any], where: str, *names: str) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Names and cells of each row of a table: (run), (data set, run), or (data set, run, segmenter)."""
    if any(isinstance(value, dict) for value in content.values()):
        for name, inner in content.items():
            yield from published_rows(check_mapping(inner, where, name), f"{where}, {name}", *names, name)
    elif len(names) in (1, 2, 3):
        yield names, content
    elif names:
        raise GrdError(f"{where}: expected data set, run and segmenter above the numbers at most, found {len(names)} levels")


def _check_row_names(project: Project, where: str, names: tuple[str, ...]) -> None:
    dataset, stem, *segmenters = ("", *names) if len(names) == 1 else names
    if dataset:
        check_name(dataset, project.datasets, "data set", where)
        where = f"{where}, {dataset}"
    run = Run.from_stem(dataset, stem, where)
    for change, _ in run.changes:
        method = method_class(run.method)
        check_name(change, [*method.weights, *method.options], f"weight or option of {run.method}", f"{where}, {stem}")
    for segmenter in segmenters:
        check_name(segmenter, {*SEGMENTER_TITLES, *project.datasets[dataset].segmenters}, "segmenter", f"{where}, {stem}")


def _check_cells(columns: Iterable[str], where: str, cells: Mapping[str, Any]) -> None:
    for column, value in cells.items():
        check_name(column, columns, "column", where)
        number = isinstance(value, int | float) and isfinite(value) and (not isinstance(value, bool) or column in TERMS)
        if value is not None and not number:
            raise GrdError(f"{where}: expected a number or null in '{column}', found {value!r}; correct it")
