"""What all embedding networks have in common: a size rule, and named places where features can be tapped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import ClassVar

import torch
from torch import Tensor, nn

from grd.errors import GrdError

Taps = dict[int, Tensor]


class EmbeddingNetwork(nn.Module):
    """Maps (B, 3, H, W) to (B, D, H, W), H and W multiples of `multiple`.

    `taps` names a module per stride: its output, (B, C, H / stride, W / stride), is what feature distillation sees there.
    """

    multiple: ClassVar[int]
    taps: ClassVar[dict[int, str]]

    def all_outputs(self, images: Tensor) -> tuple[Tensor, ...]:
        """Every output that the released network computes, for counting its operations; the first is the embedding."""
        return (self(images),)

    def check_size(self, images: Tensor) -> None:
        """Refuse sizes that the network's poolings cannot halve."""
        height, width = images.shape[-2:]
        if height % self.multiple or width % self.multiple:
            fit = [-(-size // self.multiple) * self.multiple for size in (height, width)]
            raise GrdError(
                f"{type(self).__name__} takes sizes that are multiples of {self.multiple}, found {height} x {width}; "
                f"pad to {fit[0]} x {fit[1]}"
            )


@contextmanager
def tapped(network: EmbeddingNetwork, strides: Sequence[int]) -> Iterator[Taps]:
    """Within this context every forward pass leaves the features of the wanted strides in the yielded dict."""
    features: Taps = {}

    def keep(stride: int) -> Callable[..., None]:
        return lambda _module, _inputs, output: features.__setitem__(stride, output)

    handles = [network.get_submodule(network.taps[stride]).register_forward_hook(keep(stride)) for stride in strides]
    try:
        yield features
    finally:
        for handle in handles:
            handle.remove()


def tap_shapes(network: EmbeddingNetwork, strides: Sequence[int], size: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Shape (C, h, w) of the features at each stride for an input of this size, found without computing anything."""
    missing = [stride for stride in strides if stride not in network.taps]
    if missing:
        raise GrdError(
            f"{type(network).__name__} has no features at stride {missing[0]} "
            f"(input {size[0]} x {size[1]}); it has them at {', '.join(map(str, network.taps))}"
        )
    with torch.device("meta"):
        shadow = deepcopy(network).to("meta").eval()
        with tapped(shadow, strides) as features, torch.no_grad():
            shadow(torch.empty(1, 3, *size))
    return {stride: tuple(features[stride].shape[1:]) for stride in strides}
