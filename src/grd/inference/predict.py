"""Embeddings and affinities: images in one pass, volumes tile by tile.

As in the paper, images have neither tiles nor test-time augmentation.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from grd.data.batches import as_channels, crop_to, normalise, pad_to
from grd.data.store import AffinityMaps, affinity_writer, read_split
from grd.errors import error_location
from grd.inference.tiles import TiledPredictor
from grd.losses.affinity import affinities, unit_vectors
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import ModelCard, load_model
from grd.project.offsets import Offset


class Predictor(Protocol):
    """A model with the code that applies it to samples of one kind, images or volumes."""

    card: ModelCard
    offsets: list[Offset]
    network: EmbeddingNetwork
    device: torch.device

    def network_inputs(self, sample: np.ndarray) -> Iterator[Tensor]:
        """Inputs of the network for a sample, one after another, on the device."""

    def affinities(self, sample: np.ndarray) -> np.ndarray:
        """Affinities (C, *spatial) float32 in [-1, 1]; not clipped, since ties change a mutex watershed."""

    def predict_regions(self, sample: np.ndarray, write: Callable[[tuple[slice, ...], np.ndarray], None]) -> None:
        """Call `write(region, affinities)` region by region, with each pixel once."""

    def region_size(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Size (*spatial) of the regions for a sample of this shape."""


class ImagePredictor:
    """Predictor of images, which are padded to `canvas` (H, W), or to the smallest size that fits if it is None."""

    def __init__(self, network: EmbeddingNetwork, card: ModelCard, canvas: Sequence[int] | None = None) -> None:
        self.network, self.card, self.canvas = network, card, canvas
        self.offsets = card.offsets
        self.device = next(network.parameters()).device

    def network_inputs(self, sample: np.ndarray) -> Iterator[Tensor]:
        """Network input (1, 3, H', W') on the device, from an image (H, W) or (H, W, 3) uint8."""
        canvas = self.canvas or self.network.nearest_size(sample.shape[:2])
        pixels = as_channels(sample[None]).to(self.device).float() / 255
        yield normalise(pad_to(pixels, canvas, self.card.padding), self.card.normalisation)

    @torch.inference_mode()
    def embedding(self, image: np.ndarray) -> Tensor:
        """Unit embeddings (D, H, W) float32 of an image (H, W) or (H, W, 3) uint8."""
        (pixels,) = self.network_inputs(image)
        return crop_to(unit_vectors(self.network(pixels).float()), image.shape[:2])[0]

    @torch.inference_mode()
    def affinities(self, sample: np.ndarray) -> np.ndarray:
        """Affinities (C, H, W) float32 of an image (H, W) or (H, W, 3) uint8."""
        return affinities(self.embedding(sample).unsqueeze(0), self.offsets)[0].cpu().numpy()

    def predict_regions(self, sample: np.ndarray, write: Callable[[tuple[slice, ...], np.ndarray], None]) -> None:
        """Call `write` once, with the affinities of the whole image."""
        write((slice(None),) * 2, self.affinities(sample))

    def region_size(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The whole image."""
        return tuple(shape)


PREDICTORS: dict[int, Callable[..., Predictor]] = {2: ImagePredictor, 3: TiledPredictor}
"""Predictors by spatial rank."""


def load_predictor(model: Path, device: torch.device, canvas: Sequence[int] | None = None) -> Predictor:
    """The predictor of a model.pt; images are padded to `canvas`, volumes are cut into tiles of this size."""
    network, card = load_model(model, device)
    return PREDICTORS[network.rank](network, card, canvas)


def write_affinity_file(
    model: Path, samples: Path, splits: Sequence[str], canvas: Sequence[int], out: Path, device: torch.device
) -> None:
    """Predict the affinities of every sample of some splits, and write them, region by region, into one affinities file."""
    predictor = load_predictor(model, device, canvas)
    title = f"{predictor.card.dataset} {predictor.card.run}"
    with affinity_writer(out, predictor.offsets) as file:
        for name in splits:
            split = read_split(samples, name)
            spatial, channels = split.labels.shape[1:], len(predictor.offsets)
            stored = file.add_split(name, split.names, (channels, *spatial), (channels, *predictor.region_size(spatial)))
            for place, sample in enumerate(tqdm(split.images, desc=f"{title}, {name}", leave=False, disable=None)):
                with error_location(f"{samples}, {name}/images"):
                    predictor.predict_regions(sample, partial(_store, stored, place))


def _store(stored: AffinityMaps, place: int, region: tuple[slice, ...], maps: np.ndarray) -> None:
    stored[(place, slice(None), *region)] = maps
