"""The evidence of both sides: config/published.yaml, and this project's tables, figures, settings and samples."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from grd.config.parsing import check_name
from grd.data.store import SPLITS, open_file
from grd.distillation import weights_and_options
from grd.networks import embedding_size
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run, RunSettings
from grd.reporting.claims import check_names, load_claims
from grd.reporting.claims.base import Claim, Evidence, Key
from grd.reporting.claims.design import Setting
from grd.reporting.published import FILE, published_rows
from grd.reporting.scores import METRICS
from grd.reporting.tables.table2 import EXCHANGED

COSTS = ("parameters", "macs", "seconds")
"""Numbers of networks, whatever the data set."""

Claims = Mapping[str, Sequence[Claim]]
"""Claims by the section of the paper."""


def published_evidence(project: Project) -> Evidence:
    """The printed tables; claims about settings themselves say what the released code has."""
    return Evidence(published_numbers(project.published), titles=dataset_titles(project), absent="unreadable cell")


def check_claims(project: Project) -> None:
    """GrdError for a fault of config/claims.yaml, also for a claim about a data set that is not known, or about a cell that no
    table of the paper has."""
    claims = load_claims(project.claims)
    for claim in (claim for section in claims.values() for claim in section):
        for name in claim.named_datasets():
            check_name(name, project.datasets, "data set", f"config/claims.yaml, '{claim.says}'")
    check_names(claims, published_numbers(project.published))
    settings = settings_of_claims(project, claims)
    for claim in setting_claims(claims):
        claim.value(settings[claim.dataset, claim.run])


def published_numbers(published: Mapping[str, Any]) -> dict[Key, float | None]:
    """The printed numbers by key, Dice and F1 of C. elegans and BBBC039V1 under their true names."""
    return {
        (table, run, "" if metric in COSTS else dataset, segmenter, _true_name(table, metric)): value
        for table, content in published.items()
        for names, row in published_rows(content, f"{FILE}, {table}")
        for dataset, run, segmenter in [_place(names)]
        for metric, value in row.items()
        if metric in METRICS or metric in COSTS
    }


def _place(names: Sequence[str]) -> tuple[str, str, str]:
    """Data set, run and segmenter of a row of a printed table by run, by data set and run, or by all three."""
    dataset, run, segmenter = {1: ("", *names, ""), 2: (*names, ""), 3: names}[len(names)]
    return dataset, run, segmenter


def _true_name(table: str, metric: str) -> str:
    return EXCHANGED.get(metric, metric) if table == "table2" else metric


def reproduced_evidence(project: Project, layout: Layout, claims: Claims) -> Evidence:
    """The tables and figures of this project (their csv files), its samples, and the settings that claims are about."""
    tables = {table: pd.read_csv(layout.results / "tables" / f"{table}.csv") for table in project.tables}
    trained = dict.fromkeys(run.dataset for run in project.all_runs())
    return replace(
        _evidence_of_tables(project, tables),
        settings=settings_of_claims(project, claims),
        samples={dataset: shapes(layout.samples(dataset)) for dataset in trained},
        listed=[dataset for dataset in trained if project.datasets[dataset].split != "archive"],
        figures={name: pd.read_csv(layout.results / "figures" / f"{name}.csv") for name in figures_of_claims(claims)},
    )


def evidence_of_rows(project: Project, layout: Layout, table: str) -> Evidence:
    """A table on request (its csv) as evidence of the paper's table whose rows it has."""
    tables = {str(project.experiments[table].rows_of): pd.read_csv(layout.results / "tables" / f"{table}.csv")}
    return _evidence_of_tables(project, tables)


def _evidence_of_tables(project: Project, tables: Mapping[str, pd.DataFrame]) -> Evidence:
    """The numbers of tables (their csv, by the paper's name), with sds and tests."""
    printed = published_numbers(project.published)
    by_segmenter = {table for table, _, _, segmenter, _ in printed if segmenter}
    by_key = {column: present(reproduced_numbers(tables, column, by_segmenter)) for column in ("sd", "p", "bold")}
    seeds = {key: str(names) for key, names in _by_key(tables, "seeds", by_segmenter).items() if not pd.isna(names)}
    return Evidence(
        reproduced_numbers(tables, "reproduced", by_segmenter),
        dataset_titles(project),
        printed=printed,
        sds=by_key["sd"],
        compared=list(by_key["p"]),
        bold=[key for key, bold in by_key["bold"].items() if bold],
        settings={},
        twins=project.scale.data == "twins",
        seeds=seeds,
    )


def claims_about(claims: Claims, table: str) -> Claims:
    """The claims about cells of one table of the paper, and of no other."""
    return {
        section: [claim for claim in entries if {cell[0] for cell in claim.cells()} == {table}]
        for section, entries in claims.items()
    }


def reproduced_numbers(tables: Mapping[str, pd.DataFrame], column: str, by_segmenter: Collection[str]) -> dict[Key, float | None]:
    """A column of the tables' csv by key, None where it is empty or doubtful; rows that belong to no run are left out.

    Keys name the segmenter in the tables `by_segmenter`, which have scores by several.
    """
    numbers = _by_key(tables, column, by_segmenter)
    return {key: None if pd.isna(number) else float(number) for key, number in numbers.items()}


def _by_key(tables: Mapping[str, pd.DataFrame], column: str, by_segmenter: Collection[str]) -> dict[Key, Any]:
    return {
        (table, run, dataset, segmenter if table in by_segmenter else "", metric): value
        for table, frame in tables.items()
        for run, dataset, segmenter, metric, value in zip(*_names(frame), frame[column].mask(frame["doubtful"]), strict=True)
        if run and metric
    }


def present(numbers: Mapping[Key, float | None]) -> dict[Key, float]:
    """The numbers that are not None."""
    return {key: number for key, number in numbers.items() if number is not None}


def _names(frame: pd.DataFrame) -> list[list[str]]:
    """Runs, data sets, segmenters and metrics of the lines."""
    return [frame[name].astype(object).fillna("").astype(str).tolist() for name in ("run", "dataset", "segmenter", "metric")]


def figures_of_claims(claims: Claims) -> list[str]:
    """Names of the figures whose data claims are about."""
    return sorted({name for section in claims.values() for claim in section for name in claim.figures()})


def setting_claims(claims: Claims) -> list[Setting]:
    """The claims about settings."""
    return [claim for section in claims.values() for claim in section if isinstance(claim, Setting)]


def settings_of_claims(project: Project, claims: Claims) -> dict[tuple[str, str], dict[str, Any]]:
    """The settings that claims are about, by data set and run stem; GrdError for a run that cannot be."""
    about = {(claim.dataset, claim.run): f"config/claims.yaml, '{claim.says}'" for claim in setting_claims(claims)}
    return {pair: all_settings(project, *pair, where) for pair, where in about.items()}


def all_settings(project: Project, dataset: str, stem: str, where: str) -> dict[str, Any]:
    """Settings of the run of the first seed and of its data set as plain values, those that code decides included."""
    settings = project.settings(Run.from_stem(dataset, stem, where, project.config.seeds[0]))
    configured = {**project.dataset(dataset).model_dump(mode="json"), **settings.model_dump(mode="json")}
    return {**configured, **coded_settings(settings)}


def coded_settings(settings: RunSettings) -> dict[str, Any]:
    """Settings with defaults in code: weights and options of the method, dimension of the embedding."""
    found: dict[str, Any] = {"embedding": embedding_size(settings.network, **settings.arguments)}
    if settings.teacher is not None:
        found["weights"], found["options"] = weights_and_options(settings)
    return found


def shapes(samples: Path) -> dict[str, tuple[int, ...]]:
    """Shapes (n, *spatial) of the labels of each split; (n,) where sizes differ."""
    with open_file(samples, "samples") as file:
        found = {split: file[split]["labels"] for split in SPLITS}
        return {split: tuple(map(int, getattr(item, "shape", (len(item),)))) for split, item in found.items()}


def dataset_titles(project: Project) -> dict[str, str]:
    """Titles of the data sets by name."""
    return {name: dataset.title for name, dataset in project.datasets.items()}
