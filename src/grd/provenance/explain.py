"""The origin of a file, and so of a number in it: jobs and their inputs, by their passports, back to the archives."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import chdir
from datetime import datetime
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any

import yaml

from grd.errors import GrdError
from grd.provenance.file_list import content_digest
from grd.provenance.manifest import read_manifest
from grd.provenance.passport import Passport, check, find
from grd.system.digests import sha256

FEW = 3  # sibling files that are listed one by one
RECORD = ".archives.json"
INDENT = "  "


def explain(path: Path, words: Sequence[str] = ()) -> Iterator[str]:
    """Lines of a tree: a file, the job that made it, and below them the same for each of its inputs, each file once.

    With `words`, the branches whose path has all of them. Without, files of the same name in more than FEW sibling folders are
    counted, not listed. Paths are relative to the project's folder, which the first line names if it is another than the working
    directory. GrdError for a path that has no passport.
    """
    if find(path) is None:
        raise GrdError(f"{path}: expected a file of results/ with a passport, found none; check the path")
    absolute = Path(os.path.abspath(path))
    folder = _project_folder(absolute)
    elsewhere = "" if folder.samefile(Path.cwd()) else f" (in {folder})"
    with chdir(folder):  # from which passports name files
        first, *others = _tree(Path(os.path.relpath(absolute)), words)
    return iter([first + elsewhere, *others])


def _project_folder(path: Path) -> Path:
    """The folder of the project that made a file: the one with the file's results/, else the working directory."""
    return next((folder.parent for folder in path.parents if folder.name == "results"), Path.cwd())


def _tree(path: Path, words: Sequence[str]) -> Iterator[str]:
    tree = Tree(words)
    if words and not tree.leads(path):
        raise GrdError(
            f"{path}: expected files with {' and '.join(words)} in their paths among those that it is made from, found none; "
            "choose other words"
        )
    yield f"{path}{_difference(path, None)}"
    yield from tree.below(path, _has(path, words), INDENT)


class Tree:
    """A tree that is being shown: the words to look for, and the files shown so far."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words, self.shown = words, set[Path]()
        self.leads = cache(self._leads)

    def below(self, path: Path, chosen: bool, indent: str) -> Iterator[str]:
        """The job that made a file, and its inputs: all if it is `chosen`, else those that lead to a path with the words."""
        self.shown.add(path)
        passport = find(path)
        if passport is None:
            return
        yield from (indent + line for line in _job(passport))
        if path.name.endswith(RECORD):
            yield from (indent + line for line in _archives(path, passport))
        inputs = {path: used for path, used in passport.inputs.items() if chosen or self.leads(path)}
        for group in _siblings(inputs):
            if len(group) > FEW and not self.words:
                yield from (indent + line for line in _count_lines(group))
                continue
            for source, used in group.items():
                yield from self._input(source, used, chosen, indent)

    def _input(self, path: Path, used: str | None, chosen: bool, indent: str) -> Iterator[str]:
        again = path in self.shown
        yield f"{indent}← {path}{' (above)' if again else ''}{_difference(path, used)}"
        if not again:
            yield from self.below(path, chosen or _has(path, self.words), indent + INDENT)

    def _leads(self, path: Path) -> bool:
        passport = find(path)
        return _has(path, self.words) or (passport is not None and any(map(self.leads, passport.inputs)))


def _has(path: Path, words: Sequence[str]) -> bool:
    return all(word in str(path) for word in words)


def _siblings(inputs: dict[Path, str | None]) -> list[dict[Path, str | None]]:
    """Inputs in groups of the same name in sibling folders."""
    groups: dict[tuple[Path, str], dict[Path, str | None]] = {}
    for path, used in inputs.items():
        groups.setdefault((path.parent.parent, path.name), {})[path] = used
    return list(groups.values())


def _count_lines(inputs: dict[Path, str | None]) -> Iterator[str]:
    """The number of files of one name, and those that differ from what was used."""
    first = next(iter(inputs))
    folder = first.parent
    yield f"← {len(inputs)} × {folder.parent}/*/{first.name} (for one of them: --only {folder.parent.name}/{folder.name})"
    for path, used in inputs.items():
        if difference := _difference(path, used):
            yield f"{INDENT}{path}{difference}"


def _job(passport: Passport) -> Iterator[str]:
    content = passport.content
    began = datetime.fromisoformat(content["began"])
    marks = [f"{name} {_short(content[name])}" for name in ("code", "seed") if content.get(name) is not None]
    computed = f"{content['seconds']:.1f} s on {content['device']} ({content['processor']})"
    yield ", ".join([f"{passport.rule}: {began:%Y-%m-%d %H:%M} UTC", computed, *marks])
    if content["settings"]:
        yield f"settings {_short(content['settings'])}"
    if training := content.get("training"):
        yield f"training {_short({name: value for name, value in training.items() if not isinstance(value, dict)})}"


def _short(value: Any) -> str:
    """A value on one line, cut where it is long."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    text = text.strip().removesuffix("\n...").removeprefix("{").removesuffix("}")
    return shorten(text, 110, placeholder=" …")


def _archives(record: Path, passport: Passport) -> Iterator[str]:
    """The archives that a record lists, and those that differ from what lies in their folder now."""
    present = {name: entry["sha256"] for name, entry in read_manifest(Path(passport.content["settings"]["folder"])).items()}
    try:
        entries: dict[str, dict[str, Any]] = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # gone, or damaged, which is said where the record is named
        return
    for name, entry in entries.items():
        own = Path(entry["file"]) if entry["source"] == "folder" else None
        now = present.get(name) if own is None else content_digest(own) if own.exists() else None
        other = "" if now == entry["sha256"] else f"; the folder now has {now or 'none'}"
        yield f"← {name}: sha256 {entry['sha256']}, {entry['bytes']} bytes, from {entry['source']}{other}"


def _difference(path: Path, used: str | None) -> str:
    """A remark on a file: gone, damaged, or another than was used."""
    try:
        now = _current_digest(path)
    except GrdError as error:
        return f" — damaged: {error}"
    gone = "" if path.exists() else " (gone)"
    if used is None or now is None or used == now:
        return gone
    return f"{gone} — not the one that was used: sha256 {used[:16]} then, {now[:16]} now"


def _current_digest(path: Path) -> str | None:
    """The SHA-256 of a file as it is, or if it is gone, as it was written; None if neither is known."""
    if path.is_file():
        return check(path) or sha256(path)
    passport = find(path)
    return passport.outputs[path.name]["sha256"] if passport else None
