"""Embeddings and affinities of whole images (the paper: no tiling, no test-time augmentation in 2D)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from grd.data.batches import as_channels, cropped, normalised, padded
from grd.data.store import affinity_writer, read_split
from grd.losses.affinity import affinities, offsets_2d, unit
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import ModelCard, load_model


def fitting_canvas(size: Sequence[int], multiple: int) -> tuple[int, int]:
    """The smallest (H, W) that holds an image and that a network takes."""
    return (-(-size[0] // multiple) * multiple, -(-size[1] // multiple) * multiple)


class Predictor:
    """A model made ready for images of one kind; `canvas` (H, W) is what they are padded to, None the smallest that fits."""

    def __init__(self, network: EmbeddingNetwork, card: ModelCard, canvas: Sequence[int] | None = None) -> None:
        self.network, self.card, self.canvas = network, card, canvas
        self.offsets = offsets_2d(card.shifts)
        self.device = next(network.parameters()).device

    def prepared(self, image: np.ndarray) -> Tensor:
        """An image (H, W) or (H, W, 3) uint8 as network input (1, 3, H', W') on the device."""
        canvas = self.canvas or fitting_canvas(image.shape[:2], self.network.multiple)
        pixels = as_channels(image[None]).to(self.device).float() / 255
        return normalised(padded(pixels, canvas, self.card.padding), self.card.normalisation)

    @torch.inference_mode()
    def embedding(self, image: np.ndarray) -> Tensor:
        """Unit embeddings (D, H, W) float32 of an image (H, W) or (H, W, 3) uint8."""
        return cropped(unit(self.network(self.prepared(image)).float()), image.shape[:2])[0]

    @torch.inference_mode()
    def affinities(self, image: np.ndarray) -> np.ndarray:
        """Affinities (C, H, W) float32 in [-1, 1] of an image (H, W) or (H, W, 3) uint8; not clipped, ties change a mutex
        watershed."""
        return affinities(self.embedding(image).unsqueeze(0), self.offsets)[0].cpu().numpy()


def load_predictor(model: Path, device: torch.device, canvas: Sequence[int] | None = None) -> Predictor:
    """The predictor of a model.pt."""
    return Predictor(*load_model(model, device), canvas)


def predict_split(model: Path, samples: Path, split: str, canvas: Sequence[int], out: Path, device: torch.device) -> None:
    """Affinities of every image of a split, streamed into an affinities file."""
    predictor, images = load_predictor(model, device, canvas), read_split(samples, split)
    shown = tqdm(images.images, desc=f"{predictor.card.dataset} {predictor.card.run}", leave=False, disable=None)
    with affinity_writer(out, images.names, predictor.offsets) as append:
        for image in shown:
            append(predictor.affinities(image))
