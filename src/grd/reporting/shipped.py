"""Models that ship: the student that is best on validation images, its card in words, and a picture of what it does."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from grd.config.catalogue import NETWORKS
from grd.data.sizes import circle_diameter
from grd.data.store import read_labels, read_split
from grd.metrics.score_file import read_scores
from grd.metrics.scoring import merit
from grd.networks.model_file import Use, load_model
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import method_title
from grd.reporting.figures.colours import comparable_colours
from grd.reporting.figures.comparisons import representative_image
from grd.reporting.figures.panels import draw_image, draw_labels, match_ids
from grd.reporting.formats.markdown import pipes
from grd.reporting.notes import SELECTED, duration
from grd.reporting.scores import METRICS, score_text
from grd.system.digests import sha256
from grd.system.files import atomic_write, write_text

WITHOUT_TRUTH = "learned"
"""The segmenter of images that users have: it needs no ground truth."""


def write_shipped_model(name: str, project: Project, layout: Layout, model: Path, card: Path, picture: Path) -> None:
    """Write the model `name` of config/experiments.yaml, its card (md), and a test image with its segmentation (png)."""
    run = best_run(project, layout, name)
    with atomic_write(model) as part:
        part.write_bytes(layout.model(run).read_bytes())
    figure = draw_example(project, layout, run)
    with atomic_write(picture) as part:
        figure.savefig(part, format="png", dpi=100)
    plt.close(figure)
    write_text(card, card_text(name, project, layout, run, model))


def best_run(project: Project, layout: Layout, name: str) -> Run:
    """The run with the best validation score, by the metric that its data set has first."""
    [dataset] = project.datasets_of(name)
    metric = project.datasets[dataset].metrics[0]
    return max(project.runs(name), key=lambda run: merit(metric, _use(layout, run).scores[WITHOUT_TRUTH][metric]))


def _use(layout: Layout, run: Run) -> Use:
    path = layout.model(run)
    return load_model(path, torch.device("cpu"))[1].required_use(path)


def draw_example(project: Project, layout: Layout, run: Run) -> Figure:
    """The test image on which the model has its median PQ, its truth and its segmentation."""
    shown = representative_image(read_scores(layout.scores(run), WITHOUT_TRUTH))
    split, (_, labels) = read_split(layout.samples(run.dataset), "test"), read_labels(layout.labels(run), WITHOUT_TRUTH)
    truth, found = split.labels[shown], match_ids(labels[shown], split.labels[shown])
    of_truth, of_found = comparable_colours(truth, [found])
    height, width = truth.shape
    figure, axes = plt.subplots(1, 3, figsize=(9, 3 * height / width + 0.3))
    draw_image(axes[0], split.images[shown], f"{project.datasets[run.dataset].title}: {split.names[shown][:40]}")
    draw_labels(axes[1], truth, of_truth, "Ground truth")
    draw_labels(axes[2], found, of_found, "Segmentation")
    figure.tight_layout(pad=0.4)
    return figure


def card_text(name: str, project: Project, layout: Layout, run: Run, model: Path) -> str:
    """The card of a shipped model in Markdown: use, data and licence, protocol, scores, file."""
    use, training = _use(layout, run), project.settings(run).training
    teacher = (
        f", taught by {NETWORKS[run.teacher].title} with {method_title(run.method)}" if run.teacher else ", without a teacher"
    )
    diameter = circle_diameter(use.object_size)
    lines = [
        f"# {model.stem}",
        "",
        f"{project.experiments[name].title}. `grd predict IMAGES --model {model.stem} -o out`",
        "",
        f"![A test image, its ground truth and its segmentation]({model.stem}.png)",
        "",
        f"- **Data**: {use.data['title']}, {use.data['cite']}. Licence: {use.data['licence']}. <{use.data['page']}>",
        f"- **Objects**: {use.object_size:g} pixels in the median, the area of a circle {diameter:.0f} pixels wide. If the area "
        "of yours differs, give the diameter of a circle of that area, in pixels: `--diameter`.",
        f"- **Network**: {NETWORKS[run.network].title}{teacher}.",
        f"- **Protocol**: {project.scale_title} {duration(training)}; seed {run.seed}; {SELECTED[training.select]}. "
        f"{_comparison(project, name)}",
        f"- **File**: `{model.name}`, {model.stat().st_size / 1e6:.2f} MB, SHA-256 `{sha256(model)}`.",
        "",
        *_score_lines(project, layout, run, use),
        "",
    ]
    return "\n".join(lines)


def _comparison(project: Project, name: str) -> str:
    """A sentence on the trainings from which the model was chosen."""
    runs = project.runs(name)
    if len(runs) == 1:
        return "No other training was compared."
    kinds = dict.fromkeys(f"with {method_title(run.method)}" if run.teacher else "alone" for run in runs)
    seeds = sorted({run.seed for run in runs})
    metric = METRICS[project.datasets[runs[0].dataset].metrics[0]].title
    return (
        f"Of {len(runs)} trainings ({', '.join(kinds)}; seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}) the one with "
        f"the best {metric} on validation images, by the segmenter {WITHOUT_TRUTH}."
    )


def _score_lines(project: Project, layout: Layout, run: Run, use: Use) -> list[str]:
    """A pipe table of the scores, by split and segmenter."""
    shown = project.datasets[run.dataset].metrics
    rows: dict[str, Mapping[str, float]] = {}
    for segmenter, scores in use.scores.items():
        test = read_scores(layout.scores(run), segmenter)
        rows[f"validation images, segmenter {segmenter}"] = scores
        rows[f"{len(test)} test images, segmenter {segmenter}"] = {metric: float(test[metric].mean()) for metric in shown}
    head = [pipes(["", *(METRICS[metric].title for metric in shown)]), pipes(["---"] * (len(shown) + 1))]
    return [*head, *(pipes([title, *(score_text(name, scores[name]) for name in shown)]) for title, scores in rows.items())]
