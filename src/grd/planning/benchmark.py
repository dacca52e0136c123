"""Seconds and memory of a training's steps on this machine, on random images: no data set is needed.

What is measured is the code that trains, one kind of work (`grd.planning.estimate.Work`) after another.
"""

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from itertools import count
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from tqdm import tqdm

from grd.config.catalogue import METHODS
from grd.data.batches import DeviceSplit, device_split
from grd.data.store import Split
from grd.distillation import method_class
from grd.distillation.method import View
from grd.errors import GrdError
from grd.losses.memory_bank import MemoryBank
from grd.networks import build
from grd.networks.base import EmbeddingNetwork
from grd.planning.estimate import MEMORY, Benchmark, Measurement, Work, all_work, read_benchmark
from grd.planning.memory import metered
from grd.project.project import Project
from grd.project.run import Run, RunSettings
from grd.system.devices import device_name, synchronise
from grd.system.files import write_text
from grd.system.hardware import hardware
from grd.training.fit import shared_part
from grd.training.folder import TrainingFolder
from grd.training.student import Student, arranged, geometry_of, validation_loss

BLOCK, IDS = 16, {2: 128, 3: 512}
"""Labels are blocks of so many pixels a side, of random ids below the highest of a data set, by rank; about as many as real."""

Step = Callable[[], object]


def measure_all(project: Project, runs: Sequence[Run], steps: int, device: torch.device, out: Path) -> Benchmark:
    """Measure all that these runs need, and write it to `out` with what is there of other runs, measured on this machine.

    Work that does not fit into memory is left out, and a GrdError says so after the rest was written.
    """
    works, earlier = all_work(project, runs), read_benchmark(out)
    failures: list[str] = []
    measured: dict[str, Measurement] = {}
    with tqdm(works.values(), "benchmark", leave=False, disable=None, file=sys.stderr) as bar:
        for work in bar:
            bar.set_postfix_str(work.title)
            try:
                measured[work.key] = measure(work, steps, device)
            except torch.OutOfMemoryError:
                failures.append(f"{work.kind} {work.title}")
    found = Benchmark(
        machine=hardware(),
        device=device_name(device),
        torch=version("torch"),
        steps=steps,
        memory="measured" if device.type == "cuda" else "estimated",
        measurements=measured,
    )
    found = _joined(earlier, found, all_work(project, project.all_runs()))
    write_text(out, found.model_dump_json(indent=1) + "\n")
    if failures:
        raise GrdError(
            f"{device_name(device)}: expected room for a batch, found too little memory for {'; '.join(failures)}; lower "
            "training.batch_size, or take a device with more"
        )
    return found


def _joined(before: Benchmark | None, now: Benchmark, wanted: Iterable[str]) -> Benchmark:
    """What was just measured, and what was before in the same way and is still wanted."""
    if before is None or before.model_copy(update={"measurements": now.measurements}) != now:
        return now
    kept = {key: before.measurements[key] for key in wanted if key in before.measurements}
    return now.model_copy(update={"measurements": kept | now.measurements})


def measure(work: Work, steps: int, device: torch.device) -> Measurement:
    """Median of `steps` steps, the device synchronised, after one to warm up and one whose memory is metered."""
    bench = BENCHES[work.kind](work, device)
    with metered(device) as meter:
        before = meter.allocated()
        bench.start()
        bench.step()()  # the first step makes the optimiser's state
        step = bench.step()
        begin = meter.mark()
        kept = step()
        del step
        after = meter.allocated()
        peak = meter.peak() - max(begin, after)
    del kept
    seconds = median(_seconds(bench.step(), device) for _ in range(steps))
    return Measurement(
        kind=work.kind, work=work.title, seconds=seconds, held=after - before, peak=max(peak, 0), **bench.described()
    )


def _seconds(step: Step, device: torch.device) -> float:
    synchronise(device)
    began = time.perf_counter()
    step()
    synchronise(device)
    return time.perf_counter() - began


class Bench(ABC):
    """One kind of work made ready: random samples on the device first, networks when it starts."""

    def __init__(self, work: Work, device: torch.device) -> None:
        self.work, self.settings, self.device = work, work.settings, device
        self.samples: DeviceSplit = self._samples(1, work.sample, widen=True)  # batches are drawn with replacement

    def _samples(self, number: int, shape: Sequence[int], widen: bool) -> DeviceSplit:
        split = noise(number, shape, len(self.settings.canvas))
        return device_split(split, self.settings.normalisation, self.device, widen)

    @abstractmethod
    def start(self) -> None:
        """Build what stays from step to step."""

    @abstractmethod
    def step(self) -> Step:
        """The next step, ready to be timed; what it returns is there while others take their steps."""

    def described(self) -> dict[str, Any]:
        """What else there is to say."""
        return {}


class PlainBench(Bench):
    """Steps of a network that learns from the labels alone."""

    teacher: EmbeddingNetwork | None = None

    def start(self) -> None:
        """Build the network and its optimiser."""
        never = TrainingFolder(Path(os.devnull))
        self.student = Student(self.settings, self.teacher, self.samples.instances, never, self.device)
        self.geometry = geometry_of(self.student.network, self.settings)

    def step(self) -> Step:
        """Batch, targets, forward, backward, optimiser."""
        return lambda: self.student.advance(*self._shared())

    def _shared(self) -> tuple:
        return shared_part(self.settings, self.geometry, self.student.levels, self.student.step, self.teacher, self.samples)

    def described(self) -> dict[str, Any]:
        """Bytes of the files that a run leaves."""
        student = self.student
        model = _bytes(student.best[1])
        method = student.method.state_dict() if student.method else {}
        return {"model": model, "checkpoint": 2 * model + _bytes([method, student.optimiser.state_dict()])}


class StudentBench(PlainBench):
    """A student's own part of a step: all but what it shares with the others of its teacher."""

    def __init__(self, work: Work, device: torch.device) -> None:
        super().__init__(work, device)
        self.teacher = frozen(work.teacher or work.settings, device)

    def start(self) -> None:
        """Build the network and its optimiser; its memory bank, if its method has one, as after many steps."""
        super().start()
        bank = getattr(self.student.method, "bank", None)
        if isinstance(bank, MemoryBank):
            bank.enqueued = len(bank.nodes)

    def step(self) -> Step:
        """Forward, distillation, backward, optimiser."""
        batch, supervision, view = self._shared()
        derive(view, self.settings)
        return partial(self.student.advance, batch, supervision, view)


class TeacherBench(Bench):
    """What students of a teacher share in a step: batch, targets, the teacher's pass, and what losses derive from it."""

    def start(self) -> None:
        """Build the teacher."""
        self.teacher = frozen(self.settings, self.device)
        self.geometry = geometry_of(self.teacher, self.settings)
        fidelity, rank = self.settings.fidelity, self.teacher.rank
        wanted = {level for name in METHODS[1:] for level in method_class(name).wanted_levels(fidelity, rank)}
        self.levels = sorted(wanted & set(self.teacher.taps))
        self.number = count()

    def step(self) -> Step:
        """Batch, targets, forward."""
        return partial(self._share, next(self.number))

    def _share(self, number: int) -> object:
        shared = shared_part(self.settings, self.geometry, self.levels, number, self.teacher, self.samples)
        derive(shared[2], self.settings)
        return shared


class ValidationBench(Bench):
    """The validation of one batch of whole images, or of tiles of volumes."""

    def start(self) -> None:
        """Build the network, and samples of which each fills its canvas."""
        self.network = frozen(self.settings, self.device)
        self.geometry = geometry_of(self.network, self.settings)
        volumes = len(self.settings.canvas) == 3
        shape = self.geometry.canvas_output if volumes else self.work.sample
        self.samples = self._samples(self.settings.training.batch_size, shape, widen=False)

    def step(self) -> Step:
        """Forward, and the supervised loss."""
        return torch.no_grad()(partial(validation_loss, self.network, self.samples, self.settings, self.geometry))

    def described(self) -> dict[str, Any]:
        """Size of the network's output."""
        return {"output": self.geometry.canvas_output}


BENCHES: Mapping[str, type[Bench]] = {
    "plain": PlainBench,
    "teacher": TeacherBench,
    "student": StudentBench,
    "validation": ValidationBench,
}


def frozen(settings: RunSettings, device: torch.device) -> EmbeddingNetwork:
    """The run's network with random weights, as teachers and validated networks are: without gradients."""
    return arranged(build(settings.network, **settings.arguments).to(device).eval().requires_grad_(False), settings)


def derive(view: View | None, settings: RunSettings) -> None:
    """Have a teacher's view work out what the first of its students would."""
    if view is not None:
        _ = view.affinities, view.nodes, view.gram(settings.fidelity.inter_affinity)


def noise(number: int, shape: Sequence[int], rank: int) -> Split:
    """Samples of this shape, (H, W), (H, W, 3) or (Z, Y, X): grey values of noise, labels blocks of random ids."""
    rng = np.random.default_rng(0)
    spatial = shape[:rank]
    labels = rng.integers(0, IDS[rank], (number, *(ceil(length / BLOCK) for length in spatial)), np.uint16)
    for axis, length in enumerate(spatial, 1):
        labels = labels.repeat(BLOCK, axis).take(range(length), axis)
    images = rng.integers(0, 256, (number, *shape), np.uint8)
    return Split([str(sample) for sample in range(number)], images, labels)


def _bytes(tree: object) -> int:
    return sum(leaf.numel() * leaf.element_size() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def described(benchmark: Benchmark) -> str:
    """A benchmark as a table."""
    rows = [
        f"seconds: median of {benchmark.steps} steps, {benchmark.device}, torch {benchmark.torch}",
        f"memory (held between steps, and a step's peak beyond that): {MEMORY[benchmark.memory]}",
        "",
        f"{'':12}{'seconds':>10}{'held GB':>10}{'peak GB':>10}",
    ]
    for each in benchmark.measurements.values():
        rows.append(f"{each.kind:12}{each.seconds:10.4f}{each.held / 1e9:10.3f}{each.peak / 1e9:10.3f}  {each.work}")
    return "\n".join([*rows, "", *LEGEND, ""])


LEGEND = (
    "plain: a step without teacher. teacher: what its students share of a step, batch, targets and forward pass;",
    "student: what each takes beside that. validation: one batch of it.",
)
