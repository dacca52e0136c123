"""How long a trained network takes for a test set: forward passes alone (Table I), and from image to instances."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from grd.config.segmenters import MutexSegmenter, Segmenter, WaterzSegmenter
from grd.data.store import Split, read_split
from grd.inference.predict import Predictor, load_predictor
from grd.segmentation import segment
from grd.system.devices import device_name, synchronise
from grd.system.files import write_text

REPEATS = 3


def time_split(
    model: Path, samples: Path, split: str, canvas: tuple[int, ...], settings: Segmenter, out: Path, device: torch.device
) -> None:
    """Write seconds per pass over the test set, `forward` and `end_to_end`, of REPEATS passes after a warm-up.

    Both are one image or tile after another, as the paper's sum over the test set; `forward` is the network alone, with
    the input on the device and the device synchronised (the released code's times of volumes are not). A waterz threshold
    that validation would choose is 0.5 here.
    """
    if isinstance(settings, WaterzSegmenter) and settings.threshold == "validation":
        settings = settings.model_copy(update={"threshold": 0.5})
    predictor, images = load_predictor(model, device, canvas), read_split(samples, split)
    _forward(predictor, images)
    _end_to_end(predictor, images, settings)
    rows = [
        {"forward": _seconds(_forward, predictor, images), "end_to_end": _seconds(_end_to_end, predictor, images, settings)}
        for _ in range(REPEATS)
    ]
    table = pd.DataFrame(rows).assign(images=len(images.names), device=device_name(device))
    write_text(out, table.to_csv(index=False))


def _seconds(action: Callable[..., float | None], *arguments: object) -> float:
    began = time.perf_counter()
    measured = action(*arguments)
    return time.perf_counter() - began if measured is None else measured


@torch.inference_mode()
def _forward(predictor: Predictor, images: Split) -> float:
    total = 0.0
    for pixels in (pixels for image in images.images for pixels in predictor.inputs(image)):
        synchronise(predictor.device)
        began = time.perf_counter()
        predictor.network(pixels)
        synchronise(predictor.device)
        total += time.perf_counter() - began
    return total


def _end_to_end(predictor: Predictor, images: Split, settings: Segmenter) -> None:
    for image, truth in zip(images.images, images.labels, strict=True):
        maps: np.ndarray = predictor.affinities(image)
        given = isinstance(settings, MutexSegmenter) and settings.foreground == "truth"
        segment(maps, predictor.offsets, settings, truth if given else None)
