"""Affinities of samples: images in one pass, volumes tile by tile.

As in the paper, images have neither tiles nor test-time augmentation.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from grd.data.batches import as_channels, normalise, pad_to
from grd.data.padding import crop_to
from grd.inference.tiles import TiledPredictor
from grd.losses.affinity import affinities, unit_vectors
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import Background, ModelCard, load_model
from grd.project.offsets import Offset


@dataclass(frozen=True)
class Prediction:
    """Maps of a sample on the network's canvas.

    affinities: (C, *canvas) float32 in [-1, 1]; not clipped, since ties change a mutex watershed.
    size: Size of the sample, which lies in the middle of the canvas.
    background: (*canvas) float32, the cosine of each embedding and the background's direction, less its threshold; None if the
        model does not know the background's direction.
    """

    affinities: np.ndarray
    size: tuple[int, ...]
    background: np.ndarray | None = None


def background_likeness(vectors: Tensor, background: Background) -> Tensor:
    """Cosines of unit vectors (B, D, H, W) and the background's direction, less its threshold: (B, H, W), above 0 where a pixel
    looks like background. A sum of products, which autocast leaves in float32."""
    direction = vectors.new_tensor(background.direction)
    return (vectors * direction[:, None, None]).sum(dim=1) - background.threshold


class Predictor(Protocol):
    """A model with the code that applies it to samples of one kind, images or volumes."""

    card: ModelCard
    offsets: list[Offset]
    network: EmbeddingNetwork
    device: torch.device
    background: Background | None

    def network_inputs(self, sample: np.ndarray) -> Iterator[Tensor]:
        """Inputs of the network for a sample, one after another, on the device."""

    def predict(self, sample: np.ndarray) -> Prediction:
        """Maps from which a sample is segmented."""


class ImagePredictor:
    """Predictor of images.

    They are padded to `canvas` (H, W); if it is None, an image of the size that the model was evaluated on is padded as it was
    there, and others to the smallest size that the network takes.
    """

    def __init__(self, network: EmbeddingNetwork, card: ModelCard, canvas: Sequence[int] | None = None) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster on CPUs
        self.card, self.canvas = card, canvas
        self.offsets, self.background = card.offsets, card.use.background if card.use else None
        self.device = next(network.parameters()).device

    def canvas_of(self, size: Sequence[int]) -> Sequence[int]:
        """The size (H', W') to which an image (H, W) is padded."""
        if self.canvas is not None:
            return self.canvas
        use = self.card.use
        return use.canvas if use and tuple(size) == use.size else self.network.nearest_size(size)

    def network_inputs(self, sample: np.ndarray) -> Iterator[Tensor]:
        """Network input (1, 3, H', W') on the device, from an image (H, W) or (H, W, 3) uint8."""
        pixels = as_channels(sample[None]).to(self.device).float() / 255
        padded = pad_to(pixels, self.canvas_of(sample.shape[:2]), self.card.padding)
        yield normalise(padded, self.card.normalisation).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def embedding(self, image: np.ndarray) -> Tensor:
        """Unit embeddings (D, H, W) float32 of an image (H, W) or (H, W, 3) uint8."""
        return crop_to(self._on_canvas(image), image.shape[:2])[0]

    def _on_canvas(self, image: np.ndarray) -> Tensor:
        (pixels,) = self.network_inputs(image)
        return unit_vectors(self.network(pixels).float().contiguous())

    @torch.inference_mode()
    def predict(self, sample: np.ndarray) -> Prediction:
        """Affinities of an image (H, W) or (H, W, 3) uint8, and how much each pixel looks like background."""
        vectors, background = self._on_canvas(sample), None
        if self.background is not None:
            background = background_likeness(vectors, self.background)[0].cpu().numpy()
        return Prediction(affinities(vectors, self.offsets)[0].cpu().numpy(), sample.shape[:2], background)


class VolumePredictor(TiledPredictor):
    """Predictor of volumes, whose canvas is the volume itself."""

    background: Background | None = None

    def predict(self, sample: np.ndarray) -> Prediction:
        """Affinities alone: label 0 of a volume is border or unlabelled, not background."""
        return Prediction(self.affinities(sample), sample.shape)


PREDICTORS: dict[int, Callable[..., Predictor]] = {2: ImagePredictor, 3: VolumePredictor}
"""Predictors by spatial rank."""


def load_predictor(model: Path, device: torch.device, canvas: Sequence[int] | None = None) -> Predictor:
    """The predictor of a model's file; images are padded to `canvas`, volumes are cut into tiles of this size."""
    network, card = load_model(model, device)
    return PREDICTORS[network.rank](network, card, canvas)
