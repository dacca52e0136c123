"""Figure 6: the memory bank's queue size K and sampling number L against SBD and against memory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from torch import Tensor

from grd.data.store import read_split
from grd.distillation import method_class
from grd.losses.memory_bank import MemoryBank
from grd.networks import embedding_size
from grd.networks.complexity import INPUT_SIZES
from grd.planning.benchmark import measure
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.figures.panels import caption
from grd.reporting.notes import BANK_NOTE
from grd.reporting.runs import one_per_stem, repeats
from grd.reporting.scores import score_cell

LEAST_RANGE = 20.0
"""Least height of the axis of SBD in points, so that the noise of a few points does not fill it."""
SYMBOLS = {"queue_size": "K", "sampling_number": "L"}
MEMORY = {
    "held": ("Gram bank: nodes and Gram matrices", "o-"),
    "held_map": ("map bank, at this scale's crop", "s--"),
    "held_map_544": ("map bank, at 544 x 544", "^:"),
    "peak_device": ("a step of the student, peak", "d-."),
}
"""Titles and line styles of the memory that is drawn, by the columns (`<name>_bytes`) of the figure's data."""


@dataclass(frozen=True)
class Point:
    """One setting of the bank: the option that varies, the run, and the values of both options."""

    option: str
    run: Run
    queue_size: int
    sampling_number: int

    @property
    def value(self) -> int:
        """Value of the option that varies."""
        return {"queue_size": self.queue_size, "sampling_number": self.sampling_number}[self.option]


def points(runs: Sequence[Run]) -> list[Point]:
    """The points of both curves in the order of their values; the unchanged run lies on both."""
    found = []
    for run in one_per_stem(runs):
        options = method_class(run.method).apply_changes(dict(run.changes))[1]
        for option in SYMBOLS:
            if all(name == option for name, _ in run.changes):
                found.append(Point(option, run, int(options["queue_size"]), int(options["sampling_number"])))
    return sorted(found, key=lambda point: (list(SYMBOLS).index(point.option), point.value))


def figure6(project: Project, layout: Layout, device: torch.device) -> tuple[Figure, pd.DataFrame]:
    """SBD and bytes over K (L = 12) and over L (K = 32), and the figure's data."""
    (dataset,) = project.experiments["figure6"].datasets
    labels = read_split(layout.samples(dataset), "training").labels
    instances = max(int(sample.max()) for sample in labels) + 1
    crop = project.datasets[dataset].augment.crop
    data = pd.DataFrame(
        {
            **{"option": point.option, "value": point.value, "run": point.run.stem},
            **_sbd(project, layout, point.run),
            **held_bytes(point, instances, _dimension(project, point.run), crop, device),
            "peak_device_bytes": peak_bytes(project, point.run, device),
        }
        for point in points(project.runs("figure6"))
    )
    return draw(project, data), data


def _dimension(project: Project, run: Run) -> int:
    return embedding_size(run.network, **project.settings(run).arguments)


def _sbd(project: Project, layout: Layout, run: Run) -> dict[str, float]:
    segmenter = project.datasets[run.dataset].first_segmenter
    paths = {one.seed: layout.scores(one) for one in repeats(project.runs("figure6"), run)}
    cell = score_cell(paths, segmenter, "sbd", None)
    return {"sbd": math.nan if cell.mean is None else cell.mean, "sd": math.nan if cell.sd is None else cell.sd}


def held_bytes(point: Point, instances: int, dimension: int, crop: Sequence[int], device: torch.device) -> dict[str, int]:
    """Bytes of tensors allocated on the device, of embeddings of this dimension: the Gram bank, what a step draws from it, and
    their sum `held`.

    `map` is the paper's bank, of embedding maps (float32) with label maps (int32), at a crop's size and at 544 x 544.
    """
    bank = MemoryBank(point.queue_size, instances, dimension).to(device)
    bank.enqueued = point.queue_size
    drawn = bank.sample(point.sampling_number, torch.Generator())
    sizes = {"bank": _bytes(list(bank.buffers())), "drawn": _bytes(drawn)}
    sizes["held"] = sizes["bank"] + sizes["drawn"]
    for suffix, size in (("", crop), ("_544", INPUT_SIZES[2])):
        kept, sampled = (map_bytes(count, dimension, size, device) for count in (point.queue_size, point.sampling_number))
        sizes |= {f"map{suffix}": kept, f"held_map{suffix}": kept + sampled}
    return {f"{name}_bytes": value for name, value in sizes.items()}


def peak_bytes(project: Project, run: Run, device: torch.device) -> float:
    """Device memory of a step of this student on random images, its teacher not counted; NaN without a GPU."""
    if device.type != "cuda":
        return math.nan
    found = measure(project, run, 1, device)
    return found.held + found.own_peak


def map_bytes(count: int, dimension: int, size: Sequence[int], device: torch.device) -> int:
    """Bytes of so many embedding maps (D, *size) and label maps (*size), allocated and freed again."""
    maps = torch.empty(count, dimension, *size, device=device)
    labels = torch.empty(count, *size, dtype=torch.int32, device=device)
    return _bytes([maps, labels])


def _bytes(tensors: Sequence[Tensor]) -> int:
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def draw(project: Project, data: pd.DataFrame) -> Figure:
    """Draw SBD above and memory below, over K on the left and over L on the right."""
    figure, axes = plt.subplots(2, 2, figsize=(6.4, 4.6), sharex="col", sharey="row")
    band = seed_band(data)
    for column, (option, symbol) in enumerate(SYMBOLS.items()):
        curve = data[data["option"] == option]
        _draw_sbd(axes[0, column], curve, band)
        _draw_memory(axes[1, column], curve)
        axes[1, column].set_xlabel(f"{'queue size' if symbol == 'K' else 'sampling number'} {symbol}", fontsize=8)
        axes[1, column].set_xticks(curve["value"])
    axes[0, 0].set_ylabel("SBD (%)", fontsize=8)
    axes[0, 0].set_ylim(*sbd_limits(data))
    axes[1, 0].set_ylabel("memory", fontsize=8)
    axes[1, 0].set_ylim(top=axes[1, 0].get_ylim()[1] * 1e2)  # room for the legend
    axes[1, 0].legend(fontsize=6, loc="upper left")
    seeds = project.row_seeds("figure6")[-1]
    spread = SPREAD.format(seeds=", ".join(map(str, seeds))) if band else ONE_SEED
    caption(figure, project, f"{CAPTION}. {spread}")
    return figure


def seed_band(data: pd.DataFrame) -> tuple[float, float] | None:
    """Mean SBD of all runs, less and plus the sd over seeds that is pooled from all of them; None for one seed."""
    runs = data.drop_duplicates("run")
    mean, sd = float(runs["sbd"].mean()), float(np.sqrt((runs["sd"] ** 2).mean(skipna=False)))
    return None if math.isnan(sd) else (mean - sd, mean + sd)


def sbd_limits(data: pd.DataFrame) -> tuple[float, float]:
    """Limits of the axis of SBD: no less than LEAST_RANGE points, with room for the bars."""
    bars = data["sd"].fillna(0)
    low, high = float((data["sbd"] - bars).min()), float((data["sbd"] + bars).max())
    half = max(LEAST_RANGE, 1.1 * (high - low)) / 2
    return (low + high) / 2 - half, (low + high) / 2 + half


def _draw_sbd(axis: Axes, curve: pd.DataFrame, band: tuple[float, float] | None) -> None:
    if band:
        axis.axhspan(*band, color="0.8", zorder=0)
    spread = None if curve["sd"].isna().any() else curve["sd"]
    axis.errorbar(curve["value"], curve["sbd"], yerr=spread, fmt="o-", markersize=4, capsize=2)
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.3)


def _draw_memory(axis: Axes, curve: pd.DataFrame) -> None:
    for column, (title, style) in MEMORY.items():
        if curve[f"{column}_bytes"].isna().all():
            continue  # no GPU, no peak
        axis.plot(curve["value"], curve[f"{column}_bytes"], style, label=title, markersize=4)
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(EngFormatter("B"))
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.3)


CAPTION = (
    "SBD on CVPPP A1 (with the ground truth's foreground), MobileNet taught by ResUNet, and bytes of the memory bank and the L "
    "images that a step draws from it, measured on allocated tensors. This pipeline keeps a Gram bank, the paper a map bank of "
    "embedding maps. Left: K images kept, L = 12 drawn; right: K = 32 kept, L drawn. The text of the paper does not give the "
    "points of its figure; it prints SBD 86.0 at K = 32, L = 12 and says that memory grows with both, more with K than with L. "
    + BANK_NOTE.rstrip(".")
)
SPREAD = (
    "Bars: sd over seeds {seeds}. Grey: the mean of all runs ± the sd of single trainings, pooled from all bars. A difference of "
    "two points that is smaller than this sd can come from the seeds alone"
)
ONE_SEED = "One seed: how much SBD differs between seeds is not known, so no trend can be read from the points"
