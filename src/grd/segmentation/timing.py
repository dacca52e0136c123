"""Times of a trained network on a test set: forward passes alone (Table I), and from image to instances."""

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

WARM_UPS = 1  # passes over the test set before the timed ones
REPEATS = 3  # timed passes over the test set


def write_timing_file(
    model: Path, samples: Path, split: str, canvas: tuple[int, ...], settings: Segmenter, out: Path, device: torch.device
) -> None:
    """Write the seconds of REPEATS passes over a split, `forward` and `end_to_end`, as csv, after WARM_UPS untimed passes.

    Images or tiles follow one another, and their times add up over the test set, as in the paper. `forward` is the time of the
    network alone, with its input on the device and the device synchronised (the released code does not synchronise for volumes).
    `end_to_end` is the time from image to instances; a waterz threshold that validation data would choose is 0.5 there.
    """
    if isinstance(settings, WaterzSegmenter) and settings.threshold == "validation":
        settings = settings.model_copy(update={"threshold": 0.5})
    predictor, images = load_predictor(model, device, canvas), read_split(samples, split)
    for _ in range(WARM_UPS):
        _forward(predictor, images)
        _end_to_end(predictor, images, settings)
    rows = [
        {"forward": _forward(predictor, images), "end_to_end": _seconds(_end_to_end, predictor, images, settings)}
        for _ in range(REPEATS)
    ]
    table = pd.DataFrame(rows).assign(images=len(images.names), device=device_name(device))
    write_text(out, table.to_csv(index=False))


def _seconds(action: Callable[..., None], *arguments: object) -> float:
    began = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - began


@torch.inference_mode()
def _forward(predictor: Predictor, images: Split) -> float:
    """Seconds that the network takes for all inputs, without the time to prepare them."""
    total = 0.0
    for pixels in (pixels for image in images.images for pixels in predictor.network_inputs(image)):
        synchronise(predictor.device)
        began = time.perf_counter()
        predictor.network(pixels)
        synchronise(predictor.device)
        total += time.perf_counter() - began
    return total


def _end_to_end(predictor: Predictor, images: Split, settings: Segmenter) -> None:
    """Predict and segment all images."""
    for image, truth in zip(images.images, images.labels, strict=True):
        maps: np.ndarray = predictor.affinities(image)
        needs_truth = isinstance(settings, MutexSegmenter) and settings.foreground == "truth"
        segment(maps, predictor.offsets, settings, truth if needs_truth else None)
