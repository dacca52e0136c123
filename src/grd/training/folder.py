"""Where a training lives: results/<scale>/state/<key>/, outside of the pipeline's outputs, which Snakemake may delete.

    <step>-<digest>.pt   while it is unfinished, its last two checkpoints, named after the first 16 digits of their SHA-256
    model.pt, history.jsonl, training.json   once it is finished
    lock                 held by the process that trains it

The key is what the training is: its settings, its code, and the digests of the files that it learns from. This module does not
import torch, so that what is finished is handed over at once.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grd.errors import GrdError
from grd.project.paths import ACCOUNT, HISTORY, MODEL
from grd.provenance.account import read_account
from grd.provenance.passport import digest
from grd.system.digests import sha256
from grd.system.files import whole, write_text
from grd.system.locks import locked


@dataclass(frozen=True)
class TrainingFolder:
    """The folder of one training."""

    path: Path

    @property
    def model(self) -> Path:
        """The selected weights."""
        return self.path / MODEL

    @property
    def history(self) -> Path:
        """Losses, step by step."""
        return self.path / HISTORY

    @property
    def account(self) -> Path:
        """How the training went."""
        return self.path / ACCOUNT

    @property
    def finished(self) -> bool:
        """Whether all is there; the account comes last."""
        return all(path.exists() for path in (self.account, self.model, self.history))

    def close(self, account: Mapping[str, Any]) -> None:
        """Write how the training went, with the digests of model and history; with that it is finished."""
        digests = {path.name: sha256(path) for path in (self.model, self.history)}
        write_text(self.account, json.dumps({"key": self.path.name, "files": digests, **account}, indent=2) + "\n")

    def hand_over(self, folder: Path, **inputs: Path) -> dict[str, Any]:
        """Copy all into the run's folder; returns how the training went.

        GrdError if it is not finished, a file is not what was written, or `inputs` (`samples`, `teacher`) are not the files
        that it learnt from.
        """
        account = read_account(self.account)
        for name, path in inputs.items():
            if account["inputs"][name] != digest(path):
                raise GrdError(f"{self.path}: expected a training from {path}, found one from another; delete {self.path}, rerun")
        for name, written in account["files"].items():
            if not _holds(self.path / name, written):
                raise GrdError(
                    f"{self.path / name}: expected what training wrote, found other bytes; delete {self.path} and rerun"
                )
            _copy(self.path / name, folder / name)
        _copy(self.account, folder / ACCOUNT)
        return account

    def take_back(self, folder: Path) -> None:
        """If what lies in the run's folder is this training, copy from there what is no longer here, or damaged."""
        if not self._is_of(folder):
            return
        files = read_account(folder / ACCOUNT)["files"]
        for name, written in files.items():
            if not _holds(self.path / name, written) and _holds(folder / name, written):
                _copy(folder / name, self.path / name)
        if all(_holds(self.path / name, written) for name, written in files.items()):
            _copy(folder / ACCOUNT, self.account)

    def lies_in(self, folder: Path) -> bool:
        """Whether this training lies in a run's folder, whole."""
        return self._is_of(folder) and all((folder / name).exists() for name in read_account(folder / ACCOUNT)["files"])

    def _is_of(self, folder: Path) -> bool:
        """Whether the account in a folder is of this training."""
        account = folder / ACCOUNT
        return account.exists() and read_account(account)["key"] == self.path.name


def _holds(path: Path, written: str) -> bool:
    return path.exists() and sha256(path) == written


def _copy(source: Path, target: Path) -> None:
    with whole(target) as part:
        shutil.copyfile(source, part)


def keep(folder: Path, state: Path) -> None:
    """Before a run's folder is emptied, copy the training that lies there into `state`, if it is no longer there, or damaged."""
    with suppress(GrdError):  # what is damaged here cannot be kept
        if (folder / ACCOUNT).exists():
            TrainingFolder(state / read_account(folder / ACCOUNT)["key"]).take_back(folder)


@contextmanager
def held(folders: Sequence[TrainingFolder]) -> Iterator[None]:
    """Within this context no other process trains these; waits for one that does."""
    with ExitStack() as stack:
        for path in sorted(folder.path for folder in folders):
            stack.enter_context(locked(path / "lock"))
        yield


@dataclass(frozen=True)
class Trained:
    """How a run's training ended: the key of its folder, or why it failed."""

    run: str
    key: str
    failure: str | None = None

    def write(self, record: Path) -> None:
        """Write the record of a student, JSON."""
        write_text(record, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, record: Path) -> "Trained":
        """Take up `write`; GrdError for another file."""
        try:
            trained = cls(**json.loads(record.read_text()))
            _ = Path(trained.run, trained.key)  # both are names of folders
            return trained
        except (ValueError, TypeError):
            raise GrdError(f"{record}: expected the record of a training, found another file; delete it and rerun") from None

    def folder(self, state: Path) -> TrainingFolder:
        """The finished training; GrdError with the reason if it failed."""
        if self.failure:
            raise GrdError(self.failure)
        return TrainingFolder(state / self.key)


def forget_lost(record: Path, state: Path, folder: Path) -> None:
    """Remove a record that promises a training which is neither in `state` nor in the run's folder: it has to be made again."""
    if not record.exists():
        return
    trained = Trained.read(record)
    training = TrainingFolder(state / trained.key)
    if not trained.failure and not training.finished and not training.lies_in(folder):
        record.unlink()
