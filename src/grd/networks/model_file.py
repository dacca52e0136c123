"""Files of models: weights, and the card that says how to use them; loaded as tensors and plain values only."""

import io
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import ValidationError

from grd.config.parsing import check_name
from grd.config.segmenters import Segmenter, as_segmenter
from grd.errors import GrdError
from grd.networks import build
from grd.networks.base import EmbeddingNetwork
from grd.provenance.passport import check
from grd.system.files import atomic_write

FORMAT, FORMAT_VERSION = "grd model", 3


@dataclass(frozen=True)
class Background:
    """The background in embedding space: the unit vector (D,) of its mean direction, and the cosine above which a segment is
    background."""

    direction: list[float]
    threshold: float


@dataclass(frozen=True)
class Use:
    """How a model's output becomes instances, as on its data set.

    canvas: Size to which images are padded, or of the tiles of volumes.
    shape: Shape of the samples that it was evaluated on.
    object_size: Median size of the instances that it learnt from, in pixels or voxels.
    background: The background's direction; None for volumes, and where training images show no background.
    segmenters: Settings by name, with the numbers that validation data chose.
    scores: Means over validation samples, by segmenter and metric, where they were computed.
    data: Title, citation, licence and page of the data set.
    versions: Versions of Python and of the libraries that segmented.
    percentiles: Grey values that became 0 and 255; None for the darkest and the brightest.
    """

    canvas: tuple[int, ...]
    shape: tuple[int, ...]
    object_size: float
    background: Background | None
    segmenters: dict[str, dict[str, Any]]
    scores: dict[str, dict[str, float]]
    data: dict[str, str]
    versions: dict[str, str]
    percentiles: tuple[float, float] | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """Spatial size of the samples that the model was evaluated on."""
        return self.shape[: len(self.canvas)]

    def segmenter(self, name: str | None = None) -> Segmenter:
        """The segmenter of this name; without a name one that learnt the background, or the first that needs no ground truth."""
        if name is not None:
            check_name(name, self.segmenters, "segmenter", "the model's card")
            return _segmenter(self.segmenters[name])
        usable = [settings for settings in self.segmenters.values() if settings.get("foreground") != "truth"]
        if not usable:
            raise GrdError(
                f"the model's card: expected a segmenter that needs no ground truth, found {', '.join(self.segmenters)}; "
                "add one with `foreground: learned` to its data set"
            )
        return _segmenter(max(usable, key=lambda settings: settings.get("foreground") == "learned"))


def _segmenter(content: Mapping[str, Any]) -> Segmenter:
    try:
        return as_segmenter(content)
    except ValidationError as error:
        fault = error.errors()[0]
        raise GrdError(
            f"the model's card: expected settings of a segmenter, found {fault['loc'][-1]}: {fault['msg'].lower()}; it is "
            "of another version of grd: make the model again, or use that version"
        ) from error


@dataclass(frozen=True)
class ModelCard:
    """Origin of a model, the settings of its input and output, and how it is used.

    `offsets` are those of its affinities; `selection` says which of its training's checkpoints it is. `use` is None for weights
    that have just been trained.
    """

    dataset: str
    run: str
    network: str
    arguments: dict[str, Any]
    normalisation: Literal["imagenet", "unit"]
    padding: Literal["reflect", "zero"]
    offsets: list[tuple[int, ...]]
    selection: str = ""
    use: Use | None = None

    def required_use(self, path: Path) -> Use:
        """How the model is used; GrdError if the file at `path` holds weights alone."""
        if self.use is None:
            raise GrdError(
                f"{path}: expected a model whose card says how to segment, found weights alone; take model.pt of the same run"
            )
        return self.use

    @classmethod
    def of(cls, content: dict[str, Any]) -> "ModelCard":
        """The card that `asdict` turned into plain values."""
        use = content["use"]
        if use is not None:
            background = Background(**use["background"]) if use["background"] else None
            sizes = {name: tuple(use[name]) for name in ("canvas", "shape")}
            percentiles = tuple(use["percentiles"]) if use["percentiles"] else None
            use = Use(**{**use, **sizes, "background": background, "percentiles": percentiles})
        return cls(**{**content, "offsets": [tuple(offset) for offset in content["offsets"]], "use": use})


def save_model(path: Path, card: ModelCard, weights: dict[str, torch.Tensor]) -> None:
    """Write a model, whole or not at all."""
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
    card = ModelCard.of(content["card"])
    network = build(card.network, **card.arguments)
    try:
        network.load_state_dict(content["weights"])
    except RuntimeError as error:
        raise GrdError(
            f"{path}: expected weights of the network {card.network} as it is now, found others; it was edited since: train "
            "again, or use the version of grd that trained"
        ) from error
    return network.to(device).eval(), card


def _check_checksums(path: Path) -> None:
    """GrdError if a part of a model file does not match its checksum; torch writes checksums, but does not read them."""
    with zipfile.ZipFile(path) as file:
        if part := file.testzip():
            raise GrdError(f"{path}: expected the weights that were written, found damage in {part}; delete it and rerun")
