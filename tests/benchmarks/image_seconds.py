"""CPU seconds from an image file to its labels, by stage, on one thread.

    python tests/benchmarks/image_seconds.py MODEL IMAGE [IMAGE …]

MODEL is a run's model.pt. It is measured twice, interleaved: `null` is the ratio of the two, which shows how far these times can
be trusted. Medians over images and repeats; JSON to stdout.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from grd.config.segmenters import MutexSegmenter
from grd.inference.predict import ImagePredictor, load_predictor
from grd.reading.axes import frames
from grd.reading.files import open_file
from grd.reading.grey import grey_rule
from grd.segmentation.images import Surroundings, clean_up, partition
from grd.system.hardware import hardware

REPEATS = 5


def main(model: Path, *images: Path) -> None:
    torch.set_num_threads(1)
    predictor = load_predictor(model, torch.device("cpu"))
    settings = predictor.card.required_use(model).segmenter()
    found: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    for repeat in range(REPEATS + 1):
        for image in images:
            for rows in found:
                stages = seconds_by_stage(predictor, settings, image)
                if repeat:  # the first round warms up
                    rows.append(stages)
    first, again = ({name: statistics.median(row[name] for row in rows) for name in rows[0]} for rows in found)
    total = sum(again.values())
    rounded = {name: round(value, 3) for name, value in (again | {"total": total}).items()}
    print(json.dumps({"machine": hardware(), "null": round(total / sum(first.values()), 3), "seconds": rounded}, indent=1))  # noqa: T201


@torch.inference_mode()
def seconds_by_stage(predictor: ImagePredictor, settings: MutexSegmenter, path: Path) -> dict[str, float]:
    """Stages of `grd predict` and their CPU seconds; the network runs once more by itself."""
    image, reading = timed(lambda: read_grey(path))
    _, network = timed(lambda: [predictor.network(pixels) for pixels in predictor.network_inputs(image)])
    maps, prediction = timed(lambda: predictor.predict(image))
    seen = Surroundings(maps.size, None, maps.background)
    segments, watershed = timed(lambda: partition(maps.affinities, predictor.offsets, settings, seen))
    _, cleaning = timed(lambda: clean_up(segments, settings, seen))
    stages = {"file": reading, "network": network, "affinities": prediction - network}
    return stages | {"watershed": watershed, "clean-up": cleaning}


def read_grey(path: Path) -> Any:
    """The image of a file as grey values."""
    with open_file(path) as stored:
        image = frames(stored, 2).samples[0][...]
        return grey_rule(image)(image)


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """The result of an action, and its CPU seconds."""
    start = time.process_time()
    result = action()
    return result, time.process_time() - start


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
