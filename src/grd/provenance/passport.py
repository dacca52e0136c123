"""Passports: the job that made a file, its inputs and settings, and the digest that the file must have.

The passport of a job lies beside its first output (in each folder, if its outputs are in several), `<name>.passport.json`:

    planned                                     when its workflow was, in seconds; 0 outside of one
    rule, wildcards, settings, seed, code       the job; `code` is a fingerprint, its script, and the names that this looked up
    inputs                                      SHA-256 by path from the working directory; null for a folder
    outputs                                     by name, each with `sha256`, `bytes` and `mtime_ns`
    versions, device, processor, threads        the machine
    precision                                   of products in networks: float32, tf32 or bfloat16
    began (UTC), seconds                        start and duration

and whatever the job's script adds. A passport is no output of a rule: nothing is rerun for it.

Snakemake sets the time of every output when its job ends, after the passport was written. So another time is no fault yet:
whoever finds it hashes the file and, if the bytes are unchanged, enters the new time into the passport of a large file. (Hashing
a small file again is faster.)
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from grd.errors import GrdError
from grd.system.digests import sha256
from grd.system.files import write_text

SUFFIX = ".passport.json"
FORMAT, FORMAT_VERSION = "grd passport", 1
LARGE = 4 << 20  # bytes: hashed in the time in which a passport is written


@dataclass(frozen=True)
class Passport:
    """A passport in memory."""

    path: Path
    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Passport":
        """The passport in a file; GrdError for another file, another version, or an output without digest."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            _ = content["rule"], content["settings"], content["code"], content["inputs"].items()
            known = (content["format"], content["format_version"]) == (FORMAT, FORMAT_VERSION)
            whole = known and all(output["sha256"] for output in content["outputs"].values())
        except (ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise GrdError(f"{path}: expected a passport of version {FORMAT_VERSION}, found something else; delete it and rerun")
        return cls(path, content)

    @property
    def rule(self) -> str:
        """The rule that made the outputs."""
        return self.content["rule"]

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """`sha256`, `bytes` and `mtime_ns` of each output in the passport's folder, by name."""
        return self.content["outputs"]

    @property
    def inputs(self) -> dict[Path, str | None]:
        """The SHA-256 of each input when it was used; None for a folder."""
        return {Path(path): digest for path, digest in self.content["inputs"].items()}

    def check_place(self) -> None:
        """GrdError if this passport belongs to another run than its folder."""
        named = self.content["wildcards"]
        made_for, folder = (named.get("dataset"), named.get("run")), self.path.absolute().parent
        if named.get("run") and made_for != (folder.parent.name, folder.name):
            raise GrdError(
                f"{folder}: expected files of this run, found those of {'/'.join(made_for)}; move them back, or delete and rerun"
            )

    def note_time(self, name: str, mtime_ns: int) -> None:
        """Enter the present time of an output whose bytes are unchanged; nothing happens where the passport cannot be written."""
        outputs = self.outputs | {name: self.outputs[name] | {"mtime_ns": mtime_ns}}
        with suppress(OSError, GrdError):
            if Passport.read(self.path).content == self.content:  # not one that a job has written meanwhile
                _write(self.path, self.content | {"outputs": outputs})


def remove_passports(outputs: Iterable[Path]) -> None:
    """Remove the passports of outputs that are about to be made again, damaged ones, too."""
    for path in outputs:
        path.with_name(path.name + SUFFIX).unlink(missing_ok=True)
        if passport := find(path):
            passport.path.unlink(missing_ok=True)


def write_passports(outputs: Sequence[Path], content: Mapping[str, Any]) -> None:
    """Write the passport of each folder that has outputs. (An absent output is for the workflow to complain about.)"""
    for folder in dict.fromkeys(path.parent for path in outputs):
        own = [path for path in outputs if path.parent == folder and path.is_file()]
        if own:
            _write(own[0].with_name(own[0].name + SUFFIX), {**content, "outputs": {path.name: _state(path) for path in own}})


def find(path: Path) -> Passport | None:
    """The passport that lists a file, which may be gone; None if there is none."""
    places = chain([path.with_name(path.name + SUFFIX)], path.parent.glob("*" + SUFFIX))
    return next((passport for passport in _read_all(places) if path.name in passport.outputs), None)


def _read_all(paths: Iterable[Path]) -> Iterator[Passport]:
    """The passports at these paths; another job may be removing its own just now."""
    for path in paths:
        with suppress(FileNotFoundError):
            yield Passport.read(path)


def check(path: Path) -> str | None:
    """The SHA-256 of a file by its passport, None without one; GrdError if the file has other bytes than were written.

    A file of the size and time that its passport states is not read.
    """
    passport = find(path)
    if passport is None or not path.is_file():
        return None
    passport.check_place()
    entry, present = passport.outputs[path.name], path.stat()
    if present.st_size != entry["bytes"]:
        raise _change_error(path, passport, f"{entry['bytes']} bytes", f"{present.st_size}")
    if present.st_mtime_ns == entry["mtime_ns"]:
        return entry["sha256"]
    if (found := sha256(path)) != entry["sha256"]:
        raise _change_error(path, passport, f"bytes of sha256 {entry['sha256'][:16]}", f"{found[:16]}")
    if present.st_size >= LARGE:
        passport.note_time(path.name, present.st_mtime_ns)
    return found


def _change_error(path: Path, passport: Passport, expected: str, found: str) -> GrdError:
    return GrdError(f"{path}: expected the {expected} that {passport.rule} wrote, found {found}; delete it and rerun")


def digest(path: Path) -> str:
    """The SHA-256 of a file, by its passport if it has one; GrdError if the file is not what its passport states."""
    return check(path) or sha256(path)


def _state(path: Path) -> dict[str, Any]:
    present = path.stat()
    return {"sha256": sha256(path), "bytes": present.st_size, "mtime_ns": present.st_mtime_ns}


def as_json(content: Any) -> str:
    """Content of a passport, or a part of it, as it is written."""
    return json.dumps(content, indent=1, default=str)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, as_json(content) + "\n")
