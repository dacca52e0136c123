"""Parameters and multiply–accumulates of a network, counted on the meta device: nothing is computed.

Table I and VI were counted by the rule of `ptflops` (Sec. III-D of the paper does not say so; the printed digits do):
layers are counted through module hooks, function calls not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from grd.config.catalogue import NETWORKS
from grd.networks import build
from grd.networks.base import EmbeddingNetwork

INPUT_SIZES = {2: (544, 544), 3: (84, 268, 268)}  # Table I's, by spatial rank


@dataclass(frozen=True)
class Complexity:
    """What a network costs for one image: parameters, MACs by ptflops' rule, and MACs of its convolutions alone."""

    parameters: int
    macs: int
    convolution_macs: int


def layer_macs(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    """MACs of one layer under ptflops' rule: bias and batch norm, ReLU, pooling and upsampling modules count too."""
    match module:
        case nn.Conv2d() | nn.Conv3d() | nn.ConvTranspose2d() | nn.ConvTranspose3d():
            per_output = prod(module.kernel_size) * module.in_channels // module.groups + (module.bias is not None)
            return per_output * output.numel()
        case nn.BatchNorm2d() | nn.BatchNorm3d():
            return 2 * inputs.numel()
        case nn.ReLU() | nn.ReLU6() | nn.LeakyReLU() | nn.Upsample():
            return output.numel()
        case nn.MaxPool2d() | nn.MaxPool3d():
            return inputs.numel()
    return 0


def count(network: EmbeddingNetwork, size: Sequence[int] | None = None) -> Complexity:
    """Complexity for one image or volume of this size (Table I's if None), all outputs of the released network included."""
    macs = []

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        macs.append(layer_macs(module, inputs[0], output))

    network = network.to("meta").eval()
    layers = [module for module in network.modules() if not list(module.children())]
    handles = [layer.register_forward_hook(add) for layer in layers]
    with torch.no_grad(), FlopCounterMode(display=False) as flops:
        network.all_outputs(torch.empty(1, network.channels, *(size or INPUT_SIZES[network.rank]), device="meta"))
    for handle in handles:
        handle.remove()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Complexity(parameters, sum(macs), flops.get_total_flops() // 2)


def named_complexity(name: str, size: Sequence[int] | None = None, **arguments: Any) -> Complexity:
    """Complexity of a network of the paper by name, other arguments than the paper's as keywords."""
    with torch.device("meta"):
        return count(build(name, **arguments), size)


def weight_bytes(name: str, **arguments: Any) -> int:
    """Bytes of a network's weights, buffers included: about those of its model.pt."""
    with torch.device("meta"):
        weights = build(name, **arguments).state_dict().values()
    return sum(tensor.numel() * tensor.element_size() for tensor in weights)


def all_complexities() -> dict[str, Complexity]:
    """Every network of the paper at Table I's input size; MobileNetV2 and MALA also as the paper counted them."""
    counts = {name: named_complexity(name) for name in NETWORKS}
    counts["mobilenet_v2 (1000 outputs, as Table I)"] = named_complexity("mobilenet_v2", embedding=1000)
    counts["mala (3 outputs, as Table I)"] = named_complexity("mala", embedding=3)
    return counts
