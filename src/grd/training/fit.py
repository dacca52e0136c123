"""The training loop: one or several students, one batch and one teacher pass per step for all of them."""

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path

import torch
from tqdm import tqdm

from grd.data.batches import Batch, DeviceSplit, Geometry, device_split
from grd.data.store import read_split
from grd.distillation.method import View
from grd.errors import GrdError, UnfinishedError, error_location
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import load_model
from grd.project.run import RunSettings
from grd.provenance.passport import digest
from grd.system.devices import product_precision
from grd.training.folder import TrainingFolder, TrainingRecord, lock_trainings
from grd.training.interruption import Stop, stop_on_signals
from grd.training.student import Student
from grd.training.view import Supervision, geometry_of, in_memory_format, view

log = logging.getLogger(__name__)


def train(
    runs: Sequence[RunSettings],
    codes: Sequence[str],
    samples: Path,
    state: Path,
    device: torch.device,
    teacher_model: Path | None = None,
    folders: Sequence[Path] = (),
    save_every: float = 600,
) -> list[TrainingRecord]:
    """Train runs that share data set, seed and teacher, each in a folder of its own below `state`.

    `codes` are the fingerprints of the code that trains each run. A training that was begun with the same settings, code, samples
    and teacher is resumed. A finished one is not repeated; if it is missing from `state`, it is restored from the run's folder in
    `folders`, and if it is damaged, it is trained again.
    Unfinished trainings are saved every `save_every` seconds and when the process is asked to stop (UnfinishedError). A student
    that fails (GrdError, e.g. for a loss that is not finite) does not stop the others.
    """
    inputs = {"samples": digest(samples)} | ({"teacher": digest(teacher_model)} if teacher_model else {})
    homes = [TrainingFolder(state / run.key(code, list(inputs.values()))) for run, code in zip(runs, codes, strict=True)]
    with lock_trainings(homes):
        for home, folder in zip_longest(homes, folders):
            _recover(home, folder)
        left = [(run, home) for run, home in zip(runs, homes, strict=True) if not home.finished]
        failures = _train(left, samples, teacher_model, inputs, device, save_every) if left else {}
    return [TrainingRecord(run.run, home.path.name, failures.get(run.run)) for run, home in zip(runs, homes, strict=True)]


def _recover(home: TrainingFolder, folder: Path | None) -> None:
    """Restore a training that is missing or damaged from its run's folder; if it is damaged there, too, it is trained again."""
    if home.intact:
        return
    with suppress(GrdError):  # a damaged account
        if folder is not None:
            home.restore(folder)
    if home.finished and not home.intact:
        log.warning("%s is damaged; it is trained again", home.path)
        home.reopen()


def _train(
    left: Sequence[tuple[RunSettings, TrainingFolder]],
    samples: Path,
    teacher_model: Path | None,
    inputs: Mapping[str, str],
    device: torch.device,
    save_every: float,
) -> dict[str, str]:
    first = left[0][0]
    training = device_split(read_split(samples, "training"), first.normalisation, device, widen=True)
    seen = read_split(samples, "validation").spread(first.training.validation_images)
    validation = device_split(seen, first.normalisation, device, widen=False)
    teacher = None
    if teacher_model is not None:
        teacher = in_memory_format(load_model(teacher_model, device)[0].requires_grad_(False), first)
    students: list[Student] = []
    failures: dict[str, str] = {}
    for run, folder in left:
        with collect_failure(run.run, failures):
            students.append(Student(run, teacher, training.instances, folder, device))
    if students:
        geometry = geometry_of(students[0].network, first)
        with error_location(str(samples)):
            training.check(geometry)
        with product_precision(first.training.precision):
            Session(students, teacher, training, validation, inputs, save_every, failures).run()
    return failures


@contextmanager
def collect_failure(run: str, failures: dict[str, str]) -> Iterator[None]:
    """Catch a GrdError and record it in `failures`, so that only the training of this run ends."""
    try:
        yield
    except GrdError as error:
        log.error("%s", error)
        failures[run] = str(error)


class Session:
    """The loop over steps that brings all students to the end of their training.

    Each student starts at a step of its own (one may come from a checkpoint, another be new) and takes part in the steps that
    it still needs. It depends on its settings, the batch and the teacher alone, so it gets the same bits as when it trains by
    itself. Failures are entered into `failures`, by run.
    """

    def __init__(
        self,
        students: Sequence[Student],
        teacher: EmbeddingNetwork | None,
        training: DeviceSplit,
        validation: DeviceSplit,
        inputs: Mapping[str, str],
        save_every: float,
        failures: dict[str, str],
    ) -> None:
        self.students, self.teacher, self.training, self.validation = students, teacher, training, validation
        self.inputs, self.save_every, self.failures = inputs, save_every, failures
        self.first = min(student.step for student in students)
        self.last = max(student.settings.training.iterations for student in students)
        self.began = self.saved = time.monotonic()

    @property
    def unfinished(self) -> list[Student]:
        """Students whose training has neither ended nor failed."""
        return [s for s in self.students if not s.folder.finished and s.settings.run not in self.failures]

    def run(self) -> None:
        """Train; UnfinishedError, with all saved, if the process is asked to stop."""
        bar = tqdm(total=self.last, initial=self.first, desc=_title(self.students), leave=False, disable=None, file=sys.stderr)
        with stop_on_signals() as stop, bar:
            try:
                self._validate(stop)
                for step in range(self.first, self.last):
                    stop.check()
                    self._step(step)
                    self._validate(stop)
                    self._save_in_time()
                    self._report(step + 1)
                    bar.update()
            except UnfinishedError:
                self._save()
                raise

    def _step(self, step: int) -> None:
        active = [student for student in self.unfinished if student.step == step]
        if not active:
            return
        settings = active[0].settings
        geometry = geometry_of(active[0].network, settings)
        levels = sorted({level for student in active for level in student.levels})
        batch, supervision, seen = shared_part(settings, geometry, levels, step, self.teacher, self.training)
        for student in active:
            with collect_failure(student.settings.run, self.failures):
                student.advance(batch, supervision, seen)

    def _validate(self, stop: Stop) -> None:
        """Validate the students for which a validation is due, and close finished trainings."""
        for student in self.unfinished:
            with collect_failure(student.settings.run, self.failures):
                if student.validation_due:
                    student.validate(self.validation, stop.check)
                if student.finished:
                    student.finish(self.inputs)

    def _save_in_time(self) -> None:
        if time.monotonic() - self.saved > self.save_every:
            self._save()

    def _save(self) -> None:
        for student in self.unfinished:
            with collect_failure(student.settings.run, self.failures):
                student.save()
                log.info("%s: saved at step %d", student.settings.run, student.step)
        self.saved = time.monotonic()

    def _report(self, step: int) -> None:
        if step % self.students[0].settings.training.log_every and step < self.last:
            return
        rate = (step - self.first) / (time.monotonic() - self.began)
        for student in self.students:
            if student.step == step and (records := student.history.records):
                shown = ", ".join(f"{name} {value:.4g}" for name, value in records[-1].items() if name != "step")
                log.info("%s: step %d of %d, %.2f steps/s: %s", student.settings.run, step, self.last, rate, shown)


def _title(students: Sequence[Student]) -> str:
    settings = students[0].settings
    return f"{settings.dataset} {settings.run if len(students) == 1 else f'{len(students)} students of {settings.teacher}'}"


def shared_part(
    settings: RunSettings,
    geometry: Geometry,
    levels: Sequence[int],
    step: int,
    teacher: EmbeddingNetwork | None,
    training: DeviceSplit,
) -> tuple[Batch, Supervision, View | None]:
    """The part of a step that all its students share: the batch, its targets, and the teacher's view of it, if there is one."""
    batch = training.training_batch(settings.augment, geometry, settings.training.batch_size, settings.seed, step)
    supervision = Supervision.of(batch, settings.offsets)
    if teacher is None:
        return batch, supervision, None
    with torch.no_grad():
        return batch, supervision, view(teacher, batch, levels, settings, training.instances)
