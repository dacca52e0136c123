"""The training loop: one or several students, one batch and one teacher pass per step for all of them."""

import hashlib
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from grd.data.batches import Batch, DeviceSplit, Geometry, on_device
from grd.data.store import SPLITS, read_split
from grd.distillation.method import View
from grd.errors import GrdError, located
from grd.files import sha256
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import load_model
from grd.runs import RunSettings
from grd.training.student import Student, Supervision, arranged, geometry_of, view

log = logging.getLogger(__name__)


def train(
    runs: Sequence[RunSettings],
    samples: Path,
    folders: Sequence[Path],
    state: Path,
    device: torch.device,
    teacher_model: Path | None = None,
) -> None:
    """Train runs that share data set, seed and teacher; write `model.pt` and `history.jsonl` into the folder of each.

    What was begun before with the same settings, samples and teacher goes on where it was; what was finished is only
    written again. A student that fails (GrdError, e.g. a loss that is not finite) does not stop the others: they are
    written first.
    """
    training, validation = (
        on_device(read_split(samples, split), runs[0].normalisation, device, widen=split == "training") for split in SPLITS[:2]
    )
    teacher = None
    if teacher_model is not None:
        teacher = arranged(load_model(teacher_model, device)[0].requires_grad_(False), runs[0])
    inputs = [sha256(path) for path in (samples, teacher_model) if path is not None]
    students = [Student(run, teacher, training.instances, state / f"{state_key(run, inputs)}.pt", device) for run in runs]
    with located(str(samples)):
        training.check(geometry_of(students[0].network, runs[0]))
    failures = fit(students, teacher, training, validation)
    for student, folder in zip(students, folders, strict=True):
        if student.finished and student.settings.run not in failures:
            student.write(folder)
    if failures:
        raise GrdError("; ".join(failures.values()))


def state_key(run: RunSettings, inputs: Sequence[str]) -> str:
    """Under what a run's unfinished training is kept: its settings and the digests of the files that it learns from."""
    return hashlib.sha256(" ".join([run.digest, *inputs]).encode()).hexdigest()[:16]


def fit(
    students: Sequence[Student],
    teacher: EmbeddingNetwork | None,
    training: DeviceSplit,
    validation: DeviceSplit,
) -> dict[str, str]:
    """Bring all students to the end of their training; returns what failed, by run.

    Each student is at a step of its own (one may come from a checkpoint, another be new) and takes part in the steps that
    it still needs. What a student does depends on its settings, batch and teacher alone: its bits are those of training
    it by itself.
    """
    failures: dict[str, str] = {}
    first = min(student.step for student in students)
    last = max(student.settings.training.iterations for student in students)
    began = time.monotonic()
    with tqdm(total=last, initial=first, desc=_title(students), leave=False, disable=None, file=sys.stderr) as bar:
        for step in range(first, last):
            active = [s for s in students if s.step == step and not s.finished and s.settings.run not in failures]
            if active:
                _step(active, step, teacher, training, validation, failures)
            bar.update()
            if (step + 1) % students[0].settings.training.log_every == 0 or step + 1 == last:
                _report(active, step + 1, last, (step + 1 - first) / (time.monotonic() - began))
    return failures


def shared_part(
    settings: RunSettings,
    geometry: Geometry,
    levels: Sequence[int],
    step: int,
    teacher: EmbeddingNetwork | None,
    training: DeviceSplit,
) -> tuple[Batch, Supervision, View | None]:
    """What a step has in common for all its students: the batch, its targets, and how the teacher, if any, sees it."""
    batch = training.training_batch(settings.augment, geometry, settings.training.batch_size, settings.seed, step)
    supervision = Supervision.of(batch, settings.offsets)
    if teacher is None:
        return batch, supervision, None
    with torch.no_grad():
        return batch, supervision, view(teacher, batch, levels, settings, training.instances)


def _step(
    students: Sequence[Student],
    step: int,
    teacher: EmbeddingNetwork | None,
    training: DeviceSplit,
    validation: DeviceSplit,
    failures: dict[str, str],
) -> None:
    settings = students[0].settings
    geometry = geometry_of(students[0].network, settings)
    levels = sorted({level for student in students for level in student.levels})
    batch, supervision, teachers_view = shared_part(settings, geometry, levels, step, teacher, training)
    for student in students:
        try:
            student.advance(batch, supervision, teachers_view)
            if student.validation_due():
                student.validate(validation)
        except GrdError as error:
            log.error("%s", error)
            failures[student.settings.run] = str(error)


def _title(students: Sequence[Student]) -> str:
    settings = students[0].settings
    return f"{settings.dataset} {settings.run if len(students) == 1 else f'{len(students)} students of {settings.teacher}'}"


def _report(students: Sequence[Student], step: int, last: int, rate: float) -> None:
    for student in students:
        terms = student.history.records[-1] if student.history.records else {}
        shown = ", ".join(f"{name} {value:.4g}" for name, value in terms.items() if name != "step")
        log.info("%s: step %d of %d, %.2f steps/s: %s", student.settings.run, step, last, rate, shown)
