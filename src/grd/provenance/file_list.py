"""Lists of users' files, config/folders/NAME.json: of each its path, SHA-256, size, and when it was `modified`.

An entry is named `images/SAMPLE` or `masks/SAMPLE`, and its `file` lies in the folder of that kind. It may be a folder itself, of
which all files count. A file of the listed size and time has the listed SHA-256; others are hashed again.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from grd.config.datasets import Folder
from grd.provenance.manifest import read_entries
from grd.system.digests import sha256
from grd.system.files import write_text

Entry = dict[str, Any]


def write_list(path: Path, entries: Mapping[str, Entry]) -> None:
    """Write a list."""
    write_text(path, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")


def read_list(path: Path) -> dict[str, Entry]:
    """The entries of a list by name, as `read_entries` gives them."""
    return read_entries(path, "restore the list that `grd import` wrote")


def entry_of(path: Path, below: Path) -> Entry:
    """The entry of a file, or of a folder, that lies in a folder of images or masks."""
    size, modified = _state(path)
    return {"file": path.relative_to(below).as_posix(), "sha256": content_digest(path), "bytes": size, "modified": modified}


def wanted_entries(folder: Folder, samples: Collection[str]) -> dict[str, Entry]:
    """The entries from which samples come; sample `NAME:2` is the third image of the file of NAME."""
    wanted = {*samples, *(sample.rpartition(":")[0] for sample in samples)}
    return {name: entry for name, entry in read_list(folder.files).items() if name.partition("/")[2] in wanted}


def path_of(name: str, entry: Entry, folder: Folder) -> Path:
    """Path of a listed file."""
    below: Path = getattr(folder, name.partition("/")[0])
    return below / entry["file"]


def current_entry(path: Path, entry: Entry) -> Entry | None:
    """The entry of a listed file as it is now, None if it is gone."""
    if not path.exists():
        return None
    size, modified = _state(path)
    if (size, modified) == (entry["bytes"], entry["modified"]):
        return entry
    return entry | {"sha256": _digest_in_state(path, size, modified), "bytes": size, "modified": modified}


def current_digests(folder: Folder, samples: Collection[str]) -> dict[str, str | None]:
    """The SHA-256 of all files from which samples come as they are now, by the name of their entry; None for those gone."""
    listed = wanted_entries(folder, samples).items()
    now = {name: current_entry(path_of(name, entry, folder), entry) for name, entry in listed}
    return {name: entry["sha256"] if entry else None for name, entry in now.items()}


def note_of_changes(dataset: str, folder: Folder, samples: Collection[str]) -> str:
    """A sentence on the files that changed since the list was written; empty if none did."""
    listed, now = wanted_entries(folder, samples), current_digests(folder, samples)
    changed = [path_of(name, entry, folder) for name, entry in listed.items() if now[name] not in (None, entry["sha256"])]
    if not changed:
        return ""
    which = f"{changed[0]} and {len(changed) - 1} more" if len(changed) > 1 else changed[0]
    return f"{dataset}: {which} changed since {folder.files} was written; what is made from this data set is made again"


@cache
def _digest_in_state(path: Path, size: int, modified: int) -> str:
    return content_digest(path)


def content_digest(path: Path) -> str:
    """The SHA-256 of a file; of a folder that of the names and SHA-256 of all files in it."""
    if not path.is_dir():
        return sha256(path)
    whole = hashlib.sha256()
    for file in _files(path):
        whole.update(f"{sha256(file)}  {file.relative_to(path).as_posix()}\n".encode())
    return whole.hexdigest()


def _state(path: Path) -> tuple[int, int]:
    """Bytes, and time of the last change in ns, of a file; of a folder the bytes of its files, and a number that changes with any
    file's name, size or time."""
    if not path.is_dir():
        return path.stat().st_size, path.stat().st_mtime_ns
    found = [(file.relative_to(path).as_posix(), file.stat()) for file in _files(path)]
    states = repr([(name, state.st_size, state.st_mtime_ns) for name, state in found])
    return sum(state.st_size for _, state in found), crc32(states.encode())


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
