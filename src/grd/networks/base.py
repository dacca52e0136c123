"""What all embedding networks have in common: a size rule, and named places where features can be tapped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import ClassVar

import torch
from torch import Tensor, nn

from grd.errors import GrdError

Taps = dict[int, Tensor]


class EmbeddingNetwork(nn.Module):
    """Maps (B, `channels`, *spatial) to (B, D, *output_size(spatial)); `rank` spatial axes, as NETWORKS says, too.

    `taps` names a module per level, the number of poolings above it: what feature distillation sees there. Networks of
    images keep the size, which is a `multiple`, and halve it per level.
    """

    rank: ClassVar[int] = 2
    channels: ClassVar[int] = 3
    multiple: ClassVar[int]
    taps: Mapping[int, str]

    def all_outputs(self, images: Tensor) -> tuple[Tensor, ...]:
        """Every output that the released network computes, for counting its operations; the first is the embedding."""
        return (self(images),)

    def scale(self, level: int) -> tuple[int, ...]:
        """Input pixels per feature pixel at a level, per axis."""
        return (2**level,) * self.rank

    def near(self, size: Sequence[int]) -> tuple[int, ...]:
        """The smallest size that holds this one and that the network takes."""
        return tuple(-(-length // self.multiple) * self.multiple for length in size)

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        """Size of the embeddings for an input of this size; GrdError for one that the poolings cannot halve."""
        height, width = size
        if height % self.multiple or width % self.multiple:
            fit = self.near(size)
            raise GrdError(
                f"{type(self).__name__} takes sizes that are multiples of {self.multiple}, found {height} x {width}; "
                f"pad to {fit[0]} x {fit[1]}"
            )
        return height, width


def centre(features: Tensor, size: Sequence[int]) -> Tensor:
    """The middle (B, C, *size) of larger features."""
    for axis, length in enumerate(size, start=2):
        features = features.narrow(axis, (features.shape[axis] - length) // 2, length)
    return features


@contextmanager
def tapped(network: EmbeddingNetwork, levels: Sequence[int]) -> Iterator[Taps]:
    """Within this context every forward pass leaves the features of the wanted levels in the yielded dict."""
    features: Taps = {}

    def keep(level: int) -> Callable[..., None]:
        return lambda _module, _inputs, output: features.__setitem__(level, output)

    handles = [network.get_submodule(network.taps[level]).register_forward_hook(keep(level)) for level in levels]
    try:
        yield features
    finally:
        for handle in handles:
            handle.remove()


def tap_shapes(network: EmbeddingNetwork, levels: Sequence[int], size: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Shape (C, *spatial) of the features at each level for an input of this size, found without computing anything."""
    with torch.device("meta"):
        shadow = deepcopy(network).to("meta").eval()
        with tapped(shadow, levels) as features, torch.no_grad():
            shadow(torch.empty(1, network.channels, *size))
    return {level: tuple(features[level].shape[1:]) for level in levels}
