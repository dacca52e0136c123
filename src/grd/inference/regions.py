"""Maps of regions of samples that need not fit into memory, equal to those of one pass over the whole sample."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise, product
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from grd.data.batches import as_channels, normalise
from grd.data.padding import middle
from grd.inference.boxes import Box, box, overlap, size_of, within
from grd.inference.predict import ImagePredictor, Prediction, VolumePredictor, background_likeness
from grd.losses.affinity import affinities, unit_vectors
from grd.networks.base import EmbeddingNetwork
from grd.project.offsets import reach_of

TILE = 1024  # most rows and columns of a region that go through the network at once
STRIPE = 64  # rows that are interpolated at once, so few that they stay in the processor's cache


class ArrayLike(Protocol):
    """An array, in memory or in a file (numpy, memmap, h5py, zarr): its shape, and the part in a region."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    def __getitem__(self, region: Box) -> np.ndarray:
        """The part in a region."""


class Regions(Protocol):
    """The canvas of a sample, of which any region can be predicted; `place` is the sample's place on it."""

    canvas: tuple[int, ...]
    place: Box

    def predict(self, region: Box) -> Prediction:
        """Maps of a region of the canvas."""


class ImageRegions:
    """Regions of an image (H, W) or (H, W, 3) uint8 on its canvas.

    Their maps differ from those of `predictor.predict` by float rounding alone: a tile has so much surroundings as the network
    sees, starts on the grid of its poolings, and is interpolated as a part of the canvas.
    """

    def __init__(self, predictor: ImagePredictor, sample: ArrayLike) -> None:
        self.predictor, self.sample, self.network = predictor, sample, predictor.network
        self.canvas = tuple(predictor.canvas_of(sample.shape[:2]))
        self.place = middle(sample.shape[:2], self.canvas)
        self.radius = receptive_radius(predictor.network)
        self.reach = reach_of(predictor.offsets)

    @torch.inference_mode()
    def predict(self, region: Box) -> Prediction:
        """Affinities (C, *region) and, if the model knows the background, how much each pixel looks like it."""
        count, known = len(self.predictor.offsets), self.predictor.background is not None
        maps = np.empty((count + known, *size_of(region)), np.float32)
        for tile in product(*map(_pieces, region)):
            maps[(slice(None), *within(tile, region))] = self._maps(tile)
        return Prediction(maps[:count], size_of(region), maps[count] if known else None)

    def _maps(self, tile: Box) -> np.ndarray:
        """Affinities (C, *tile), followed by the similarity to the background if the model knows it."""
        outer = tuple(self._surround(*along) for along in zip(tile, self.reach, self.canvas, self.network.grain, strict=True))
        with CanvasInterpolation(outer, self.canvas):
            vectors = unit_vectors(self.network(self._pixels(outer)).float().contiguous())
        maps = affinities(vectors, self.predictor.offsets)
        if (known := self.predictor.background) is not None:
            maps = torch.cat([maps, background_likeness(vectors, known)[:, None]], dim=1)
        rows, columns = within(tile, outer)
        return maps[0, :, rows, columns].cpu().numpy()

    def _surround(self, part: slice, reach: int, length: int, grain: int) -> slice:
        first, last = part.start - self.radius - reach, part.stop + self.radius
        return slice(max(first // grain * grain, 0), min(-(-last // grain) * grain, length))

    def _pixels(self, outer: Box) -> Tensor:
        """Network input (1, 3, H, W) of a region of the canvas, padded where it leaves the image."""
        card, seen = self.predictor.card, overlap(outer, self.place)
        part = np.array(self.sample[within(seen, self.place)])
        pixels = as_channels(part[None]).to(self.predictor.device).float() / 255
        (top, bottom), (left, right) = ((s.start - o.start, o.stop - s.stop) for s, o in zip(seen, outer, strict=True))
        padded = F.pad(pixels, (left, right, top, bottom), mode="reflect" if card.padding == "reflect" else "constant")
        return normalise(padded, card.normalisation).contiguous(memory_format=torch.channels_last)


class VolumeRegions:
    """Regions of a volume (Z, Y, X) uint8, whose canvas is the volume itself."""

    def __init__(self, predictor: VolumePredictor, sample: ArrayLike) -> None:
        self.predictor, self.canvas = predictor, tuple(sample.shape)
        self.place = box([0] * 3, self.canvas)
        self.sample: Any = sample

    def predict(self, region: Box) -> Prediction:
        """Affinities (C, *region)."""
        maps = self.predictor.region_affinities(self.sample, region)
        return Prediction(maps, maps.shape[1:])


REGIONS: dict[int, Callable[..., Regions]] = {2: ImageRegions, 3: VolumeRegions}
"""Regions by spatial rank, of a predictor and a sample."""


def _pieces(part: slice) -> list[slice]:
    """Pieces of at most TILE pixels, of nearly one length."""
    count = -(-(part.stop - part.start) // TILE)
    ends = np.linspace(part.start, part.stop, count + 1).astype(int).tolist()
    return [slice(*pair) for pair in pairwise(ends)]


class CanvasInterpolation(TorchFunctionMode):
    """Within the block, F.interpolate enlarges features of a part of a canvas as if they were those of the whole canvas.

    With aligned corners, the grid of the enlarged pixels drifts against that of the features, by their distance from the corner,
    so the result for a part depends on where it lies.
    """

    def __init__(self, part: Box, canvas: Sequence[int]) -> None:
        super().__init__()
        self.part, self.canvas = part, canvas

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Replace F.interpolate with aligned corners, and leave every other function as it is."""
        options = kwargs or {}
        if func is not F.interpolate or not options["align_corners"]:
            return func(*args, **options)
        (features,) = args
        lengths = features.shape[2:]
        enlarged = options["size"] or [int(length * options["scale_factor"]) for length in lengths]
        return _resample(features, *map(self._positions, self.part, self.canvas, lengths, enlarged))

    @staticmethod
    def _positions(part: slice, whole: int, coarse: int, fine: int) -> Tensor:
        """Positions (fine,) in the features of the part at which its enlarged pixels lie, along an axis."""
        length = part.stop - part.start
        first, before = part.start * fine // length, part.start * coarse // length
        step = (whole * coarse // length - 1) / max(whole * fine // length - 1, 1)
        return torch.arange(first, first + fine, dtype=torch.float32) * step - before  # rounded as F.interpolate does


def _resample(features: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Features (B, C, h, w) at positions (H,) and (W,), interpolated linearly: (B, C, H, W), channels last."""
    last = features.permute(0, 2, 3, 1).contiguous()
    found = last.new_empty(len(last), len(rows), len(columns), last.shape[3])
    for first in range(0, len(rows), STRIPE):
        stripe = slice(first, first + STRIPE)
        found[:, stripe] = _along(_along(last, 1, rows[stripe]), 2, columns)
    return found.permute(0, 3, 1, 2)


def _along(features: Tensor, axis: int, positions: Tensor) -> Tensor:
    last = features.shape[axis] - 1
    below = positions.floor().clamp(0, last)
    share = (positions - below).clamp(0, 1).to(features).view([-1 if dim == axis else 1 for dim in range(4)])
    low, high = (index.long().to(features.device) for index in (below, (below + 1).clamp(max=last)))
    return features.index_select(axis, low).lerp_(features.index_select(axis, high), share)


@torch.inference_mode()
def receptive_radius(network: EmbeddingNetwork) -> int:
    """At least the pixels between an output of a network of images and the farthest input that it depends on, along an axis.

    One pixel on the grid of the poolings is lit, and passes through a copy whose layers average, so it reaches all that depends
    on it. A second one is added to the distance, since `CanvasInterpolation` shifts what an output depends on.
    """
    probe, grain = deepcopy(network).double().cpu(), max(network.grain)
    for layer in probe.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.fill_(1 / layer.weight[0].numel())
            if layer.bias is not None:
                layer.bias.zero_()
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
    first, last = 16 * grain, 17 * grain - 1
    image = torch.zeros(1, network.channels, 33 * grain, grain, dtype=torch.float64)
    image[:, :, first : last + 1] = 1
    reached = (probe(image)[0] > 0).any(dim=0).any(dim=1).nonzero()
    return int(max(reached.max() - first, last - reached.min())) + grain
