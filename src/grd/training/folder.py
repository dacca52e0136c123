"""Where a training lives: results/<scale>/state/<key>/, outside of the pipeline's outputs, which Snakemake may delete.

    <step>-<digest>.pt   while it is unfinished, its last two checkpoints, named after the first 16 digits of their SHA-256
    model.pt, history.jsonl, training.json   once it is finished
    lock                 held by the process that trains it

The key is what the training is: its settings, its code, and the digests of the files that it learns from. This module does not
import torch, so that what is finished is handed over at once.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grd.errors import GrdError
from grd.files import locked, whole, write_text
from grd.runs import RunSettings


def state_key(run: RunSettings, code: str, inputs: Sequence[str]) -> str:
    """The name of a training's folder; `code` is the fingerprint of what trains it, `inputs` digests of what it learns from."""
    return hashlib.sha256(" ".join([run.digest, code, *inputs]).encode()).hexdigest()[:16]


FILES = ("history.jsonl", "training.json", "model.pt")  # in the order in which they are written


@dataclass(frozen=True)
class TrainingFolder:
    """The folder of one training."""

    path: Path

    @property
    def model(self) -> Path:
        """The selected weights."""
        return self.path / "model.pt"

    @property
    def history(self) -> Path:
        """Losses, step by step."""
        return self.path / "history.jsonl"

    @property
    def account(self) -> Path:
        """How the training went."""
        return self.path / "training.json"

    @property
    def finished(self) -> bool:
        """Whether all is there; the model comes last."""
        return self.model.exists()

    def hand_over(self, folder: Path) -> dict[str, Any]:
        """Copy all into the run's folder; returns how the training went."""
        self._copy(self.path, folder)
        return json.loads(self.account.read_text())

    def take_back(self, folder: Path) -> None:
        """Copy all from the run's folder, if what lies there is this training and it is no longer here."""
        if self.finished or not all((folder / name).exists() for name in FILES):
            return
        if json.loads((folder / self.account.name).read_text())["key"] == self.path.name:
            self._copy(folder, self.path)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        for name in FILES:
            with whole(target / name) as part:
                shutil.copyfile(source / name, part)


@contextmanager
def held(folders: Sequence[TrainingFolder]) -> Iterator[None]:
    """Within this context no other process trains these; waits for one that does."""
    with ExitStack() as stack:
        for path in sorted(folder.path for folder in folders):
            stack.enter_context(locked(path / "lock"))
        yield


@dataclass(frozen=True)
class Trained:
    """How a job ended for each of its runs: the key of its training's folder, or why it failed."""

    keys: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def write(self, record: Path) -> None:
        """Write the record of a group of students, JSON."""
        write_text(record, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, record: Path) -> "Trained":
        """Take up `write`; GrdError for another file."""
        try:
            return cls(**json.loads(record.read_text()))
        except (ValueError, TypeError):
            raise GrdError(
                f"{record}: expected the record of a group of trainings, found another file; delete it and rerun"
            ) from None

    def folder(self, run: str, state: Path) -> TrainingFolder:
        """The finished training of a run; GrdError with the reason if it failed."""
        if run in self.failures:
            raise GrdError(self.failures[run])
        return TrainingFolder(state / self.keys[run])


def forget_lost(record: Path, state: Path, models: Mapping[str, Path]) -> None:
    """Remove a group's record where it promises a training that is gone, and the run's model is, too: the group trains again."""
    if not record.exists():
        return
    promised = Trained.read(record).keys
    lost = (run for run, key in promised.items() if not TrainingFolder(state / key).finished)
    if any(run in models and not models[run].exists() for run in lost):
        record.unlink()
