"""The folder of a training, results/<scale>/state/<key>/, which Snakemake never deletes.

    <step>-<digest>.pt   the last two checkpoints of an unfinished training, named after the first 16 digits of their SHA-256
    weights.pt, last.pt, history.jsonl   a finished training: selected and last weights, losses
    training.json        its account (key, inputs, digests), written last: where it is, the training is finished
    lock                 held by the process that trains

The key names all that decides the training: settings, code, and the digests of the files that it learns from. A finished training
and its run's folder share their files by hard links, or hold copies where the file system has no links. This module does not
import torch: linking finished trainings takes no time.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grd.errors import GrdError
from grd.project.paths import ACCOUNT, HISTORY, LAST, TRAINED, WEIGHTS
from grd.provenance.account import read_account
from grd.provenance.passport import digest
from grd.system.digests import sha256
from grd.system.files import atomic_write, write_text
from grd.system.locks import lock_file


@dataclass(frozen=True)
class TrainingFolder:
    """The folder of one training."""

    path: Path

    @property
    def weights(self) -> Path:
        """The selected weights."""
        return self.path / WEIGHTS

    @property
    def last(self) -> Path:
        """The weights of the last step."""
        return self.path / LAST

    @property
    def history(self) -> Path:
        """Losses, step by step."""
        return self.path / HISTORY

    @property
    def account(self) -> Path:
        """The account of the training."""
        return self.path / ACCOUNT

    @property
    def finished(self) -> bool:
        """True once all its files are there."""
        return _holds_training(self.path)

    @property
    def intact(self) -> bool:
        """True if the training is finished and its account can be read and names the bytes of the others."""
        try:
            return self.finished and not self._damaged(read_account(self.account))
        except GrdError:
            return False

    def _damaged(self, account: Mapping[str, Any]) -> list[Path]:
        return [self.path / name for name, written in account["files"].items() if sha256(self.path / name) != written]

    def close(self, account: Mapping[str, Any]) -> None:
        """Write the account, with the digests of the other files; the training is finished then."""
        digests = {path.name: sha256(path) for path in (self.weights, self.last, self.history)}
        write_text(self.account, json.dumps({"key": self.path.name, "files": digests, **account}, indent=2) + "\n")

    def hand_over(self, folder: Path, **inputs: Path) -> dict[str, Any]:
        """Place the training in its run's folder; returns the account.

        GrdError if the training is not finished, a file is not what it wrote, or `inputs` (`samples`, `teacher`) are not the
        files that it learnt from.
        """
        if not self.finished:
            raise GrdError(f"{self.path}: expected a finished training, found that files of it are missing; rerun")
        account = read_account(self.account)
        for name, path in inputs.items():
            if account["inputs"][name] != digest(path):
                raise GrdError(
                    f"{self.path}: expected a training from {path}, found one from another file; delete {self.path} and rerun"
                )
        for path in self._damaged(account):
            raise GrdError(f"{path}: expected what training wrote, found other bytes; delete {self.path} and rerun")
        _place(self.path, folder)
        return account

    def reopen(self) -> None:
        """Remove the account: the training counts as unfinished then."""
        self.account.unlink()

    def restore(self, folder: Path) -> None:
        """Place the training here again if it is missing or damaged and lies in its run's folder."""
        if not self.intact and self.lies_in(folder):
            _place(folder, self.path)

    def lies_in(self, folder: Path) -> bool:
        """True if a run's folder holds this training."""
        return _holds_training(folder) and read_account(folder / ACCOUNT)["key"] == self.path.name


def _holds_training(folder: Path) -> bool:
    return all((folder / name).exists() for name in TRAINED)


def _place(source: Path, target: Path) -> None:
    for name in TRAINED:
        link_file(source / name, target / name)


def link_file(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, or a copy where the file system has no links."""
    with atomic_write(target) as part:
        try:
            os.link(source, part)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, part)


def keep_training(folder: Path, state: Path) -> None:
    """Before Snakemake empties a run's folder, place the training that it holds in `state`, unless it is there."""
    with suppress(GrdError):  # a damaged account cannot be kept
        if (folder / ACCOUNT).exists():
            TrainingFolder(state / read_account(folder / ACCOUNT)["key"]).restore(folder)


@contextmanager
def lock_trainings(folders: Sequence[TrainingFolder]) -> Iterator[None]:
    """Keep other processes from training these; waits for one that does."""
    with ExitStack() as stack:
        for path in sorted(folder.path for folder in folders):
            stack.enter_context(lock_file(path / "lock"))
        yield


@dataclass(frozen=True)
class TrainingRecord:
    """The end of a run's training: the key of its folder, or why it failed."""

    run: str
    key: str
    failure: str | None = None

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "TrainingRecord":
        """The record that `write` wrote; GrdError for another file."""
        try:
            record = cls(**json.loads(path.read_text(encoding="utf-8")))
            _ = Path(record.run, record.key)  # both are names of folders
            return record
        except (ValueError, TypeError):
            raise GrdError(f"{path}: expected the record of a training, found another file; delete it and rerun") from None

    def folder(self, state: Path) -> TrainingFolder:
        """The finished training; GrdError with the reason if it failed."""
        if self.failure:
            raise GrdError(self.failure)
        return TrainingFolder(state / self.key)


def forget_lost_training(record: Path, state: Path, folder: Path) -> None:
    """Remove a record whose training neither lies in the run's folder nor intact in `state`, so that it is made again."""
    if not record.exists():
        return
    trained = TrainingRecord.read(record)
    training = TrainingFolder(state / trained.key)
    if not (trained.failure or training.lies_in(folder) or training.intact):
        record.unlink()
