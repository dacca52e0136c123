"""Networks of the paper (Sec. III-D): image (B, 3, H, W) or volume (B, 1, Z, Y, X) → pixel embeddings (B, 16, …).

Embeddings are not normalised. Teachers and students are the same classes with other widths. To add a network, write a class here
and a line in `grd.config.catalogue`.
"""

from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from grd.config.catalogue import NETWORKS
from grd.config.parsing import check_name
from grd.errors import GrdError

if TYPE_CHECKING:
    from grd.networks.base import EmbeddingNetwork


def network_class(name: str) -> "type[EmbeddingNetwork]":
    """Class of the network with this name."""
    entry = NETWORKS[check_name(name, NETWORKS, "network", "networks")]
    return getattr(import_module(f"grd.networks.{entry.module}"), entry.target.partition(":")[2])


def embedding_size(name: str, **arguments: Any) -> int:
    """Dimension D of the embeddings of the network with this name; keyword arguments replace those of the paper."""
    default = signature(network_class(name)).parameters["embedding"].default
    return {"embedding": default, **NETWORKS[name].arguments, **arguments}["embedding"]


def build(name: str, **arguments: Any) -> "EmbeddingNetwork":
    """The network with this name; keyword arguments replace those of the paper. GrdError if it cannot be built with them."""
    network = network_class(name)
    chosen = {**NETWORKS[name].arguments, **arguments}
    try:
        return network(**chosen)
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise GrdError(
            f"network {name}: expected arguments that it can be built with, found {chosen} ({error}); see `networks` of the scale"
        ) from error
