"""Cost of training jobs, from measurements of single steps: hours, memory, and what a job asks a cluster for.

A step of students that share a teacher is one shared part (batch, targets, the teacher's pass) and a part of each student's
own; from time to time each student is validated. `grd benchmark` measures these of one run at a time.
"""

from collections.abc import Iterable, Sequence
from math import ceil, prod
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from grd.config.parsing import Closed
from grd.config.splits import parse_entry
from grd.data.splits import split_names
from grd.data.store import SPLITS
from grd.errors import GrdError
from grd.project.project import Project
from grd.project.run import Run
from grd.system.digests import digest_of

COST = {"network", "arguments", "method", "shifts", "reach", "fidelity", "normalisation", "canvas", "padding", "augment"}
TRAINING_COST = {"training": {"batch_size", "precision", "channels_last", "amsgrad"}}
SAFETY = 1.5  # the measurement had the machine for itself
STARTING = 15  # minutes: imports from a shared disk, reading the data
PROCESS = 4000  # MB: Python, torch and a GPU's libraries

Shape = tuple[int, ...]


class Measurement(Closed):
    """Cost of one run: seconds of a step, of the run's own part of it, and of the validation of a batch, whose output has the
    size `output` (*spatial). Bytes on a GPU, 0 elsewhere: what the run holds from step to step, and the peaks beyond data and
    that, of everything (teacher included) and of the run's own part of a step."""

    run: str
    step: float
    own: float
    validation: float
    output: Shape
    held: int = 0
    peak: int = 0
    own_peak: int = 0


class Benchmark(Closed):
    """results/<scale>/benchmark.json: measurements by `cost_key`, and where and how they were made."""

    machine: dict[str, str]
    device: str
    torch: str
    steps: int
    measurements: dict[str, Measurement]


def read_benchmark(path: Path) -> Benchmark | None:
    """The measurements that `grd benchmark` wrote, None if there are none; GrdError for another file."""
    try:
        return Benchmark.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise GrdError(f"{path}: expected what `grd benchmark` writes, found another file; delete it and measure again") from None


def cost_key(project: Project, run: Run) -> str:
    """Digest that runs of the same cost share: all that decides it, but not seed, learning rate and number of iterations, nor
    the weights and options of a method."""
    settings, teacher = project.settings(run), run.taught_by and project.settings(run.taught_by)
    own = settings.model_dump(mode="json", include={**dict.fromkeys(COST, True), **TRAINING_COST})
    return digest_of(own, teacher and [teacher.network, teacher.arguments], cut_shape(project, run.dataset))


class Estimate(NamedTuple):
    """Cost of a training job: seconds of a step of all its runs, hours, and bytes on the GPU (0 if not measured on one)."""

    step_seconds: float
    hours: float
    memory: int


def estimate(project: Project, runs: Sequence[Run], benchmark: Benchmark) -> Estimate | None:
    """Cost of training these runs, one or students that share a teacher, in one job; None if a run was not measured.

    Start-up, checkpoints and a GPU's context (about half a GB) are not counted.
    """
    keys = [cost_key(project, run) for run in runs]
    if not benchmark.measurements.keys() >= set(keys):
        return None
    costs, name = [benchmark.measurements[key] for key in keys], runs[0].dataset
    shared = max(cost.step - cost.own for cost in costs)
    steps = [project.settings(run).training.iterations for run in runs]
    seconds = shared * max(steps) + sum(cost.own * count for cost, count in zip(costs, steps, strict=True))
    seconds += sum(cost.validation * validation_batches(project, run, cost.output) for run, cost in zip(runs, costs, strict=True))
    data = image_bytes(project, name, SPLITS[:2]) + 4 * pixels(project, name, SPLITS[:2])  # labels of 32 bits
    memory = data + sum(cost.held for cost in costs) + max(cost.peak for cost in costs)
    return Estimate(shared + sum(cost.own for cost in costs), seconds / 3600, memory if all(cost.peak for cost in costs) else 0)


def validation_batches(project: Project, run: Run, output: Shape) -> int:
    """Number of batches in all validations of a run's training; samples are cut into tiles of this output, an image is one."""
    training = project.settings(run).training
    shapes = split_shapes(project, run.dataset)["validation"][: training.validation_images]
    tiles = sum(prod(ceil(have / size) for have, size in zip(shape, output, strict=True)) for shape in shapes)
    return ceil(training.iterations / training.validate_every) * ceil(tiles / training.batch_size)


class Resources(NamedTuple):
    """Time in minutes and memory of the host in MB."""

    minutes: int
    megabytes: int


def training_resources(project: Project, runs: Sequence[Run], benchmark: Benchmark | None, attempt: int = 1) -> Resources:
    """Resources to ask a cluster for; from the second `attempt` on, half as much again each time.

    The time never exceeds the scale's `training_hours`: a training that needs more resumes in the next attempt. What a job
    holds on a GPU, it holds at most once in the host's memory; what was not measured on a GPU asks for `training_gb`.
    """
    cost = estimate(project, runs, benchmark) if benchmark else None
    longest, more = 60 * project.scale.training_hours, (1 + attempt) / 2
    minutes = more * (STARTING + SAFETY * 60 * cost.hours) if cost else longest
    megabytes = PROCESS + SAFETY * cost.memory / 1e6 if cost and cost.memory else 1000 * project.scale.training_gb
    return Resources(ceil(min(longest, minutes)), ceil(more * megabytes))


def sample_shape(project: Project, name: str) -> Shape:
    """Shape (*spatial) of a data set's image or volume; a twin's images or sections have a size of their own."""
    dataset, twin = project.dataset(name), project.twin(name)
    shape = dataset.shape[: dataset.rank]
    return shape if twin is None else (*shape[:-2], *twin.size)


def cut_shape(project: Project, name: str) -> Shape:
    """Shape, (H, W), (H, W, 3) or (Z, Y, X), of the sample that crops are cut from; of a volume no more sections than a crop
    has, for a batch touches no others."""
    dataset, shape = project.dataset(name), sample_shape(project, name)
    return (*shape, *dataset.shape[2:]) if dataset.rank == 2 else (min(shape[0], dataset.augment.crop[0]), *shape[1:])


def split_shapes(project: Project, name: str) -> dict[str, list[Shape]]:
    """Shape (*spatial) of every sample, by split: the parts that the split file names, or as many as the archive lists."""
    dataset, whole = project.dataset(name), sample_shape(project, name)
    if dataset.split == "archive":
        return {split: [whole] * min(number, dataset.subset.get(split, number)) for split, number in dataset.counts.items()}
    parts = {split: [parse_entry(entry)[1] for entry in entries] for split, entries in split_names(dataset, {}).items()}
    sides = {split: [[axis.stop - axis.start for axis in part] for part in listed] for split, listed in parts.items()}
    return {split: [(*cut, *whole[len(cut) :]) for cut in listed] for split, listed in sides.items()}


def pixels(project: Project, name: str, splits: Iterable[str]) -> int:
    """Number of pixels or voxels in these splits of a data set."""
    shapes = split_shapes(project, name)
    return sum(prod(shape) for split in splits for shape in shapes[split])


def image_bytes(project: Project, name: str, splits: Iterable[str]) -> int:
    """Bytes of the images in these splits: uint8, of three channels if they are coloured."""
    dataset = project.dataset(name)
    return pixels(project, name, splits) * prod(dataset.shape[dataset.rank :])
