"""Cost of selecting weights by score: a validation beside training steps, in CPU seconds of one thread.

    python tests/benchmarks/validation_cost.py SAMPLES WEIGHTS [DATASET] [SCALE]

SAMPLES is a prepared data set (results/<scale>/data/<data set>.h5), WEIGHTS a trained ResUNet-tiny (an untrained network gives
specks, whose clean-up takes longer). Steps and validations are interleaved; `null` is the cost of the loss alone over itself, and
`share` that of all validations in the time of a training. JSON to stdout.
"""

import json
import platform
import statistics
import sys
import time
from pathlib import Path

import torch

from grd.config.parsing import read_yaml
from grd.data.batches import device_split
from grd.data.store import read_split
from grd.networks.model_file import load_model
from grd.project.project import Project
from grd.project.run import Run
from grd.training.fit import shared_part
from grd.training.folder import TrainingFolder
from grd.training.selection import MEASURES
from grd.training.student import Student
from grd.training.view import geometry_of, in_memory_format

CPU = torch.device("cpu")
STEPS, REPEATS = 3, 3


def main(samples: str, weights: str, dataset: str = "bbbc039", scale: str = "laptop") -> None:
    torch.set_num_threads(1)
    project = Project.load(config=read_yaml(Path("config/config.yaml")) | {"scale": scale})
    settings = project.settings(Run(dataset, "resunet_tiny"))
    training = device_split(read_split(Path(samples), "training"), settings.normalisation, CPU, widen=True)
    shown = read_split(Path(samples), "validation").spread(settings.training.validation_images)
    validation = device_split(shown, settings.normalisation, CPU, widen=False)
    network = in_memory_format(load_model(Path(weights), CPU)[0], settings)
    student = Student(settings, None, training.instances, TrainingFolder(Path("/nonexistent")), CPU)
    geometry = geometry_of(network, settings)

    def step(number: int) -> None:
        student.advance(*shared_part(settings, geometry, [], number, None, training))

    @torch.no_grad()
    def measure(select: str) -> None:
        MEASURES[select](network, validation, settings, geometry, lambda: None)

    step(0)
    found: dict[str, list[float]] = {"step": [], "score": [], "loss": [], "again": []}
    for repeat in range(REPEATS):
        found["step"] += [seconds(step, 1 + STEPS * repeat + number) for number in range(STEPS)]
        for name, select in (("score", "score"), ("loss", "loss"), ("again", "loss")):
            found[name].append(seconds(measure, select))
    medians = {name: statistics.median(values) for name, values in found.items()}
    validations = -(-settings.training.iterations // settings.training.validate_every)
    spent = validations * medians["score"]
    report = {
        "processor": platform.processor() or platform.machine(),
        "images": len(shown.names),
        "cpu_seconds": medians,
        "null": medians["again"] / medians["loss"],
        "share": spent / (spent + settings.training.iterations * medians["step"]),
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def seconds(action, argument) -> float:
    began = time.process_time()
    action(argument)
    return time.process_time() - began


if __name__ == "__main__":
    main(*sys.argv[1:])
