"""CPU seconds from an image file to its labels, by stage, on one thread.

    python tests/benchmarks/image_seconds.py MODEL IMAGE [IMAGE …] [--model OTHER …]

MODEL is a run's model.pt (several after --model are measured in the same run, interleaved). The first model is measured twice:
`null` is the ratio of the two, which shows how far a ratio can be trusted. Medians over images and repeats; JSON to stdout.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from grd.config.segmenters import Segmenter
from grd.data.images import read_microscope_image
from grd.data.prepare import to_uint8
from grd.inference.predict import ImagePredictor, Prediction, load_predictor
from grd.losses.affinity import affinities, unit_vectors
from grd.segmentation.images import Surroundings, clean_up, partition

REPEATS = 5


def main(chosen: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    models = [chosen.model, chosen.model, *chosen.others]
    predictors = [load_predictor(path, torch.device("cpu")) for path in models]
    settings = [predictor.card.required_use(path).segmenter() for predictor, path in zip(predictors, models, strict=True)]
    found: list[list[dict[str, float]]] = [[] for _ in models]
    for repeat in range(REPEATS + 1):
        for image in chosen.images:
            for number, (predictor, segmenter) in enumerate(zip(predictors, settings, strict=True)):
                stages = dict(seconds_by_stage(predictor, segmenter, image))
                if repeat:  # the first round warms up
                    found[number].append(stages)
    medians = [{name: statistics.median(each[name] for each in rows) for name in rows[0]} for rows in found]
    totals = [sum(each.values()) for each in medians]
    shown = {str(path): rounded(each | {"total": sum(each.values())}) for path, each in zip(models[1:], medians[1:], strict=True)}
    facts = {"machine": platform.processor() or platform.machine(), "null": round(totals[1] / totals[0], 3)}
    print(json.dumps(facts | shown, indent=1))  # noqa: T201


def seconds_by_stage(predictor: ImagePredictor, settings: Segmenter, path: Path) -> Iterator[tuple[str, float]]:
    """Stages of `grd predict` and their CPU seconds, one after another."""
    start = time.process_time()
    image = to_uint8(read_microscope_image(path))
    yield "file", (now := time.process_time()) - start
    with torch.inference_mode():
        (pixels,) = predictor.network_inputs(image)
        output = predictor.network(pixels)
        yield "network", (then := time.process_time()) - now
        vectors = unit_vectors(output.float().contiguous())
        maps = affinities(vectors, predictor.offsets)[0].numpy()
        background = None
        if predictor.background is not None:
            cosines = torch.einsum("bdhw,d->bhw", vectors, vectors.new_tensor(predictor.background.direction))
            background = (cosines - predictor.background.threshold)[0].numpy()
    found = Prediction(maps, image.shape[:2], background)
    yield "affinities", (now := time.process_time()) - then
    seen = Surroundings(found.size, None, found.background)
    segments = partition(found.affinities, predictor.offsets, settings, seen)
    yield "watershed", (then := time.process_time()) - now
    clean_up(segments, settings, seen)
    yield "clean-up", time.process_time() - then


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--model", dest="others", type=Path, nargs="+", default=[])
    main(parser.parse_args())
