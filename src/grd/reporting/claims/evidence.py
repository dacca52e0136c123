"""What the paper has to show, from config/published.yaml, and what this project has, from its tables, figures and samples."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from grd.data.store import SPLITS, opened
from grd.distillation import weights_and_options
from grd.networks import network_class
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run, RunSettings
from grd.reporting.claims import check_names, load_claims
from grd.reporting.claims.base import Claim, Evidence, Key
from grd.reporting.claims.others import Setting
from grd.reporting.scores import METRICS
from grd.reporting.tables.table2 import EXCHANGED

TABLES = tuple(f"table{number}" for number in range(1, 7))
FIGURES = ("figure2", "figure3", "figure6")
COSTS = ("parameters", "macs", "seconds")
"""Numbers of networks, whatever the data set."""


def paper_evidence(project: Project) -> Evidence:
    """The printed tables; of settings claims themselves say what the released code has."""
    return Evidence(published_numbers(project.published), dataset_titles(project), "unreadable cell")


def check_claims(project: Project) -> None:
    """GrdError for a fault of config/claims.yaml, also for a claim about a cell that no table of the paper has."""
    check_names(load_claims(project.claims), published_numbers(project.published))


def published_numbers(published: Mapping[str, Any]) -> dict[Key, float | None]:
    """The printed numbers by key, Dice and F1 of C. elegans and BBBC039V1 under their true names."""
    return {
        (table, run, "" if metric in COSTS else dataset, segmenter, _true_name(table, metric)): value
        for table, dataset, run, segmenter, row in _printed_rows(published)
        for metric, value in row.items()
        if metric in METRICS or metric in COSTS
    }


def _printed_rows(published: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, Mapping[str, Any]]]:
    """Table, data set, run, segmenter, and the metrics of that row."""
    for run, row in published["table1"].items():
        yield "table1", "", run, "", row
    for table in TABLES[1:]:
        for dataset, rows in published[table].items():
            for run, row in rows.items():
                for segmenter, cells in row.items() if table == "table3" else [("", row)]:
                    yield table, dataset, run, segmenter, cells


def _true_name(table: str, metric: str) -> str:
    return EXCHANGED.get(metric, metric) if table == "table2" else metric


def our_evidence(project: Project, layout: Layout, claims: Mapping[str, Sequence[Claim]]) -> Evidence:
    """Our tables and figures (their csv files), prepared samples, and the settings that claims are about."""
    frames = {table: pd.read_csv(layout.results / "tables" / f"{table}.csv") for table in TABLES}
    return Evidence(
        our_numbers(frames, "ours"),
        dataset_titles(project),
        "no number",
        {key: p for key, p in our_numbers(frames, "p").items() if p is not None},
        {
            pair: {**plain_settings(project, *pair), **method_settings(project.settings(run_named(project, *pair)))}
            for pair in settings_wanted(claims)
        },
        {dataset: shapes(layout.samples(dataset)) for dataset in dict.fromkeys(run.dataset for run in project.all_runs())},
        project.scale.data == "twins",
        len(project.config.seeds),
        {name: pd.read_csv(layout.results / "figures" / f"{name}.csv") for name in FIGURES},
    )


def our_numbers(frames: Mapping[str, pd.DataFrame], column: str) -> dict[Key, float | None]:
    """A column of the tables' csv by key, None where it is empty; rows that are no run's are left out."""
    return {
        (table, run, dataset, segmenter if table == "table3" else "", metric): None if pd.isna(number) else float(number)
        for table, frame in frames.items()
        for run, dataset, segmenter, metric, number in zip(*_named(frame), frame[column], strict=True)
        if run and metric
    }


def _named(frame: pd.DataFrame) -> list[list[str]]:
    """Runs, data sets, segmenters and metrics of the lines."""
    return [frame[name].astype(object).fillna("").astype(str).tolist() for name in ("run", "dataset", "segmenter", "metric")]


def method_settings(settings: RunSettings) -> dict[str, Any]:
    """What code decides where configuration does not: weights and options of the method, dimension of the embedding."""
    default = inspect.signature(network_class(settings.network)).parameters["embedding"].default
    found: dict[str, Any] = {"embedding": settings.arguments.get("embedding", default)}
    if settings.teacher is not None:
        found["weights"], found["options"] = weights_and_options(settings)
    return found


def shapes(samples: Path) -> dict[str, tuple[int, ...]]:
    """Shapes (n, *spatial) of the labels of each split."""
    with opened(samples, "samples") as file:
        return {split: tuple(map(int, file[split]["labels"].shape)) for split in SPLITS}


def dataset_titles(project: Project) -> dict[str, str]:
    """Titles of the data sets by name."""
    return {name: dataset.title for name, dataset in project.datasets.items()}


def settings_wanted(claims: Mapping[str, Sequence[Claim]]) -> list[tuple[str, str]]:
    """Data set and run stem of every claim about a setting."""
    wanted = [claim for section in claims.values() for claim in section if isinstance(claim, Setting)]
    return list(dict.fromkeys((claim.dataset, claim.run) for claim in wanted))


def run_named(project: Project, dataset: str, stem: str) -> Run:
    """The run of the first seed."""
    return Run.from_name(dataset, f"{stem}-s{project.config.seeds[0]}")


def plain_settings(project: Project, dataset: str, stem: str) -> dict[str, Any]:
    """A run's settings and its data set's, as plain values."""
    own = project.settings(run_named(project, dataset, stem)).model_dump(mode="json")
    return {**project.dataset(dataset).model_dump(mode="json"), **own}
