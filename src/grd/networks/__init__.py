"""The paper's networks (Sec. III-D): image (B, 3, H, W) or volume (B, 1, Z, Y, X) → pixel embeddings (B, 16, …), not normalised.

A network is a class here and a line in NETWORKS. Teachers and students are the same classes at other widths.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from grd.config import known

if TYPE_CHECKING:
    from grd.networks.base import EmbeddingNetwork


@dataclass(frozen=True)
class NetworkEntry:
    """Where a network's class is (`module:class`), what the paper calls it, the paper's arguments, and its spatial rank."""

    title: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    rank: int = 2

    @property
    def module(self) -> str:
        """The file of its class, below grd.networks."""
        return self.target.partition(":")[0]


NETWORKS: dict[str, NetworkEntry] = {
    "resunet": NetworkEntry("ResUNet", "resunet:ResUNet", {"widths": [32, 64, 179, 349, 680]}),
    "nested_unet": NetworkEntry("NestedUNet", "nested_unet:NestedUNet", {"width": 64}),
    "resunet_tiny": NetworkEntry("ResUNet-tiny", "resunet:ResUNet", {"widths": [4, 8, 16, 32, 64]}),
    "resunet_s20": NetworkEntry("ResUNet 1/20", "resunet:ResUNet", {"widths": [2, 4, 8, 16, 32]}),
    "resunet_s15": NetworkEntry("ResUNet 1/15", "resunet:ResUNet", {"widths": [3, 6, 12, 24, 48]}),
    "resunet_s5": NetworkEntry("ResUNet 1/5", "resunet:ResUNet", {"widths": [7, 14, 28, 56, 112]}),
    "mobilenet_v2": NetworkEntry("MobileNet", "mobilenet_v2:MobileNetV2"),
    "mala": NetworkEntry("MALA", "mala:MALA", {"encoder": [12, 60, 300, 1500], "decoder": [300, 60, 12]}, 3),
    "mala_tiny": NetworkEntry("MALA-tiny", "mala:MALA", {"encoder": [8, 16, 32, 64], "decoder": [32, 32, 8]}, 3),
}


def network_class(name: str) -> "type[EmbeddingNetwork]":
    """The class of a network by its name."""
    entry = NETWORKS[known(name, NETWORKS, "network", "networks")]
    return getattr(import_module(f"grd.networks.{entry.module}"), entry.target.partition(":")[2])


def build(name: str, **arguments: Any) -> "EmbeddingNetwork":
    """A network by its name, with the paper's arguments unless others are given."""
    return network_class(name)(**{**NETWORKS[name].arguments, **arguments})
