"""model.pt: weights, and the card that says how to use them on an image; loaded as tensors and plain values only."""

import io
import pickle
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from grd.errors import GrdError
from grd.networks import build
from grd.networks.base import EmbeddingNetwork
from grd.provenance.passport import check
from grd.system.files import atomic_write

FORMAT, FORMAT_VERSION = "grd model", 2


@dataclass(frozen=True)
class ModelCard:
    """Origin of a model, and the settings of its input and output; `offsets` are those of its affinities."""

    dataset: str
    run: str
    network: str
    arguments: dict[str, Any]
    normalisation: Literal["imagenet", "unit"]
    padding: Literal["reflect", "zero"]
    offsets: list[tuple[int, ...]]


def save_model(path: Path, card: ModelCard, weights: dict[str, torch.Tensor]) -> None:
    """Write model.pt, whole or not at all."""
    content = io.BytesIO()  # torch would store the name of a file, and hide the cause of a failed write
    torch.save({"format": FORMAT, "format_version": FORMAT_VERSION, "card": asdict(card), "weights": weights}, content)
    with atomic_write(path) as part:
        part.write_bytes(content.getbuffer())


def load_model(path: Path, device: torch.device) -> tuple[EmbeddingNetwork, ModelCard]:
    """A network in evaluation mode on a device, and its card; GrdError for another format or version, and for damage."""
    check(path)
    try:
        _check_checksums(path)
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise GrdError(f"{path}: expected a model, found no file; check the path") from None
    except IsADirectoryError:
        raise GrdError(f"{path}: expected a model file, found a folder; name the model.pt in it") from None
    except PermissionError:
        raise
    except (RuntimeError, EOFError, OSError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError):
        content = None
    found = (content.get("format"), content.get("format_version")) if isinstance(content, dict) else (None, None)
    if found != (FORMAT, FORMAT_VERSION):
        raise GrdError(f"{path}: expected a file of format '{FORMAT}' version {FORMAT_VERSION}, found another; train again")
    card = ModelCard(**{**content["card"], "offsets": [tuple(offset) for offset in content["card"]["offsets"]]})
    network = build(card.network, **card.arguments)
    network.load_state_dict(content["weights"])
    return network.to(device).eval(), card


def _check_checksums(path: Path) -> None:
    """GrdError if a part of a model file does not match its checksum; torch writes checksums, but does not read them."""
    with zipfile.ZipFile(path) as file:
        if part := file.testzip():
            raise GrdError(f"{path}: expected the weights that were written, found damage in {part}; delete it and rerun")
