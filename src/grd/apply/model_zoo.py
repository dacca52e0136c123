"""A run's model as a package for bioimage.io (the BioImage Model Zoo, format 0.5): a zip of weights and all that explains them.

bioimageio.spec checks the package: its description, and that the test arrays have the described axes. (bioimageio.core, which
would also run the weights, needs torchvision, and is not used.) Nothing is downloaded.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import HttpUrl, ValidationError
from skimage.io import imsave

from grd.apply.export import CPU, INPUT, OUTPUT, PixelEmbedding, Sizes, as_onnx, check_installed, grey_channels, silence
from grd.apply.zoo_texts import citations, documentation, summary, tags, title
from grd.data.padding import middle
from grd.errors import GrdError
from grd.inference.predict import background_likeness
from grd.losses.affinity import affinities
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import ModelCard, Use, load_model
from grd.reading.axes import frames
from grd.reading.files import open_file
from grd.reading.grey import grey_rule, stretch
from grd.reporting.figures.colours import choose_colours, neighbour_pairs, paint
from grd.segmentation import segment
from grd.system.files import atomic_write

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import InputTensorDescr, ModelDescr, OutputTensorDescr

SIDE = 256
"""Largest side of the sample image in a package, in pixels: for a test and a cover."""


@dataclass(frozen=True)
class Exhibit:
    """A model, and the part of a sample that shows what it does.

    grey: (1, C, *size) uint8. vectors: (1, D, *size) float32, its unit embeddings, of its middle if it is a volume.
    """

    network: EmbeddingNetwork
    card: ModelCard
    use: Use
    grey: np.ndarray
    vectors: np.ndarray

    @property
    def stretched(self) -> bool:
        """True if users' images are stretched to 0 … 255 first: those that `grey_rule` does not leave as they are."""
        return (self.grey.shape[1] == 1 and self.network.rank == 2) or self.use.percentiles is not None


def export_bioimageio(model: Path, out: Path, sample: Path, authors: Sequence[str]) -> Path:
    """Write the model in a run's file as a package (zip) for bioimage.io; returns `out`.

    The middle of `sample`, an image or volume such as the model is for, becomes test input and cover. `authors` are the people
    who trained the model; data, citation and licence are those of its card.

    GrdError for weights without a card, a sample of another kind or too small, no author, and where bioimageio.spec, or the
    packages that write ONNX, are not installed.
    """
    check_installed("onnx", "onnxscript", "bioimageio.spec")
    if not authors:
        raise GrdError(f"{out}: expected the name of at least one author of the model, found none; name who trained it")
    network, card = load_model(model, CPU)
    exhibit = show(network, card, card.required_use(model), sample)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps a zip that is read
        package = _write_package(exhibit, authors, Path(folder))
        with atomic_write(out) as part:
            part.write_bytes(package.read_bytes())
    return out


def show(network: EmbeddingNetwork, card: ModelCard, use: Use, sample: Path) -> Exhibit:
    """A model and the middle of the image or volume in a file, with its embeddings."""
    grey = _grey(network, use, sample)
    with torch.inference_mode():
        vectors = PixelEmbedding(network, card)(torch.from_numpy(grey)).numpy()
    return Exhibit(network, card, use, grey, vectors)


def _grey(network: EmbeddingNetwork, use: Use, sample: Path) -> np.ndarray:
    """The middle of a sample as input (1, C, *size) uint8 of the exported network."""
    with open_file(sample) as stored:
        pixels = frames(stored, network.rank).samples[0][...]
    size, smallest = pixels.shape[: network.rank], Sizes.of(network).smallest
    channels = pixels.shape[2] if pixels.ndim > network.rank else 1
    if channels != grey_channels(use) or any(have < need for have, need in zip(size, smallest, strict=True)):
        kind = f"{'an RGB' if grey_channels(use) == 3 else 'a grey'} {'image' if network.rank == 2 else 'volume'}"
        raise GrdError(
            f"{sample}: expected {kind} of at least {' x '.join(map(str, smallest))}, found shape {pixels.shape}; "
            "take a sample such as the model is for"
        )
    limit = (SIDE, SIDE) if network.rank == 2 else use.canvas
    within = tuple(map(min, size, limit))
    chosen = within if network.rank == 2 else network.nearest_size(within)
    part = _stretched(pixels[middle(chosen, size)], use.percentiles, str(sample))
    return np.ascontiguousarray(np.moveaxis(part, 2, 0)[None] if channels == 3 else part[None, None])


def _stretched(part: np.ndarray, percentiles: Sequence[float] | None, where: str) -> np.ndarray:
    """Grey values by the card's rule that stay what they are if they are stretched once more, as a test input is."""
    grey = grey_rule(part, percentiles, where)(part)
    if percentiles is None:
        return grey
    low, high = percentiles
    return stretch(grey, float(np.percentile(grey, low, method="higher")), float(np.percentile(grey, high, method="lower")))


def _write_package(exhibit: Exhibit, authors: Sequence[str], folder: Path) -> Path:
    """A package in a folder for temporary files, which bioimageio.spec has checked without looking addresses up."""
    from bioimageio.spec import InvalidDescr, ValidationContext, load_description, save_bioimageio_package_to_stream

    opset, package = _write_parts(exhibit, folder), folder / "package.zip"
    known = {str(HttpUrl(address)): None for _, address in citations(exhibit.use)}  # not to be looked up
    with silence(), ValidationContext(root=folder, known_files=dict(known), log_warnings=False):
        try:
            description = _description(exhibit, authors, folder, opset)
        except ValidationError as error:
            raise _invalid(exhibit, error.errors()[0]["msg"]) from error
        with open(package, "wb") as stream:
            save_bioimageio_package_to_stream(description, output_stream=stream)
        found = load_description(package, known_files=dict(known))
    if isinstance(found, InvalidDescr):
        raise _invalid(exhibit, str(found.get_reason()))
    return package


def _invalid(exhibit: Exhibit, reason: str) -> GrdError:
    fault = " ".join(reason.split())
    return GrdError(f"{exhibit.card.run}: expected a valid package, found by bioimageio.spec: {fault}; take another --sample")


def _write_parts(exhibit: Exhibit, folder: Path) -> int:
    """Write the files of a package; returns the version of ONNX's operators."""
    weights = as_onnx(exhibit.network, exhibit.grey.shape[1], exhibit.card)
    (folder / "weights.onnx").write_bytes(weights.SerializeToString())
    np.save(folder / "input.npy", exhibit.grey.astype(np.float32) if exhibit.stretched else exhibit.grey)
    np.save(folder / "output.npy", exhibit.vectors)
    imsave(folder / "cover.png", cover(exhibit), check_contrast=False)
    (folder / "README.md").write_text(documentation(exhibit.card, exhibit.use), encoding="utf-8")
    (folder / "LICENCE.txt").write_text(exhibit.use.data["licence"], encoding="utf-8")
    return next(each.version for each in weights.opset_import if each.domain == "")


def cover(exhibit: Exhibit) -> np.ndarray:
    """Picture (S, 2 S, 3) uint8 of a sample beside its instances; of a volume, the section in the middle."""
    inner = exhibit.vectors.shape[2:]
    pixels = exhibit.grey[0][(slice(None), *middle(inner, exhibit.grey.shape[2:]))]
    labels = _labels(exhibit)
    if labels.ndim == 3:
        pixels, labels = pixels[:, len(labels) // 2], labels[len(labels) // 2]
    square = middle((min(labels.shape),) * 2, labels.shape)
    grey, labels = np.broadcast_to(pixels, (3, *pixels.shape[1:]))[(slice(None), *square)], labels[square]
    colours = paint(labels, choose_colours(np.unique(labels).tolist(), neighbour_pairs(labels)))
    return np.concatenate([np.moveaxis(grey, 0, 2), (255 * colours).astype(np.uint8)], axis=1)


def _labels(exhibit: Exhibit) -> np.ndarray:
    """Instances (*size) of the sample, by the card's usual segmenter."""
    vectors, known = torch.from_numpy(exhibit.vectors), exhibit.use.background
    maps = affinities(vectors, exhibit.card.offsets)[0].numpy()
    background = background_likeness(vectors, known)[0].numpy() if known else None
    return segment(maps, exhibit.card.offsets, exhibit.use.segmenter(), background=background)


def _description(exhibit: Exhibit, authors: Sequence[str], folder: Path, opset: int) -> "ModelDescr":
    from bioimageio.spec.model import v0_5 as spec

    def file(name: str) -> Any:
        return spec.FileDescr(source=folder / name)

    return spec.ModelDescr(
        name=title(exhibit.card, exhibit.use),
        description=summary(exhibit.card, exhibit.use),
        authors=[spec.Author(name=name) for name in authors],
        cite=[spec.CiteEntry(text=text, url=spec.HttpUrl(address)) for text, address in citations(exhibit.use)],
        license=_licence(exhibit.use, file("LICENCE.txt")),
        tags=tags(exhibit.network.rank),
        documentation=file("README.md"),
        covers=[file("cover.png")],
        inputs=[_input(exhibit, file("input.npy"))],
        outputs=[_output(exhibit, file("output.npy"))],
        weights=spec.WeightsDescr(onnx=spec.OnnxWeightsDescr(source=folder / "weights.onnx", opset_version=opset)),
        config=spec.Config(grd=json.loads(json.dumps(asdict(exhibit.card)))),  # type: ignore[call-arg]
    )


def _licence(use: Use, text: Any) -> Any:
    """The licence of the data, by its SPDX identifier where it has one, as a file otherwise; None if it is not stated."""
    from bioimageio.spec.model.v0_5 import LicenseId

    stated = use.data["licence"]
    try:
        return LicenseId({"CC0": "CC0-1.0"}.get(stated, stated.replace(" ", "-")))
    except ValueError:
        return text if stated else None


def _input(exhibit: Exhibit, test: Any) -> "InputTensorDescr":
    """The input: of images that are stretched, numbers of any range, and the way to make them uint8 (rounded by + 0.5)."""
    from bioimageio.spec.model import v0_5 as spec

    sizes, names = Sizes.of(exhibit.network), _axes(exhibit)
    space = [
        spec.SpaceInputAxis(id=spec.AxisId(name), size=spec.ParameterizedSize(min=smallest, step=step))
        for name, smallest, step in zip(names, sizes.smallest, sizes.step, strict=True)
    ]
    channels = ["red", "green", "blue"] if exhibit.grey.shape[1] == 3 else ["grey"]
    low, high = exhibit.use.percentiles or (0, 100)
    together = [spec.AxisId(name) for name in ("channel", *names)]
    steps: list[Any] = [
        spec.ScaleRangeDescr(kwargs=spec.ScaleRangeKwargs(axes=together, min_percentile=low, max_percentile=high)),
        spec.ScaleLinearDescr(kwargs=spec.ScaleLinearKwargs(gain=255, offset=0.5)),
        spec.ClipDescr(kwargs=spec.ClipKwargs(min=0, max=255)),
        spec.EnsureDtypeDescr(kwargs=spec.EnsureDtypeKwargs(dtype="uint8")),
    ]
    return spec.InputTensorDescr(
        id=spec.TensorId(INPUT),
        axes=[spec.BatchAxis(), spec.ChannelAxis(channel_names=[spec.Identifier(name) for name in channels]), *space],
        data=spec.IntervalOrRatioDataDescr(type="float32" if exhibit.stretched else "uint8"),
        preprocessing=steps if exhibit.stretched else [],
        test_tensor=test,
    )


def _output(exhibit: Exhibit, test: Any) -> "OutputTensorDescr":
    """The output: unit embeddings, of a volume fewer along each axis than the input has."""
    from bioimageio.spec.model import v0_5 as spec

    lost = np.subtract(exhibit.vectors.shape[2:], exhibit.grey.shape[2:]).tolist()
    space = [
        spec.SpaceOutputAxis(
            id=spec.AxisId(name),
            size=spec.SizeReference(tensor_id=spec.TensorId(INPUT), axis_id=spec.AxisId(name), offset=offset),
        )
        for name, offset in zip(_axes(exhibit), lost, strict=True)
    ]
    channels: list[Any] = [spec.Identifier(f"embedding{number}") for number in range(exhibit.vectors.shape[1])]
    return spec.OutputTensorDescr(
        id=spec.TensorId(OUTPUT),
        axes=[spec.BatchAxis(), spec.ChannelAxis(channel_names=channels), *space],
        data=spec.IntervalOrRatioDataDescr(type="float32", range=(-1, 1)),
        test_tensor=test,
    )


def _axes(exhibit: Exhibit) -> str:
    return "zyx"[-exhibit.network.rank :]
