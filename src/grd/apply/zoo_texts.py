"""Texts of a package for bioimage.io, from a model's card."""

import re

from grd.config.catalogue import NETWORKS
from grd.networks.model_file import ModelCard, Use
from grd.reporting.formats.markdown import pipes
from grd.reporting.scores import METRICS, score_text

PAPER = (
    "Liu, Zhang, Xiong, Huang, Hu, Sun, Wu: Graph Relation Distillation for Efficient Biomedical Instance Segmentation",
    "https://arxiv.org/abs/2401.06370",
)
LONGEST = 64
"""Characters of a title."""


def title(card: ModelCard, use: Use) -> str:
    """Name of a package, of the characters that bioimage.io allows."""
    data = re.sub(r"[^A-Za-z0-9_+()-]+", " ", use.data.get("title", card.dataset)).strip()
    return f"{NETWORKS[card.network].title} for instances ({data})"[:LONGEST]


def summary(card: ModelCard, use: Use) -> str:
    """What a model does, in two sentences."""
    kind = "images" if NETWORKS[card.network].rank == 2 else "volumes"
    return (
        f"{NETWORKS[card.network].title} gives each pixel of {kind} like those of {use.data.get('title', card.dataset)} a unit "
        "vector; pixels of an instance have similar vectors. A graph partition of their cosines gives the instances."
    )


def citations(use: Use) -> list[tuple[str, str]]:
    """Text and address of what to cite: the paper, and the data where the card names them and their page."""
    cite, page = use.data.get("cite", ""), use.data.get("page", "")
    return [PAPER, *([(cite, page)] if cite and page.startswith("http") else [])]


def tags(rank: int) -> list[str]:
    """Tags of a package."""
    return ["instance-segmentation", f"{rank}d", "pytorch", "unet", "embeddings", "knowledge-distillation"]


def documentation(card: ModelCard, use: Use) -> str:
    """The package's README."""
    lines = [
        f"# {title(card, use)}",
        "",
        summary(card, use),
        "",
        *_usage(card),
        "",
        "## Validation",
        "",
        *_scores(card, use),
        "",
        "## Data and training",
        "",
        *_origin(card, use),
        "",
    ]
    return "\n".join(lines)


def _usage(card: ModelCard) -> list[str]:
    """Input, output, and the way to instances."""
    if NETWORKS[card.network].rank == 3:
        size = "`weights.onnx` takes volumes (N, 1, Z, Y, X) uint8. Its vectors are those of the middle of a volume."
    else:
        size = "`weights.onnx` takes images (N, C, H, W) uint8 of any size; it pads, normalises and crops by itself."
    return [
        "## Input and output",
        "",
        f"{size} The output has a unit vector of float32 per pixel.",
        "",
        "The affinity of a pixel and another one at an offset is the dot product of their vectors. `config.grd` of the package's "
        "description has the `offsets`, and under `use` the `segmenters` that make instances of affinities and the `background`. "
        "A segment is background if the mean dot product of its pixels' vectors and `direction` is above `threshold`.",
        "",
        "The Python package `grd` segments with such models as they leave training: `grd predict`.",
    ]


def _scores(card: ModelCard, use: Use) -> list[str]:
    """A table of the scores on validation samples."""
    if not use.scores:
        return ["The card of the model has no scores. Score segmentations of images that it has not seen with `grd score`."]
    names = list(next(iter(use.scores.values())))
    rows = [[segmenter, *(score_text(name, scores[name]) for name in names)] for segmenter, scores in use.scores.items()]
    head = ["segmenter", *(METRICS[name].title for name in names)]
    table = [pipes(cells) for cells in (head, ["---"] * len(head), *rows)]
    return [f"Means over validation {_kinds(card)[0]}, on which settings were chosen:", "", *table]


def _origin(card: ModelCard, use: Use) -> list[str]:
    """Data, their licence, the run and versions."""
    data = use.data
    known = [data.get("title", card.dataset), data.get("cite"), data.get("page")]
    versions = ", ".join(f"{name} {number}" for name, number in use.versions.items())
    return [
        f"- Data: {', '.join(part for part in known if part)}. Licence: {data.get('licence') or 'not stated'}.",
        f"- Run: {card.dataset}/{card.run}; {card.selection or 'weights of the last step'}.",
        f"- Median size of the objects: {use.object_size:g} {_kinds(card)[1]}. Objects of another size have to be resized.",
        f"- Versions: {versions}.",
    ]


def _kinds(card: ModelCard) -> tuple[str, str]:
    """What samples of the network, and their elements, are called."""
    return ("images", "pixels") if NETWORKS[card.network].rank == 2 else ("volumes", "voxels")
