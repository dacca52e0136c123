"""Users' own images and volumes → labels, and what people want to see and measure of them."""

import logging
import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, zip_longest
from math import prod
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import torch
from skimage.transform import resize
from tqdm import tqdm

from grd.apply.checks import as_grey, warn_of_labels, warn_of_loss, warn_of_specks
from grd.apply.large import is_large, segment_large
from grd.apply.origin import Origin
from grd.apply.outputs import Outputs, Sample
from grd.config.parsing import parse
from grd.config.segmenters import Segmenter
from grd.data.ids import label_counts, relabel_consecutive
from grd.data.sizes import circle_diameter
from grd.errors import GrdError, error_location
from grd.inference.predict import Predictor, load_predictor
from grd.reading.axes import SPATIAL, Choice, Frame, frames
from grd.reading.files import open_file
from grd.reading.grey import GreyRule, grey_rule
from grd.reading.labels import read_labels
from grd.segmentation.run_files import segment_sample
from grd.system.devices import autocast
from grd.system.files import is_disk_full
from grd.system.logs import sentence_for

COVERING = 0.25  # share of an image that no instance should cover
MOST_RESIZED = 8  # the factor by which images are enlarged or reduced at most
SIZES = ("max_size", "min_size")  # settings in pixels of the image, which may be resized

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What a user may say of images and model.

    segmenter: One of the card's in place of its usual one; `changes` are settings to change in it.
    choice: Axes, channel and moment.
    percentiles: Grey values that become 0 and 255, in place of those of the model's card.
    diameter: Of the objects in an image, in pixels; images are resized to the size of object that the model learnt.
    scale: Factor by which images are resized, in place of a diameter.
    skip_existing: Keep labels that exist.
    precision: Of products and convolutions in the network, `float32` or `bfloat16`.
    """

    segmenter: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    percentiles: tuple[float, float] | None = None
    diameter: float | None = None
    scale: float | None = None
    skip_existing: bool = False
    precision: str = "float32"


def segment_files(
    files: Sequence[Path], model: Path, outputs: Outputs, device: torch.device, settings: Settings = Settings()
) -> Iterator[str]:
    """Segment files as the model's card says; yields a line for each.

    A file that cannot be used is named in a warning, and the others are done. At the end a GrdError names all such files;
    of a single file it is that file's own error. A full disk ends the call.
    """
    files = outputs.without_labels(files)
    outputs.check_names(files, settings.skip_existing)
    work = Work.begin(model, device, settings)
    left_out: list[str] = []
    for path in tqdm(files, desc="files", leave=False, disable=None, file=sys.stderr):
        try:
            outputs.check_origin(path, settings.choice, settings.skip_existing)
            exists = settings.skip_existing and outputs.labels(path).exists()
            if exists and outputs.resume(path):
                yield f"{outputs.labels(path)}: exists, skipped"
            elif exists:
                yield outputs.write(path, work.segmented_before(path, outputs))
            else:
                yield outputs.write(path, work.segment(path, outputs), Origin.of(path, settings.choice))
        except (GrdError, OSError) as error:
            if len(files) == 1 or is_disk_full(error):
                raise
            log.warning("%s", sentence_for(error) or error)
            left_out.append(path.name)
    outputs.finish()
    if left_out:
        raise GrdError(
            f"{', '.join(left_out)}: expected {len(files)} files that can be segmented, found {len(left_out)} that cannot, for "
            "the reasons above; the others are done"
        )


@dataclass(frozen=True)
class Work:
    """A model that is ready to segment, with the settings in force."""

    predictor: Predictor
    segmenter: Segmenter
    settings: Settings
    scale: float

    @classmethod
    def begin(cls, model: Path, device: torch.device, settings: Settings) -> "Work":
        """Load a model and settle its settings."""
        predictor = load_predictor(model, device)
        use = predictor.card.required_use(model)
        chosen = replace(settings, percentiles=settings.percentiles or use.percentiles)
        factor = factor_of(chosen, use.object_size, predictor.network.rank)
        changes = {name: resized_size(value, factor) if name in SIZES else value for name, value in settings.changes.items()}
        return cls(predictor, choose_segmenter(predictor, model, settings.segmenter, changes), chosen, factor)

    def segment(self, path: Path, outputs: Outputs) -> Generator[Sample]:
        """Labels of each image or volume of a file, one after another; labels of large ones lie on the disk, in the outputs'
        folder."""
        for number, (frame, _, sample) in enumerate(self._frames(path, outputs)):
            if self.learnt_grey:
                frame = as_grey(frame)
                if number == 0:
                    warn_of_loss(frame)
            warn_of_labels(frame)
            rule = grey_rule(frame, self.settings.percentiles, frame.where)
            with error_location(str(path)), self._labels(frame, rule, outputs.folder) as labels:
                warn_of_large_segments(labels, path)
                yield sample(labels)

    def segmented_before(self, path: Path, outputs: Outputs) -> Generator[Sample]:
        """The same with the labels that are there already, perhaps corrected by hand."""
        rank, shown = self.predictor.network.rank, self._frames(path, outputs)
        first = next(shown)
        known = read_labels(outputs.labels(path), rank, shared=("T" if first[1] else "") + SPATIAL[rank]).arrays
        for labels, pair in zip_longest(known, chain((first,), shown)):
            if labels is None or pair is None or labels.shape != pair[0].shape[:rank]:
                raise GrdError(
                    f"{outputs.labels(path)}: expected labels of the images in {path}, found {len(known)} of shape "
                    f"{known[0].shape}; move the file, or leave out --skip-existing"
                )
            yield pair[2](labels)

    @property
    def learnt_grey(self) -> bool:
        """True if the model learnt grey images."""
        use = self.predictor.card.use
        return self.predictor.network.rank == 2 and use is not None and len(use.shape) == 2

    def _frames(self, path: Path, outputs: Outputs) -> Iterator[tuple[Frame, str, Callable[[np.ndarray], Sample]]]:
        """What a network sees of each image or volume of a file, the axis of the stack of which it is one, or nothing, and the
        sample to which labels make it."""
        rank, choice = self.predictor.network.rank, self.settings.choice
        with open_file(path) as stored:
            found, channels = frames(stored, rank, choice), frames(stored, rank, choice, every_channel=True)
            outputs.check_outlines(path, rank, found.along)
            names = [(found.along, name) for name in found.names] or [("", "")]
            for place, frame, whole in zip(names, found.samples, channels.samples, strict=True):
                count = whole.shape[rank] if whole.ndim > rank else 1
                named = tuple(stored.channels) if len(stored.channels) == count else ()
                yield frame, found.along, partial(Sample, image=whole, place=place, channels=named)

    @contextmanager
    def _labels(self, frame: Frame, rule: GreyRule, scratch: Path) -> Iterator[np.ndarray]:
        rank = self.predictor.network.rank
        if self.scale == 1 and is_large(frame.shape, rank):
            with disk_array(scratch, frame.shape[:rank]) as labels:
                with autocast(self.predictor.device, self.settings.precision):
                    segment_large(self.predictor, self.segmenter, frame, rule, labels)
                yield labels
        else:
            if is_large(frame.shape, rank) or is_large(resized_shape(frame.shape[:rank], self.scale), rank):
                log.warning("%s: resized as a whole, not in blocks, which takes much memory", frame.where)
            pixels = rule(frame[...])
            warn_of_specks(pixels, frame.where)
            small = resize_image(pixels, self.scale)
            with autocast(self.predictor.device, self.settings.precision):
                prediction = self.predictor.predict(small)
            labels = segment_sample(self.predictor.offsets, self.segmenter, prediction)
            yield resize_labels(labels, pixels.shape[:rank])


def factor_of(settings: Settings, object_size: float, rank: int) -> float:
    """Factor by which images are resized: the diameter of the objects that a model learnt over that in the images."""
    if (settings.diameter or settings.scale) and rank == 3:
        raise GrdError("--diameter, --scale: expected a model of images, found one of volumes; leave these options out")
    learnt = circle_diameter(object_size)
    factor = learnt / settings.diameter if settings.diameter else settings.scale or 1.0
    if not 1 / MOST_RESIZED <= factor <= MOST_RESIZED:
        raise GrdError(
            f"--diameter, --scale: expected a factor from 1/{MOST_RESIZED} to {MOST_RESIZED}, found {factor:.3g}; the model "
            f"learnt objects {learnt:.0f} pixels wide, and a diameter is the width of yours in pixels"
        )
    return factor


def resized_size(pixels: int, factor: float) -> int:
    """A size in pixels (area) of the user's image in those of the resized one; at least 1, but 0 stays 0, no limit."""
    return max(round(pixels * factor**2), 1) if pixels else 0


def resized_shape(shape: Sequence[int], factor: float) -> list[int]:
    """Sides multiplied by a factor and rounded; at least 1."""
    return [max(round(length * factor), 1) for length in shape]


def resize_image(image: np.ndarray, factor: float) -> np.ndarray:
    """An image (H, W) or (H, W, 3) uint8, with sides multiplied by a factor and rounded."""
    if factor == 1:
        return image
    size = resized_shape(image.shape[:2], factor)
    resized = resize(image, (*size, *image.shape[2:]), order=1, preserve_range=True, anti_aliasing=factor < 1)
    return np.rint(resized).astype(np.uint8)


def resize_labels(labels: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Labels in another size, each pixel with the label of the nearest one; numbers are 1 … n again if some objects vanish."""
    if labels.shape == tuple(size):
        return labels
    return relabel_consecutive(resize(labels, size, order=0, preserve_range=True, anti_aliasing=False).astype(labels.dtype))


@contextmanager
def disk_array(folder: Path, shape: Sequence[int]) -> Iterator[np.ndarray]:
    """An int32 array in a file that ends with the context, or with the process; OSError, before anything is written, if the disk
    has no room for it."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):  # or a full disk would end the process when pages are written
            try:
                os.posix_fallocate(file.fileno(), 0, 4 * prod(shape))
            except OSError as error:  # of a file system that cannot do this, too
                if is_disk_full(error):
                    raise OSError(error.errno, error.strerror, str(folder)) from error
        yield np.memmap(file, np.int32, "w+", shape=tuple(shape))


def choose_segmenter(predictor: Predictor, model: Path, name: str | None, changes: Mapping[str, Any]) -> Segmenter:
    """The segmenter of the model's card with changes; warns of a change that its algorithm does not have.

    GrdError for weights without such a card, and for a segmenter that the card does not have or that needs a ground truth.
    """
    use = predictor.card.required_use(model)
    with error_location(str(model)):
        settings = use.segmenter(name)
    kind = type(settings)
    for option in changes.keys() - kind.model_fields.keys():
        log.warning("option %s has no effect: %s has no such setting", option, settings.algorithm)
    usable = {option: value for option, value in changes.items() if option in kind.model_fields}
    changed = parse(kind, settings.model_dump() | usable, "grd predict")
    if getattr(changed, "foreground", "") == "truth":
        raise GrdError(f"{model}: expected a segmenter that needs no ground truth, found {name}; choose another segmenter")
    return changed


def warn_of_large_segments(labels: np.ndarray, path: Path) -> None:
    """Warn if a segment covers more than a quarter of an image or volume."""
    largest = int(label_counts(labels, int(labels.max(initial=0)))[1:].max(initial=0))
    if largest > COVERING * labels.size:
        log.warning(
            "%s: a segment covers %.0f %% of it: background, or objects that were joined? Try --max-size for images, "
            "--threshold for volumes, or another segmenter or model",
            path,
            100 * largest / labels.size,
        )
