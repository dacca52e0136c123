"""Times of a trained network on a test set: forward passes alone (Table I), and from image to instances."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from grd.config.segmenters import Segmenter
from grd.data.store import Split, read_split
from grd.inference.predict import Predictor, load_predictor
from grd.segmentation.run_files import segment_sample
from grd.system.devices import device_name, synchronise
from grd.system.files import write_text

REPEATS = 3  # timed passes over the test set at most
BUDGET = 20.0  # seconds in which warm-up and passes are to end
WARM_UP = 1.0  # seconds for which a part of the first image or volume is predicted and segmented before the first pass


def write_timing_file(model: Path, samples: Path, segmenter: str, out: Path, device: torch.device) -> None:
    """Write the seconds of up to REPEATS passes over the test split, `forward` and `end_to_end`, as csv: a row per pass.

    There is one pass at least. A pass after the first begins only if one as long as the last would end within BUDGET. Images
    or tiles follow one another, and their times add up over the test set, as in the paper. `forward` is the time of the
    network alone, with its input on the device and the device synchronised (the released code does not synchronise for
    volumes). `end_to_end` is the time from image to instances, by the segmenter of this name in the model's card.
    """
    predictor, images = load_predictor(model, device), read_split(samples, "test")
    use = predictor.card.required_use(model)
    settings, canvas = use.segmenter(segmenter), use.canvas
    end = time.perf_counter() + BUDGET
    _warm_up(predictor, _first_part(images, canvas), settings)
    table = pd.DataFrame(_passes(predictor, images, settings, end)).assign(images=len(images.names), device=device_name(device))
    write_text(out, table.to_csv(index=False))


def _first_part(images: Split, canvas: tuple[int, ...]) -> Split:
    """The part of the first image or volume that fits into the canvas, which is one input of the network."""
    first, part = images.single(0), (slice(1), *map(slice, canvas))
    return Split(first.names, np.asarray(first.images)[part], np.asarray(first.labels)[part])


def _warm_up(predictor: Predictor, part: Split, settings: Segmenter) -> None:
    """Predict and segment for WARM_UP seconds: libraries are then loaded and compiled, and the device is busy."""
    end = time.perf_counter() + WARM_UP
    _end_to_end(predictor, part, settings)
    while time.perf_counter() < end:
        _end_to_end(predictor, part, settings)


def _passes(predictor: Predictor, images: Split, settings: Segmenter, end: float) -> Iterator[dict[str, float]]:
    """The seconds of each pass: at least one, at most REPEATS, and as many as are likely to be over at the time `end`."""
    for _ in range(REPEATS):
        began = time.perf_counter()
        yield {"forward": _forward(predictor, images), "end_to_end": _seconds(_end_to_end, predictor, images, settings)}
        now = time.perf_counter()
        if now + (now - began) > end:
            return


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
        segment_sample(predictor.offsets, settings, predictor.predict(image), truth)
