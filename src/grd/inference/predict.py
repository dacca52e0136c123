"""Embeddings and affinities: whole images (the paper: no tiling, no test-time augmentation in 2D), volumes tile by tile."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from grd.data.batches import as_channels, cropped, normalised, padded
from grd.data.store import AffinityMaps, affinity_writer, read_split
from grd.errors import located
from grd.inference.tiles import TiledPredictor
from grd.losses.affinity import affinities, unit
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import ModelCard, load_model
from grd.project.offsets import Offset


class Predictor(Protocol):
    """A model made ready for samples of one kind."""

    card: ModelCard
    offsets: list[Offset]
    network: EmbeddingNetwork
    device: torch.device

    def inputs(self, sample: np.ndarray) -> Iterator[Tensor]:
        """Everything that the network is given for a sample, on the device."""

    def affinities(self, sample: np.ndarray) -> np.ndarray:
        """Affinities (C, *spatial) float32 in [-1, 1]; not clipped, ties change a mutex watershed."""

    def write(self, sample: np.ndarray, write: Callable[[tuple[slice, ...], np.ndarray], None]) -> None:
        """Hand the affinities over region by region, each pixel once."""

    def chunk(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Size (*spatial) of the regions for a sample of this size."""


class ImagePredictor:
    """For images; `canvas` (H, W) is what they are padded to, None the smallest that fits."""

    def __init__(self, network: EmbeddingNetwork, card: ModelCard, canvas: Sequence[int] | None = None) -> None:
        self.network, self.card, self.canvas = network, card, canvas
        self.offsets = card.offsets
        self.device = next(network.parameters()).device

    def inputs(self, sample: np.ndarray) -> Iterator[Tensor]:
        """An image (H, W) or (H, W, 3) uint8 as network input (1, 3, H', W') on the device."""
        canvas = self.canvas or self.network.near(sample.shape[:2])
        pixels = as_channels(sample[None]).to(self.device).float() / 255
        yield normalised(padded(pixels, canvas, self.card.padding), self.card.normalisation)

    @torch.inference_mode()
    def embedding(self, image: np.ndarray) -> Tensor:
        """Unit embeddings (D, H, W) float32 of an image (H, W) or (H, W, 3) uint8."""
        (pixels,) = self.inputs(image)
        return cropped(unit(self.network(pixels).float()), image.shape[:2])[0]

    @torch.inference_mode()
    def affinities(self, sample: np.ndarray) -> np.ndarray:
        """Affinities (C, H, W) float32 of an image (H, W) or (H, W, 3) uint8."""
        return affinities(self.embedding(sample).unsqueeze(0), self.offsets)[0].cpu().numpy()

    def write(self, sample: np.ndarray, write: Callable[[tuple[slice, ...], np.ndarray], None]) -> None:
        """Hand over the whole image."""
        write((slice(None),) * 2, self.affinities(sample))

    def chunk(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The whole image."""
        return tuple(shape)


PREDICTORS: dict[int, Callable[..., Predictor]] = {2: ImagePredictor, 3: TiledPredictor}
"""By spatial rank."""


def load_predictor(model: Path, device: torch.device, canvas: Sequence[int] | None = None) -> Predictor:
    """The predictor of a model.pt; `canvas` is what its network is given (images are padded to it, volumes tiled)."""
    network, card = load_model(model, device)
    return PREDICTORS[network.rank](network, card, canvas)


def predict_splits(
    model: Path, samples: Path, splits: Sequence[str], canvas: Sequence[int], out: Path, device: torch.device
) -> None:
    """Affinities of every sample of these splits, streamed into an affinities file."""
    predictor = load_predictor(model, device, canvas)
    title = f"{predictor.card.dataset} {predictor.card.run}"
    with affinity_writer(out, predictor.offsets) as file:
        for name in splits:
            split = read_split(samples, name)
            spatial, channels = split.labels.shape[1:], len(predictor.offsets)
            stored = file.split(name, split.names, (channels, *spatial), (channels, *predictor.chunk(spatial)))
            for place, sample in enumerate(tqdm(split.images, desc=f"{title}, {name}", leave=False, disable=None)):
                with located(f"{samples}, {name}/images"):
                    predictor.write(sample, partial(_store, stored, place))


def _store(stored: AffinityMaps, place: int, region: tuple[slice, ...], maps: np.ndarray) -> None:
    stored[(place, slice(None), *region)] = maps
