"""The names of networks and methods that config/ may use.

A network is a class in `grd.networks` and a line here; a method is a file in `grd.distillation`, found by its name. Neither is
imported here, so planning needs no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class NetworkEntry:
    """Title of a network in the paper, its class (`module:class`), the paper's arguments, and its spatial rank."""

    title: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    rank: int = 2

    @property
    def module(self) -> str:
        """Name of the module of its class, below grd.networks."""
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

METHODS = (
    "none",
    *sorted(path.stem for path in (PACKAGE / "distillation").glob("*.py") if path.stem not in {"__init__", "method"}),
)
"""Ways to train a network: `none`, from the labels alone, and the methods of distillation."""
