"""What training costs: hours and memory of a job, worked out from measurements of single steps.

A step of students that share a teacher is one shared part (batch, targets, the teacher's forward pass and what losses derive
from it) and a part of each student's own; a run without a teacher has steps of its own. From time to time each network is
validated. `grd benchmark` measures these four kinds of work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, prod
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from grd.config.parsing import Closed
from grd.errors import GrdError
from grd.planning.sizes import Shape, device_bytes, sample_shape, split_shapes
from grd.project.project import Project
from grd.project.run import Run, RunSettings
from grd.system.digests import digest_of

Kind = Literal["plain", "teacher", "student", "validation"]
COST = {"network", "arguments", "shifts", "reach", "fidelity", "normalisation", "canvas", "padding", "augment"}
TRAINING_COST = {"batch_size", "precision", "channels_last", "amsgrad"}


@dataclass(frozen=True)
class Work:
    """One kind of work: a step without teacher, what students of a teacher share, a student's own part, or the validation of
    one batch. `sample` is the shape, (H, W), (H, W, 3) or (Z, Y, X), of what crops are cut from; the work is the same for all
    of `datasets`."""

    kind: Kind
    settings: RunSettings
    teacher: RunSettings | None
    sample: Shape
    datasets: tuple[str, ...]

    @property
    def title(self) -> str:
        """On which data sets, which network or student: `celegans, bbbc039: resunet_tiny-grd-resunet`."""
        return f"{', '.join(self.datasets)}: {self.settings.run.rpartition('-s')[0]}"

    @cached_property
    def key(self) -> str:
        """A digest of what decides its cost: work with one key is measured once.

        Neither seed, learning rate and number of iterations do, nor a method's weights and the size of its memory.
        """
        content = {"kind": self.kind, "sample": self.sample, **_cost(self.settings)}
        if self.teacher is not None:
            content |= {"method": self.settings.method, "teacher": [self.teacher.network, self.teacher.arguments]}
        return digest_of(content)


def _cost(settings: RunSettings) -> dict[str, object]:
    own = settings.model_dump(mode="json", include=COST)
    return {**own, "training": settings.training.model_dump(mode="json", include=TRAINING_COST)}


def work_of(project: Project, kind: Kind, run: Run) -> Work:
    """The work of this kind that a run gives."""
    plain = replace(run, seed=0, changes=())
    teacher = project.settings(plain.taught_by) if kind == "student" and plain.taught_by else None
    return Work(kind, project.settings(plain), teacher, _cut_from(project, run), (run.dataset,))


def _cut_from(project: Project, run: Run) -> Shape:
    """Shape of a sample; of a volume no more sections than a crop has, for a batch touches no others."""
    dataset = project.dataset(run.dataset)
    shape = sample_shape(dataset, project.twin(run.dataset))
    if dataset.rank == 2:
        return (*shape, *dataset.shape[2:])
    return (min(shape[0], dataset.augment.crop[0]), *shape[1:])


def own_work(project: Project, run: Run) -> Work:
    """What each step of a run costs by itself."""
    return work_of(project, "plain" if run.taught_by is None else "student", run)


def validation_work(project: Project, run: Run) -> Work:
    """What each batch of a run's validation costs: its network alone decides."""
    return work_of(project, "validation", Run(run.dataset, run.network))


def all_work(project: Project, runs: Iterable[Run]) -> dict[str, Work]:
    """Everything that has to be measured for these runs, by key."""
    found: dict[str, Work] = {}
    for run in runs:
        shared = [] if run.taught_by is None else [work_of(project, "teacher", run.taught_by)]
        for work in (*shared, own_work(project, run), validation_work(project, run)):
            before = found.get(work.key, work).datasets
            found[work.key] = replace(work, datasets=tuple(dict.fromkeys([*before, *work.datasets])))
    return found


MEMORY = {"measured": "measured", "estimated": "estimated from the tensors on a CPU; a GPU's workspace comes on top"}


class Measurement(Closed):
    """What one kind of work took: `seconds` (median), bytes on the device that it holds from one step to the next and needs
    beyond these during one (`peak`), bytes of the model's and the checkpoint's file, and of a validation the size of the
    network's output (*spatial)."""

    kind: Kind
    work: str
    seconds: float = 0
    held: int = 0
    peak: int = 0
    model: int = 0
    checkpoint: int = 0
    output: tuple[int, ...] = ()


class Benchmark(Closed):
    """results/<scale>/benchmark.json: measurements by the digest of the settings that they depend on, and what they were made
    with. `memory` is estimated where no GPU was there: what tensors hold, without the GPU's own workspace."""

    machine: dict[str, str]
    device: str
    torch: str
    steps: int
    memory: Literal["measured", "estimated"]
    measurements: dict[str, Measurement]

    def covers(self, works: Iterable[str]) -> bool:
        """Whether all work with these keys was measured."""
        return all(key in self.measurements for key in works)

    def of(self, work: Work) -> Measurement:
        """The measurement of this work."""
        return self.measurements[work.key]


def read_benchmark(path: Path) -> Benchmark | None:
    """What `grd benchmark` has written, None if it has not; GrdError for a file that is none."""
    try:
        return Benchmark.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise GrdError(f"{path}: expected what `grd benchmark` writes, found another file; delete it and measure again") from None


@dataclass(frozen=True)
class Estimate:
    """Of one training job: seconds per step in which all its runs take part, hours, and bytes of memory on the device."""

    step_seconds: float
    hours: float
    memory: int


def estimate(project: Project, runs: Sequence[Run], benchmark: Benchmark) -> Estimate | None:
    """What it takes to train these runs, one or students that share a teacher, in one job; None if that was not measured.

    Neither starting, nor writing checkpoints, nor a GPU's context (about half a GB) is counted.
    """
    if not benchmark.covers(all_work(project, runs)):
        return None
    teacher, steps = runs[0].taught_by, [project.settings(run).training.iterations for run in runs]
    shared = NOTHING if teacher is None else benchmark.of(work_of(project, "teacher", teacher))
    own = [benchmark.of(own_work(project, run)) for run in runs]
    checks = [benchmark.of(validation_work(project, run)) for run in runs]
    seconds = shared.seconds * max(steps)
    for run, count, mine, check in zip(runs, steps, own, checks, strict=True):
        seconds += count * mine.seconds + validation_batches(project, run, check.output) * check.seconds
    data = device_bytes(project.dataset(runs[0].dataset), project.twin(runs[0].dataset))
    memory = data + shared.held + sum(mine.held for mine in own) + max(each.peak for each in (shared, *own, *checks))
    return Estimate(shared.seconds + sum(mine.seconds for mine in own), seconds / 3600, memory)


NOTHING = Measurement(kind="teacher", work="no teacher")


def validation_batches(project: Project, run: Run, output: Shape) -> int:
    """How many batches all validations of a run's training have: of whole images, or of tiles of volumes with this output."""
    training, dataset = project.settings(run).training, project.dataset(run.dataset)
    shapes = split_shapes(dataset, project.twin(run.dataset))["validation"]
    pieces = len(shapes)
    if dataset.rank == 3:
        pieces = sum(prod(ceil(n / step) for n, step in zip(shape, output, strict=True)) for shape in shapes)
    return ceil(training.iterations / training.validate_every) * ceil(pieces / training.batch_size)
