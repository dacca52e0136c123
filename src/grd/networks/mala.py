"""3D U-Net MALA, teacher and tiny student for EM volumes (Sec. III-D; Funke et al. 2018), with valid convolutions."""

from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grd.data.padding import crop_to
from grd.errors import GrdError
from grd.networks.base import EmbeddingNetwork

SLOPE = 0.005
AXES = ("sections", "rows", "columns")
Shape = tuple[int, ...]
Kernel = tuple[int, int, int]


class DoubleConvolution(nn.Module):
    """Two valid convolutions, each with a leaky ReLU: (B, I, Z, Y, X) → (B, O, Z - 2 (k_z - 1), …).

    The activation is a function call, as the counts of Table I show.
    """

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, normalise: bool) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([nn.Conv3d(inputs, outputs, kernel), nn.Conv3d(outputs, outputs, kernel)])
        self.norms = nn.ModuleList(nn.BatchNorm3d(outputs) if normalise else nn.Identity() for _ in range(2))

    def forward(self, features: Tensor) -> Tensor:
        """(B, I, Z, Y, X) → (B, O, Z - 2 (k_z - 1), …)."""
        for convolve, norm in zip(self.convolutions, self.norms, strict=True):
            features = F.leaky_relu(norm(convolve(features)), SLOPE)
        return features


def up_step(inputs: int, outputs: int, factor: Kernel) -> nn.Sequential:
    """Depth-wise transposed convolution by the pooling factor, then a 1 x 1 x 1 convolution without activation."""
    enlarge = nn.ConvTranspose3d(inputs, inputs, factor, factor, groups=inputs, bias=False)
    return nn.Sequential(enlarge, nn.Conv3d(inputs, outputs, 1))


class MALA(EmbeddingNetwork):
    """Encoder of `encoder` widths, decoder of `decoder` widths from deep to shallow; (B, 1, Z, Y, X) → (B, D, Z', Y', X').

    `pooling` holds a factor per axis (sections, rows, columns) between two levels, `kernels` a convolution kernel per level.
    The paper's networks have 4 levels, pooling (1, 3, 3) and kernels of 3 x 3 x 3 throughout: 84 x 268 x 268 → 56 x 56 x 56.
    MALA-tiny's decoder is 32, 32, 8: only a middle stage wider than the encoder's 16 gives the printed counts. `normalise`
    adds batch norms, which the paper's networks lack; with them a network learns within hundreds of steps.
    """

    rank = 3
    channels = 1

    def __init__(
        self,
        encoder: Sequence[int],
        decoder: Sequence[int],
        pooling: Sequence[Kernel] | None = None,
        kernels: Sequence[Kernel] | None = None,
        embedding: int = 16,
        normalise: bool = False,
    ) -> None:
        super().__init__()
        depth = len(encoder) - 1
        self.pooling = list(pooling or [(1, 3, 3)] * depth)
        self.kernels = list(kernels or [(3, 3, 3)] * (depth + 1))
        if not len(decoder) == len(self.pooling) == len(self.kernels) - 1 == depth:
            raise GrdError(
                f"MALA of {depth + 1} levels: expected {depth} decoder widths, {depth} pooling factors and {depth + 1} kernels, "
                f"found {len(decoder)}, {len(self.pooling)} and {len(self.kernels)}; correct `networks` of the scale"
            )
        wide = [1, *encoder]
        self.encoder = nn.ModuleList(
            DoubleConvolution(*step, normalise) for step in zip(wide, encoder, self.kernels, strict=False)
        )
        self.pools = nn.ModuleList(nn.MaxPool3d(factor) for factor in self.pooling)
        below, skips = [encoder[-1], *decoder[:-1]], list(encoder[-2::-1])
        factors, kinds = self.pooling[::-1], self.kernels[-2::-1]
        self.ups = nn.ModuleList(up_step(*step) for step in zip(below, skips, factors, strict=True))
        self.decoder = nn.ModuleList(
            DoubleConvolution(2 * skip, width, kernel, normalise)
            for skip, width, kernel in zip(skips, decoder, kinds, strict=True)
        )
        self.embedding = nn.Conv3d(decoder[-1], embedding, 1)
        self.taps = {depth: f"encoder.{depth}", **{depth - 1 - stage: f"decoder.{stage}" for stage in range(depth)}}
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, Z, Y, X) → embeddings (B, D, *output_size(Z, Y, X))."""
        self.output_size(images.shape[-3:])
        features, skips = images, []
        for convolve, pool in zip(self.encoder, self.pools, strict=False):
            features = convolve(features)
            skips.append(features)
            features = pool(features)
        features = self.encoder[-1](features)
        for up, convolve in zip(self.ups, self.decoder, strict=True):
            features = up(features)
            features = convolve(torch.cat([features, crop_to(skips.pop(), features.shape[2:])], dim=1))
        return self.embedding(features)

    def scale(self, level: int) -> Shape:
        """Input voxels per feature voxel at a level, per axis."""
        return tuple(prod(factors) for factors in zip(*self.pooling[:level], strict=True)) if level else (1, 1, 1)

    def output_size(self, size: Sequence[int]) -> Shape:
        """Size of the embeddings for an input of this size; GrdError, with the nearest sizes that work, if it does not fit."""
        outputs = [self._output_length(axis, length) for axis, length in enumerate(size)]
        if None in outputs:
            wrong = [
                f"{length} {AXES[axis]} ({' or '.join(map(str, self._nearest_lengths(axis, length)))} work)"
                for axis, length in enumerate(size)
                if outputs[axis] is None
            ]
            raise GrdError(f"MALA: expected a size that its valid convolutions and poolings take, found {', '.join(wrong)}")
        return tuple(output for output in outputs if output is not None)

    def nearest_size(self, size: Sequence[int]) -> Shape:
        """The largest size that the network takes and that is not above `size`; along an axis without one, the smallest."""
        return tuple(
            length if self._output_length(axis, length) else self._nearest_lengths(axis, length)[0]
            for axis, length in enumerate(size)
        )

    def _output_length(self, axis: int, length: int) -> int | None:
        """Output length along an axis, None if a pooling leaves a remainder or no output is left."""
        lost = [2 * (kernel[axis] - 1) for kernel in self.kernels]
        factors = [factor[axis] for factor in self.pooling]
        for loss, factor in zip(lost, factors, strict=False):
            length -= loss
            if length % factor:
                return None
            length //= factor
        length -= lost[-1]
        for loss, factor in zip(lost[-2::-1], factors[::-1], strict=True):
            length = length * factor - loss
            if length < 1:
                return None
        return length if length > 0 else None

    def _nearest_lengths(self, axis: int, length: int) -> list[int]:
        """The longest working input below `length` and the shortest above it."""
        below = next((n for n in range(length - 1, 0, -1) if self._output_length(axis, n)), None)
        above = next(n for n in range(max(length, 1), length + 4096) if self._output_length(axis, n))
        return [above] if below is None else [below, above]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE, nonlinearity="leaky_relu")
