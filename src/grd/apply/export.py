"""A run's network as ONNX, for programs without this package.

The graph takes grey values as files hold them and returns unit embeddings, so that nothing is left to be done wrongly outside:

    input `image`            uint8 (N, C, H, W) of any size from 16 pixels on, C = 1 for grey and 3 for RGB images;
                             uint8 (N, 1, Z, Y, X) for volumes, of a size that the valid convolutions take
    output `embedding`       float32 (N, D, H, W), or (N, D, Z', Y', X'): the middle of the volume

Grey images, and all that is not uint8, are stretched to 0 … 255 before, as `grd predict` does. The runtime refuses another type
than uint8, as it could not refuse a wrong scale. The model's card lies in the metadata as JSON, under `card`. (An image is padded
to the next size that the network takes; the pipeline pads one of the card's `shape` to its `canvas`, which may be larger.)
"""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grd.data.batches import normalise
from grd.errors import GrdError
from grd.losses.affinity import EPSILON
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import ModelCard, Use, load_model
from grd.system.files import atomic_write

if TYPE_CHECKING:
    from onnx import ModelProto

INPUT, OUTPUT = "image", "embedding"
CPU = torch.device("cpu")


def export_onnx(model: Path, out: Path) -> Path:
    """Write the network of a model's file as ONNX; returns `out`.

    GrdError for weights without a card, and where the packages that write ONNX are not installed.
    """
    check_installed("onnx", "onnxscript")
    network, card = load_model(model, CPU)
    content = as_onnx(network, grey_channels(card.required_use(model)), card)
    with atomic_write(out) as part:
        part.write_bytes(content.SerializeToString())
    return out


def check_installed(*packages: str) -> None:
    """GrdError that says how to install packages that are not there."""
    absent = []
    for package in packages:
        try:
            import_module(package)
        except ImportError:
            absent.append(package)
    if absent:
        raise GrdError(
            f"export: expected the package(s) {', '.join(packages)}, found no {', '.join(absent)}; run pip install '.[export]' "
            "in the project's folder"
        )


class PixelEmbedding(nn.Module):
    """A network with all that surrounds it in the pipeline: scale, normalisation, padding, crop, unit length."""

    def __init__(self, network: EmbeddingNetwork, card: ModelCard) -> None:
        super().__init__()
        self.network, self.card = network, card

    def forward(self, grey: Tensor) -> Tensor:
        """Unit embeddings (N, D, …) float32 of grey values (N, C, …) uint8."""
        pixels = grey.float() / 255
        vectors = self.network(pixels) if self.network.rank == 3 else self._of_image(pixels)
        return vectors / vectors.square().sum(1, keepdim=True).clamp_min(EPSILON**2).sqrt()

    def _of_image(self, pixels: Tensor) -> Tensor:
        """Embeddings of an image, padded to the smallest size that the network takes, as `pad_to` does.

        `pad_to` divides the margins by 2, which the exporter writes as a quotient of negative numbers and ONNX rounds the
        other way; here no quotient is negative.
        """
        size = pixels.shape[-2:]
        canvas = [(length + grain - 1) // grain * grain for length, grain in zip(size, self.network.grain, strict=True)]
        top, left = ((c // 2 - (length + 1) // 2) for c, length in zip(canvas, size, strict=True))
        margins = (left, canvas[1] - size[1] - left, top, canvas[0] - size[0] - top)
        mode = "reflect" if self.card.padding == "reflect" else "constant"
        vectors = self.network(normalise(F.pad(pixels, margins, mode=mode), self.card.normalisation))
        return vectors.narrow(2, top, size[0]).narrow(3, left, size[1])


@dataclass(frozen=True)
class Sizes:
    """Input sizes of an exported network: along an axis `smallest`, and all that are multiples of `step` larger."""

    smallest: tuple[int, ...]
    step: tuple[int, ...]

    @classmethod
    def of(cls, network: EmbeddingNetwork) -> "Sizes":
        """Sizes of a network; images may have any size, since they are padded."""
        images = network.rank == 2
        return cls(network.nearest_size((1,) * network.rank), (1, 1) if images else network.grain)

    def example(self) -> tuple[int, ...]:
        """A size with which to trace a network, different along each axis."""
        return tuple(first + (2 + axis) * step for axis, (first, step) in enumerate(zip(self.smallest, self.step, strict=True)))

    def dimensions(self) -> list[Any]:
        """Symbolic sizes for the exporter."""
        names = ("sections", "rows", "columns")[-len(self.step) :]
        return [_dimension(*along) for along in zip(names, self.smallest, self.step, strict=True)]


def _dimension(name: str, smallest: int, step: int) -> Any:
    count = torch.export.Dim(name, min=smallest // step)
    return count if step == 1 else step * count + smallest % step


def grey_channels(use: Use) -> int:
    """Channels of the exported input, those of the images that the model was evaluated on: 1, or 3 for RGB."""
    return 3 if len(use.shape) > len(use.canvas) else 1


def as_onnx(network: EmbeddingNetwork, channels: int, card: ModelCard) -> "ModelProto":
    """The graph of a network in evaluation mode for images of `channels` channels, with the card in its metadata."""
    from onnx.helper import set_model_props

    sizes = Sizes.of(network)
    dimensions = dict(enumerate([torch.export.Dim("batch"), None, *sizes.dimensions()]))
    with silence():
        program: Any = torch.onnx.export(
            PixelEmbedding(network, card).eval(),
            (torch.zeros(2, channels, *sizes.example(), dtype=torch.uint8),),
            dynamic_shapes=(dimensions,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamo=True,
            verbose=False,
        )
    content = program.model_proto
    _drop_traces(content)
    set_model_props(content, {"card": json.dumps(asdict(card))})
    return content


def _drop_traces(content: "ModelProto") -> None:
    """Drop what the exporter notes of the code that it traced, with paths on this machine."""
    graph = content.graph
    for parts in (graph.node, graph.input, graph.output, graph.initializer, graph.value_info):
        for part in parts:
            del part.metadata_props[:]


@contextmanager
def silence() -> Iterator[None]:
    """Keep the exporter's remarks on packages and on its own code from the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)
