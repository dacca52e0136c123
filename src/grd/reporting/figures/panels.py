"""Parts of figures: images, instances in colours, boxes around errors, captions; and the files of a figure."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import ndimage
from skimage.segmentation import find_boundaries

from grd.data.store import Arrays, read_labels
from grd.errors import GrdError
from grd.metrics.errors import counterparts, merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.figures.colours import Colours, paint
from grd.reporting.formats.tex import tex_text
from grd.system.files import atomic_write, write_text

OVER_MERGE, OVER_SEGMENTATION = "red", "white"
DPI = 200


def predictions(project: Project, layout: Layout, experiment: str, dataset: str) -> Iterator[tuple[Run, Arrays]]:
    """The runs of an experiment on a data set, first seed, with their test labels (n, *spatial) by the first segmenter."""
    segmenter = project.datasets[dataset].first_segmenter
    for run in project.first_seed_runs(experiment, dataset):
        yield run, read_labels(layout.labels(run), segmenter)[1]


def undistilled_student(project: Project, experiment: str, dataset: str) -> Run:
    """The student trained without a teacher, by whose results the samples to show are chosen; GrdError without such a row."""
    runs = project.first_seed_runs(experiment, dataset)
    taught = [run.network for run in runs if run.teacher is not None]
    alone = [run for run in runs if run.teacher is None and run.network in taught[:1]]
    if not alone:
        raise GrdError(
            f"config/experiments.yaml, {experiment}: expected a student with a teacher on {dataset}, and the same network alone, "
            f"by which the samples to show are chosen; found {', '.join(run.stem for run in runs) or 'no run'}; add a row"
        )
    return alone[0]


def draw_image(axis: Axes, image: np.ndarray, title: str = "") -> None:
    """Draw an image (H, W) or (H, W, 3) uint8."""
    axis.imshow(image, cmap="gray")
    label_panel(axis, title)


def draw_labels(axis: Axes, labels: np.ndarray, colours: Colours, title: str = "", brightness: float = 1) -> None:
    """Draw instances (H, W) in their colours, with thin dark borders between them."""
    picture = brightness * paint(labels, colours)
    picture[find_boundaries(labels, mode="inner")] *= 0.45
    axis.imshow(picture)
    label_panel(axis, title)


def match_ids(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The prediction with the ids of the truth where the two match, so that they can have one colour.

    A segment gets the id of the true instance of which it holds most, if no other segment holds more of that instance. Other
    segments get ids that no true instance has.
    """
    table = overlap_table(prediction, truth)
    own = counterparts(table)
    names = [own.get(number, int(truth.max()) + number) if number else 0 for number in table.prediction_ids.tolist()]
    return np.array(names)[np.searchsorted(table.prediction_ids, prediction)]


def mark_errors(axis: Axes, prediction: np.ndarray, truth: np.ndarray, outlines: bool = False) -> tuple[int, int]:
    """Mark merging segments and split instances with boxes, or with `outlines` if boxes would cover too much.

    Returns the number of both.
    """
    table = overlap_table(prediction, truth)
    merges, splits = merging_segments(table), split_instances(table)
    mark = _outline if outlines else _box
    for labels, ids, colour in ((prediction, merges, OVER_MERGE), (truth, splits, OVER_SEGMENTATION)):
        for number in ids:
            mark(axis, labels == number, colour)
    return len(merges), len(splits)


def _box(axis: Axes, mask: np.ndarray, colour: str) -> None:
    ((rows, columns),) = ndimage.find_objects(mask.view(np.uint8))
    corner = (columns.start - 0.5, rows.start - 0.5)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    axis.add_patch(Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=0.9))


def _outline(axis: Axes, mask: np.ndarray, colour: str) -> None:
    height, width = mask.shape
    grid = np.arange(-1, width + 1), np.arange(-1, height + 1)
    axis.contour(*grid, np.pad(mask, 1), [0.5], colors=colour, linewidths=1.5)  # padded, so that it closes at the border
    axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def label_panel(axis: Axes, title: str = "") -> None:
    """Set the title of a panel and remove its ticks."""
    axis.set_title(title, fontsize=7)
    axis.set_xticks([])
    axis.set_yticks([])


def caption(figure: Figure, project: Project, text: str, above: float = 0.1) -> None:
    """Write a text and the scale below the panels, and fit these in, with `above` inches left over them."""
    width, height = figure.get_size_inches()
    figure.set_label(f"{text} · scale {project.config.scale} ({project.scale.title}).")
    lines = textwrap.wrap(str(figure.get_label()), int(21.5 * width))  # characters of this size in an inch
    figure.tight_layout(pad=0.4, rect=(0, (0.12 * len(lines) + 0.06) / height, 1, 1 - above / height))
    figure.text(0.005, 0.05 / height, "\n".join(lines), fontsize=6, linespacing=1.3)


def write_pages(pages: Sequence[Figure], data: pd.DataFrame, pdf: Path, png: Path, csv: Path) -> None:
    """Write figures of one width: a page each (pdf), one below the other (png), and their data (csv)."""
    with atomic_write(pdf) as part, PdfPages(part, metadata={"CreationDate": None}) as file:
        for page in pages:
            file.savefig(page)
    pictures = [_pixels(page) for page in pages]
    with atomic_write(png) as part:
        plt.imsave(part, np.concatenate(pictures), format="png")
    write_text(csv, data.to_csv(index=False))
    for page in pages:
        plt.close(page)


def _pixels(figure: Figure) -> np.ndarray:
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def write_figure(figure: Figure, data: pd.DataFrame, pdf: Path, png: Path, csv: Path, tex: Path) -> None:
    """Write the picture (png), its data (csv), and for LaTeX the picture without its caption (pdf) and the caption (tex)."""
    with atomic_write(png) as part:
        figure.savefig(part, format="png", dpi=DPI)
    for text in figure.texts:
        text.set_visible(False)
    with atomic_write(pdf) as part:
        figure.savefig(part, format="pdf", metadata={"CreationDate": None})
    write_text(csv, data.to_csv(index=False))
    write_text(tex, tex_text(str(figure.get_label())) + "\n")
    plt.close(figure)
