"""Where a training lives: results/<scale>/state/<key>/, outside of the pipeline's outputs, which Snakemake may delete.

    <step>-<digest>.pt   while it is unfinished, its last two checkpoints, named after the first 16 digits of their SHA-256
    model.pt, history.jsonl, training.json   once it is finished
    lock                 held by the process that trains it

The key is what the training is: its settings, its code, and the digests of the files that it learns from. This module does not
import torch, so that what is finished is handed over at once.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grd.errors import GrdError
from grd.files import locked, sha256, whole, write_text
from grd.layout import ACCOUNT, HISTORY, MODEL
from grd.provenance import digest
from grd.runs import RunSettings


def state_key(run: RunSettings, code: str, inputs: Sequence[str]) -> str:
    """The name of a training's folder; `code` is the fingerprint of what trains it, `inputs` digests of what it learns from.

    A student's record has the same name, but for `inputs`, which are then keys of what these files are made from.
    """
    return hashlib.sha256(" ".join([run.digest, code, *inputs]).encode()).hexdigest()[:16]


CHECKPOINT = re.compile(r"(\d+)-([0-9a-f]{16})\.pt")
"""What a checkpoint is called: its step, and the first digits of its SHA-256."""


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
        return self.account.exists()

    def close(self, account: Mapping[str, Any]) -> None:
        """Write how the training went, with the digests of model and history; with that it is finished."""
        digests = {path.name: sha256(path) for path in (self.model, self.history)}
        write_text(self.account, json.dumps({"key": self.path.name, "files": digests, **account}, indent=2) + "\n")

    def hand_over(self, folder: Path, **inputs: Path) -> dict[str, Any]:
        """Copy all into the run's folder; returns how the training went.

        GrdError if it is not finished, a file is not what was written, or `inputs` (`samples`, `teacher`) are not the files
        that it learnt from.
        """
        used = read_account(self.account)["inputs"]
        for name, path in inputs.items():
            if used[name] != digest(path):
                raise GrdError(f"{self.path}: expected a training from {path}, found one from another; delete {self.path}, rerun")
        return self._copy(self.path, folder)

    def take_back(self, folder: Path) -> None:
        """Copy all from the run's folder, if what lies there is this training and it is no longer here."""
        if not self.finished and self.lies_in(folder):
            self._copy(folder, self.path)

    def lies_in(self, folder: Path) -> bool:
        """Whether this training lies in a run's folder, whole."""
        account = folder / self.account.name
        if not account.exists() or (content := read_account(account))["key"] != self.path.name:
            return False
        return all((folder / name).exists() for name in content["files"])

    def _copy(self, source: Path, target: Path) -> dict[str, Any]:
        account = read_account(source / self.account.name)
        for name, written in account["files"].items():
            with whole(target / name) as part:
                shutil.copyfile(source / name, part)
                if sha256(part) != written:
                    raise GrdError(f"{source / name}: expected what training wrote, found other bytes; delete {source}, rerun")
        with whole(target / self.account.name) as part:
            shutil.copyfile(source / self.account.name, part)
        return account


def read_account(path: Path) -> dict[str, Any]:
    """How a training went: its `key`, digests of its `files` and `inputs`, and more; GrdError for another file."""
    try:
        content = json.loads(path.read_text())
        _ = content["key"], content["files"].items(), content["inputs"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise GrdError(f"{path}: expected how a training went, found none; delete {path.parent} and rerun") from None
    return content


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
            return cls(**json.loads(record.read_text()))
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
