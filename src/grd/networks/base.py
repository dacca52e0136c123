"""Base class of the embedding networks: a rule for input sizes, and named taps for their features."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import ClassVar

import torch
from torch import Tensor, nn

from grd.errors import GrdError

Taps = dict[int, Tensor]


class EmbeddingNetwork(nn.Module):
    """A network from (B, `channels`, *spatial) to embeddings (B, D, *output_size(spatial)), with `rank` spatial axes.

    `taps` names a module per level; its output is the feature map that distillation uses. The level is the number of poolings
    above the module; the deepest is among them. Networks of images keep the size, and halve it per level.
    """

    rank: ClassVar[int] = 2
    channels: ClassVar[int] = 3
    taps: Mapping[int, str]

    def all_outputs(self, images: Tensor) -> tuple[Tensor, ...]:
        """All outputs that the released network computes, for counting its operations; the first is the embedding."""
        return (self(images),)

    def scale(self, level: int) -> tuple[int, ...]:
        """Input pixels per feature pixel at a level, per axis."""
        return (2**level,) * self.rank

    @property
    def grain(self) -> tuple[int, ...]:
        """Input pixels per pixel of the deepest features, per axis; the sizes of images are multiples of it."""
        return self.scale(max(self.taps))

    def nearest_size(self, size: Sequence[int]) -> tuple[int, ...]:
        """A size near `size` that the network takes: the smallest that is not below it along any axis, as images are padded.

        Networks of volumes, which are cut into tiles, have the largest that is not above it.
        """
        return tuple(-(-length // grain) * grain for length, grain in zip(size, self.grain, strict=True))

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        """Size of the embeddings for an input of this size; GrdError if the poolings cannot halve it."""
        if any(length % grain for length, grain in zip(size, self.grain, strict=True)):
            found, fit = (" x ".join(map(str, sides)) for sides in (size, self.nearest_size(size)))
            raise GrdError(
                f"{type(self).__name__}: expected a size of multiples of {max(self.grain)}, found {found}; pad to {fit}"
            )
        return tuple(size)


@contextmanager
def feature_taps(network: EmbeddingNetwork, levels: Sequence[int]) -> Iterator[Taps]:
    """Features by level, filled by every forward pass of `network` inside the `with` block."""
    features: Taps = {}

    def keep(level: int) -> Callable[..., None]:
        return lambda _module, _inputs, output: features.__setitem__(level, output)

    handles = [network.get_submodule(network.taps[level]).register_forward_hook(keep(level)) for level in levels]
    try:
        yield features
    finally:
        for handle in handles:
            handle.remove()


def output_shapes(
    network: EmbeddingNetwork, levels: Sequence[int], size: Sequence[int]
) -> tuple[tuple[int, ...], dict[int, tuple[int, ...]]]:
    """Shape (D, *spatial) of the embedding, and (C, *spatial) of the features at each level, for an input of this size.

    No data are computed. GrdError if the network does not take this size.
    """
    network.output_size(size)
    with torch.device("meta"):
        shadow = deepcopy(network).to("meta").eval()
        with feature_taps(shadow, levels) as features, torch.no_grad():
            embedding = shadow(torch.empty(1, network.channels, *size))
    return tuple(embedding.shape[1:]), {level: tuple(features[level].shape[1:]) for level in levels}
