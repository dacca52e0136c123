"""Table I: the cost of networks. `grd.segmentation.timing` measures the inference times, in jobs of the rule `time_inference`."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import isnan
from typing import Any

import pandas as pd

from grd.config.catalogue import NETWORKS
from grd.networks.complexity import COUNTED_WITH, Complexity, complexity_by_name
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import titles_of
from grd.reporting.notes import WIDTH_NOTE, duration, foreground_notes, scale_note, twins_banner
from grd.reporting.runs import repeats
from grd.reporting.table import DOUBTFUL, Cell, Column, Table
from grd.segmentation.timing import BUDGET, REPEATS


def table1(project: Project, layout: Layout) -> Table:
    """Table I: parameters and MACs of the paper's networks, and measured inference times on test images and volumes."""
    titles = titles_of(project, "table1")
    runs = project.first_seed_runs("table1")
    devices = {dataset: _devices(project, layout, runs, dataset) for dataset in dict.fromkeys(run.dataset for run in runs)}
    comparable = {dataset: len(set(chain.from_iterable(found))) == 1 for dataset, found in devices.items()}
    rows = {titles[run.stem]: _row(project, layout, run, comparable[run.dataset]) for run in runs}
    for network, outputs in COUNTED_WITH.items():
        counted = _complexity_cells(complexity_by_name(network, embedding=outputs), project.published["table1"][network])
        rows[f"{NETWORKS[network].title} as the paper counted it"] = [*counted, *[""] * 4]
    trained = [scale_note(project, project.scale.training, "table1"), f"MALA: {duration(project.volume_training)}."]
    notes = [*trained, *_measurement_notes(project, layout, runs, devices), *NOTES, *_doubt_notes(rows.values())]
    return Table(CAPTION, COLUMNS, rows, notes, {titles[run.stem]: run.stem for run in runs}, banner=twins_banner(project))


CAPTION = (
    "Table I. Complexity at 544 x 544 (MALA at 84 x 268 x 268) and inference time over the test set: reproduced (published)."
)
COLUMNS = (
    Column("Paper's network", "Parameters (M)", "parameters"),
    Column("Paper's network", "GMAC", "macs"),
    Column("Paper's network", "GMAC, convolutions only", "convolution_macs"),
    Column("Network as trained here", "Forward (s)", "seconds"),
    Column("Network as trained here", "Image to instances (s)", "end_to_end"),
    Column("Network as trained here", "Parameters (M)", "trained_parameters"),
    Column("Network as trained here", "GMAC per image or tile", "trained_macs"),
)
NOTES = (
    "GMAC by the rule of ptflops, which gives the printed digits: biases, batch norms, activations and poolings count.",
    "NestedUNet: the printed 36.36 M looks like exchanged digits; the network with exactly 624.14 GMAC has 36.63 M.",
    "MobileNet: the printed 4.79 M and 25.82 GMAC belong to 1000 outputs; the trained student has 16.",
    "MALA: the printed 367.04 GMAC belong to 3 outputs, the affinities; the trained teacher has 16.",
    WIDTH_NOTE,
    "Forward: network passes, summed over the test images or the tiles of the test volume, synchronised with the device (the "
    "released code does not synchronise its times of volumes). Image to instances: padding or tiling, network, affinities, "
    "segmentation and clean-up, one image after another.",
    f"Times: mean over passes, ± sd where there are several. A seed has {REPEATS} passes, or fewer where these and a warm-up "
    f"would take more than {BUDGET:g} s.",
)
STEPS = ["forward", "end_to_end"]
"""Columns of the timing files."""
MOST_SPREAD = 0.5
"""Largest sd of a time, as a share of its mean, at which the mean still says something."""
DOUBT_NOTE = (
    f"{DOUBTFUL} marks a time that cannot be trusted: networks were measured on different devices, the network alone took longer "
    f"than image to instances, or the sd exceeds {100 * MOST_SPREAD:g} % of the mean, as where other work ran on the machine. To "
    "measure again on one quiet machine: snakemake --cores all --forcerun time_inference -- table1."
)


def _row(project: Project, layout: Layout, run: Run, comparable: bool) -> list[Cell | str]:
    printed = project.published["table1"].get(run.network, {})
    counted = _complexity_cells(complexity_by_name(run.network), printed)
    return [*counted, *_time_cells(_timings(project, layout, run), printed, comparable), *_trained_cells(project, run)]


def _complexity_cells(complexity: Complexity, printed: Mapping[str, Any]) -> list[Cell]:
    return [
        Cell(complexity.parameters / 1e6, None, printed.get("parameters"), 2),
        Cell(complexity.macs / 1e9, None, printed.get("macs"), 2),
        Cell(complexity.convolution_macs / 1e9, None, None, 2),
    ]


def _time_cells(times: pd.DataFrame, printed: Mapping[str, Any], comparable: bool) -> list[Cell]:
    mean, sd = times[STEPS].mean(), times[STEPS].std()  # sd (n - 1); NaN for a single pass
    doubtful = (sd > MOST_SPREAD * mean) | (mean["forward"] > mean["end_to_end"]) | (not comparable)
    published, spread = {"forward": printed.get("seconds")}, {name: None if isnan(sd[name]) else sd[name] for name in STEPS}
    return [Cell(mean[name], spread[name], published.get(name), 2, doubtful=bool(doubtful[name])) for name in STEPS]


def _doubt_notes(rows: Iterable[Sequence[Cell | str]]) -> list[str]:
    """A note on doubtful times, where there are some."""
    return [DOUBT_NOTE] if any(isinstance(cell, Cell) and cell.doubtful for cells in rows for cell in cells) else []


def _trained_cells(project: Project, run: Run) -> list[Cell]:
    settings = project.settings(run)
    complexity = complexity_by_name(run.network, settings.canvas, **settings.arguments)
    return [Cell(complexity.parameters / 1e6, None, None, 3), Cell(complexity.macs / 1e9, None, None, 2)]


def _devices(project: Project, layout: Layout, runs: Sequence[Run], dataset: str) -> dict[tuple[str, ...], list[str]]:
    """Titles of the networks by the devices on which they were timed on a data set."""
    found: dict[tuple[str, ...], list[str]] = {}
    for run in (run for run in runs if run.dataset == dataset):
        names = tuple(dict.fromkeys(_timings(project, layout, run)["device"]))
        found.setdefault(names, []).append(NETWORKS[run.network].title)
    return found


def _measurement_notes(
    project: Project, layout: Layout, runs: Sequence[Run], devices: Mapping[str, Mapping[tuple[str, ...], list[str]]]
) -> list[str]:
    """Devices and test samples of the times, a note for each data set."""
    notes = []
    for name, by_device in devices.items():
        dataset, run = project.datasets[name], next(run for run in runs if run.dataset == name)
        kind, number = {2: "images", 3: "volumes"}[dataset.rank], _timings(project, layout, run)["images"].iloc[0]
        measured = "; ".join(f"{', '.join(titles)}: measured on {' and '.join(names)}" for names, titles in by_device.items())
        canvas = " x ".join(map(str, dataset.canvas))
        tested = f"test {kind} of {dataset.title}: {number}, canvas {canvas}."
        notes.append(" ".join([f"{measured}; {tested}", *foreground_notes(project, [name])]))
    return [*notes, _passes_note(project, layout, runs), "Published times were measured on a TITAN Xp."]


def _passes_note(project: Project, layout: Layout, runs: Sequence[Run]) -> str:
    """Number of timed passes of each network, over all seeds."""
    counts = {NETWORKS[run.network].title: len(_timings(project, layout, run)) for run in runs}
    return f"Timed passes: {', '.join(f'{network} {count}' for network, count in counts.items())}."


def _timings(project: Project, layout: Layout, run: Run) -> pd.DataFrame:
    """The seconds of a run's timed passes, a row per pass, of all seeds."""
    return pd.concat([pd.read_csv(layout.timing(one)) for one in repeats(project.runs("table1"), run)])
