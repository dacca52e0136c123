"""Tile-by-tile prediction of volumes: memory for one tile, every voxel written once."""

import sys
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from grd.data.padding import check_context, mirrored_region
from grd.errors import GrdError
from grd.inference.boxes import Box, box, overlap, size_of, within
from grd.losses.affinity import affinities, unit_vectors
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import ModelCard
from grd.project.offsets import reach_of

TILE = (84, 268, 268)  # of the paper


class TiledPredictor:
    """Affinities of volumes (Z, Y, X) uint8; `tile` is the network's input size: if None, that of the model's evaluation, or one
    near the paper's.

    Tiles give the same affinities as one pass over the whole volume. For this, outputs of neighbouring tiles overlap by the
    reach of the offsets, so that an affinity across a seam comes from the embeddings on its two sides (the released code copies
    it from the next plane). And tiles are multiples of the network's pooling apart; otherwise the embedding of a voxel would
    depend on its tile.
    """

    def __init__(self, network: EmbeddingNetwork, card: ModelCard, tile: Sequence[int] | None = None) -> None:
        self.network, self.card, self.offsets = network, card, card.offsets
        self.device = next(network.parameters()).device
        own = card.use.canvas if card.use else network.nearest_size(TILE)
        self.tile = tuple(tile or own)
        self.output = network.output_size(self.tile)
        self.margin = tuple((outer - inner) // 2 for outer, inner in zip(self.tile, self.output, strict=True))
        self.reach = reach_of(self.offsets)
        self.step = self._step()

    def _step(self) -> tuple[int, ...]:
        grain = self.network.grain
        step = tuple((n - r) // g * g for n, r, g in zip(self.output, self.reach, grain, strict=True))
        if 0 in step:
            raise GrdError(
                f"{self.card.network}: expected tiles whose output exceeds {grain} by {self.reach} voxels, found an output of "
                f"{self.output} for a tile of {self.tile}; choose a larger tile"
            )
        return step

    def tile_starts(self, shape: Sequence[int]) -> list[tuple[int, ...]]:
        """First voxels (z, y, x) of the regions that the tiles of a volume of this shape add."""
        return list(product(*(range(0, length, step) for length, step in zip(shape, self.step, strict=True))))

    def network_inputs(self, sample: np.ndarray) -> Iterator[Tensor]:
        """Network inputs (1, 1, *tile) on the device, tile by tile."""
        self._check_context(sample.shape)
        return (
            self._as_input(mirrored_region(sample, self._corner(place), self.tile)) for place in self.tile_starts(sample.shape)
        )

    def affinities(self, sample: np.ndarray) -> np.ndarray:
        """Affinities (C, Z, Y, X) float32 of a volume, all in memory."""
        return self.region_affinities(sample, box((0, 0, 0), sample.shape))

    def region_affinities(self, sample: Any, region: Box) -> np.ndarray:
        """Affinities (C, *region) of a region of a volume, which may be any array-like; reads once what they depend on."""
        self._check_context(sample.shape)
        steps = zip(region, self.network.grain, self.step, strict=True)
        starts = [range(part.start // g * g, part.stop, step) for part, g, step in steps]
        first = [along[0] for along in starts]
        size = [along[-1] - along[0] + side for along, side in zip(starts, self.tile, strict=True)]
        window = mirrored_region(sample, self._corner(first), size)
        maps = np.empty((len(self.offsets), *size_of(region)), np.float32)
        for place in tqdm(list(product(*starts)), "tiles", leave=False, disable=None, file=sys.stderr):
            tile = box(place, self.step)
            pixels = window[within(box(place, self.tile), box(first, size))]
            part = overlap(tile, region)
            found = self._affinities(self._as_input(pixels))
            maps[(slice(None), *within(part, region))] = found[(slice(None), *within(part, tile))]
        return maps

    @torch.inference_mode()
    def _affinities(self, pixels: Tensor) -> np.ndarray:
        """Affinities (C, *step) of the region that a tile adds, without the first voxels, which only give embeddings."""
        maps = affinities(unit_vectors(self.network(pixels).float()), self.offsets)[0]
        inner = (slice(reach, reach + length) for reach, length in zip(self.reach, self.step, strict=True))
        return maps[(slice(None), *inner)].cpu().numpy()

    def _check_context(self, shape: Sequence[int]) -> None:
        check_context(shape, [m + r for m, r in zip(self.margin, self.reach, strict=True)], self.card.run)

    def _corner(self, place: Sequence[int]) -> list[int]:
        """The first voxel of the tile that adds the region at `place`."""
        return [first - reach - margin for first, reach, margin in zip(place, self.reach, self.margin, strict=True)]

    def _as_input(self, window: np.ndarray) -> Tensor:
        return torch.from_numpy(window).to(self.device)[None, None].float() / 255
