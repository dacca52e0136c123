"""Parameters and multiply–accumulates (MACs) of a network, counted on the meta device without computing data.

Tables I and VI follow the rule of `ptflops`, as the printed digits show (Sec. III-D of the paper names no rule): module hooks
count layers, and function calls do not count.
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

INPUT_SIZES = {2: (544, 544), 3: (84, 268, 268)}  # of Table I, by spatial rank
COUNTED_WITH = {"mobilenet_v2": 1000, "mala": 3}
"""Outputs of the networks whose printed numbers belong to another number of outputs than the 16 that are trained."""


@dataclass(frozen=True)
class Complexity:
    """Costs of a network for one image: parameters, MACs by ptflops' rule, and MACs of its convolutions alone."""

    parameters: int
    macs: int
    convolution_macs: int


def layer_macs(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    """MACs of one layer by ptflops' rule, which also counts biases, batch norms, ReLU, pooling and upsampling modules."""
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


def complexity(network: EmbeddingNetwork, size: Sequence[int] | None = None) -> Complexity:
    """Complexity for one image or volume of this size (Table I's if None), with all outputs of the released network.

    The network itself moves to the meta device: it loses its weights.
    """
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


def complexity_by_name(name: str, size: Sequence[int] | None = None, **arguments: Any) -> Complexity:
    """Complexity of a network of the paper by its name; keyword arguments replace those of the paper."""
    with torch.device("meta"):
        return complexity(build(name, **arguments), size)


def weight_bytes(name: str, **arguments: Any) -> int:
    """Bytes of a network's weights and buffers, about the size of its model.pt."""
    with torch.device("meta"):
        weights = build(name, **arguments).state_dict().values()
    return sum(tensor.numel() * tensor.element_size() for tensor in weights)


def all_complexities() -> dict[str, Complexity]:
    """Complexity of every network at Table I's input size, by name; MobileNetV2 and MALA also as the paper counted them."""
    counts = {name: complexity_by_name(name) for name in NETWORKS}
    as_counted = {
        f"{name} ({outputs} outputs, as Table I)": complexity_by_name(name, embedding=outputs)
        for name, outputs in COUNTED_WITH.items()
    }
    return counts | as_counted
