"""Seconds and memory of training steps on this machine, by the code that trains, on random images: no data set is needed."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from grd.data.batches import DeviceSplit, device_split
from grd.data.store import Split
from grd.errors import GrdError
from grd.losses.memory_bank import MemoryBank
from grd.networks import build
from grd.planning.estimate import Benchmark, Measurement, cost_key, cut_shape, read_benchmark
from grd.project.project import Project
from grd.project.run import Run
from grd.system.devices import device_name, product_precision, synchronise
from grd.system.files import write_text
from grd.system.hardware import hardware
from grd.training.fit import shared_part
from grd.training.folder import TrainingFolder
from grd.training.student import Student
from grd.training.view import geometry_of, in_memory_format

BLOCK, IDS = 16, {2: 128, 3: 512}  # side of a block of labels, and number of ids by rank: about as many as in data sets


def measure_all(project: Project, runs: Sequence[Run], steps: int, device: torch.device, out: Path) -> None:
    """Measure these runs and write `out`, which keeps other runs' measurements if they were made in the same way.

    Runs that do not fit into memory are left out, and a GrdError names them after the rest is written.
    """
    distinct = {cost_key(project, run): replace(run, seed=0, changes=()) for run in runs}
    before, found, failures = read_benchmark(out), dict[str, Measurement](), []
    for key, run in tqdm(distinct.items(), "benchmark", leave=False, disable=None, file=sys.stderr):
        try:
            found[key] = measure(project, run, steps, device)
        except torch.OutOfMemoryError:
            failures.append(f"{run.dataset}/{run.stem}")
    facts = {"machine": hardware(), "device": device_name(device), "torch": version("torch"), "steps": steps}
    kept = before.measurements if before and before.model_dump(exclude={"measurements"}) == facts else {}
    write_text(out, Benchmark.model_validate({**facts, "measurements": kept | found}).model_dump_json(indent=1) + "\n")
    if failures:
        found_little = f"expected room for a batch, found too little memory for {', '.join(failures)}"
        raise GrdError(f"{device_name(device)}: {found_little}; lower training.batch_size, or take a device with more")


def measure(project: Project, run: Run, steps: int, device: torch.device) -> Measurement:
    """Medians of seconds and the highest peaks over `steps` steps and validations, after one of each to warm up."""
    bench = Bench(project, run, device)
    with product_precision(project.settings(run).training.precision):
        bench.round()  # makes the optimiser's state
        held = allocated(device) - bench.before
        figures = np.array([bench.round() for _ in range(steps)])
    step, own, validation = np.median(figures[..., 0], axis=0).tolist()
    peak, own_peak, validation_peak = map(int, figures[..., 1].max(axis=0))
    seconds = {"step": step, "own": min(own, step), "validation": validation}
    memory = {"held": held, "peak": bench.teacher_bytes + max(peak, validation_peak), "own_peak": own_peak}
    return Measurement(run=f"{run.dataset}/{run.stem}", output=bench.geometry.canvas_output, **seconds, **memory)


class Bench:
    """A run made ready to train on random samples; its memory bank, if it has one, is full as after many steps."""

    def __init__(self, project: Project, run: Run, device: torch.device) -> None:
        settings, self.device, shape = project.settings(run), device, cut_shape(project, run.dataset)
        # noise would be segmented into specks, which takes longer than any image: the time of scores is left out
        by_loss = settings.training.model_copy(update={"select": "loss"})
        self.settings = settings.model_copy(update={"training": by_loss, "selection": None})
        with torch.device("meta"):
            self.geometry = geometry_of(build(run.network, **self.settings.arguments), self.settings)
        self.training = self._samples(1, shape, widen=True)  # batches are drawn with replacement
        tile = shape if len(self.settings.canvas) == 2 else self.geometry.canvas_output
        self.validation = self._samples(self.settings.training.batch_size, tile, widen=False)
        data, self.teacher = allocated(device), None
        if teacher := run.taught_by:
            network = build(teacher.network, **project.settings(teacher).arguments).to(device)
            self.teacher = in_memory_format(network.eval().requires_grad_(False), self.settings)
        self.before = allocated(device)
        self.teacher_bytes = self.before - data
        folder = TrainingFolder(Path(os.devnull))  # nothing is read or written
        self.student = Student(self.settings, self.teacher, self.training.instances, folder, device)
        if isinstance(bank := getattr(self.student.method, "bank", None), MemoryBank):
            bank.enqueued = len(bank.nodes)

    def _samples(self, number: int, shape: Sequence[int], widen: bool) -> DeviceSplit:
        return device_split(noise(number, shape, len(self.settings.canvas)), self.settings.normalisation, self.device, widen)

    def round(self) -> list[list[float]]:
        """Seconds and peaks of a whole step, of the run's own part of a step, and of a validation.

        The own part is measured in a second step with the same batch and outputs of the teacher, as a second student takes it:
        what losses derive from the teacher's outputs is there already.
        """
        shared, *step = self._observed(self._step)
        _, *own = self._observed(partial(self.student.advance, *shared))
        del shared
        _, *validation = self._observed(partial(self.student.validate, self.validation))
        return [step, own, validation]

    def _step(self) -> tuple:
        levels, number = self.student.levels, self.student.step
        shared = shared_part(self.settings, self.geometry, levels, number, self.teacher, self.training)
        self.student.advance(*shared)
        return shared

    def _observed(self, work: Callable[[], Any]) -> tuple[Any, float, int]:
        """The result of `work`, its seconds, and its peak of memory beyond what was there before."""
        synchronise(self.device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        before, began = allocated(self.device), time.perf_counter()
        result = work()
        synchronise(self.device)
        return result, time.perf_counter() - began, allocated(self.device, peak=True) - before


def allocated(device: torch.device, peak: bool = False) -> int:
    """Bytes of tensors on a GPU, now or at their peak; 0 on a CPU, where they are not counted."""
    if device.type != "cuda":
        return 0
    return torch.cuda.max_memory_allocated(device) if peak else torch.cuda.memory_allocated(device)


def noise(number: int, shape: Sequence[int], rank: int) -> Split:
    """Samples of this shape, (H, W), (H, W, 3) or (Z, Y, X): images of random grey values, labels in blocks of random ids."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, IDS[rank], (number, *(ceil(side / BLOCK) for side in shape[:rank])), np.uint16)
    blocks = np.kron(ids, np.ones((1, *[BLOCK] * rank), np.uint16))
    labels = blocks[:, *(slice(side) for side in shape[:rank])]
    images = rng.integers(0, 256, (number, *shape), np.uint8)
    return Split([str(sample) for sample in range(number)], images, labels)
