"""Users' own images and volumes → labels."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from tqdm import tqdm

from grd.config.parsing import parse
from grd.config.segmenters import Segmenter
from grd.errors import GrdError, error_location
from grd.inference.predict import Predictor, load_predictor
from grd.reading.axes import frames
from grd.reading.files import open_file
from grd.reading.grey import grey_rule
from grd.segmentation.run_files import segment_sample
from grd.system.files import atomic_write

LARGE = 0.25  # share of an image that no instance should cover

log = logging.getLogger(__name__)


def segment_files(
    files: Sequence[Path],
    model: Path,
    out: Path,
    device: torch.device,
    segmenter: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Iterator[Path]:
    """Segment files as the model's card says; yields the tif written for each.

    `segmenter` names one of the card's in place of its usual one, `changes` are settings to change in it.
    `<name>-labels.tif` is (H, W) or (Z, Y, X), 16-bit, or 32-bit if a volume has more than 65535 instances.
    """
    targets = [out / f"{path.stem}-labels.tif" for path in files]
    if twice := next((target for target in targets if targets.count(target) > 1), None):
        raise GrdError(
            f"{twice}: expected images of different names, found several for this file; segment them into different folders"
        )
    if out.exists() and not out.is_dir():
        raise GrdError(f"{out}: expected a folder for label images, found a file; choose another folder")
    predictor = load_predictor(model, device)
    settings = choose_segmenter(predictor, model, segmenter, changes or {})
    shown = tqdm(files, desc="files", leave=False, disable=None, file=sys.stderr)
    for path, target in zip(shown, targets, strict=True):
        with open_file(path) as stored:
            (frame,) = frames(stored, predictor.network.rank).samples
            pixels = grey_rule(frame, where=str(path))(frame[...])
        with error_location(str(path)):
            labels = segment_sample(predictor.offsets, settings, predictor.predict(pixels))
        warn_of_large_segments(labels, path)
        write_tif(target, _narrow(labels, path))
        yield target


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
    if "max_size" in usable and getattr(settings, "foreground", "") == "learned":
        usable["foreground"] = "corner"
        log.info("with max_size the background is found by size and corner, not by its direction in embedding space")
    changed = parse(kind, settings.model_dump() | usable, "grd predict")
    if getattr(changed, "foreground", "") == "truth":
        raise GrdError(f"{model}: expected a segmenter that needs no ground truth, found {name}; choose another segmenter")
    return changed


def warn_of_large_segments(labels: np.ndarray, path: Path) -> None:
    """Warn if a segment covers more than a quarter of an image or volume."""
    largest = int(np.bincount(labels.ravel())[1:].max(initial=0))
    if largest > LARGE * labels.size:
        log.warning(
            "%s: a segment covers %.0f %% of it: background, or objects that were joined? Try --max-size for images, "
            "--threshold for volumes, or another segmenter or model",
            path,
            100 * largest / labels.size,
        )


def write_tif(path: Path, labels: np.ndarray) -> None:
    """Write a label image (H, W) or volume (Z, Y, X), uint16 or uint32, whole or not at all; OSError for a full disk.

    The file is encoded in memory, since tifffile does not report a full disk.
    """
    file = BytesIO()
    tifffile.imwrite(file, labels, photometric="minisblack")
    with atomic_write(path) as part:
        part.write_bytes(file.getbuffer())


def _narrow(labels: np.ndarray, path: Path) -> np.ndarray:
    if labels.max(initial=0) <= np.iinfo(np.uint16).max:
        return labels.astype(np.uint16)
    if labels.ndim == 2:
        raise GrdError(f"{path}: expected at most 65535 instances, found {labels.max()}; this model does not fit the image")
    return labels.astype(np.uint32)
