"""The manifest of a data set's archives, `archives.json` beside them.

It says of each archive: `file`, `sha256`, `bytes` and `source` ('inbox', 'twin' or the address that it was downloaded from).
"""

import json
from pathlib import Path
from typing import Any

from grd.errors import GrdError
from grd.system.digests import sha256
from grd.system.files import write_text

MANIFEST = "archives.json"


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """The entries of a folder's archives, by name; empty if there is no manifest."""
    return read_entries(folder / MANIFEST, "delete it and rerun")


def read_entries(path: Path, remedy: str) -> dict[str, dict[str, Any]]:
    """The entries of a list of files by name; empty if there is no list, GrdError for a file that holds something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise GrdError(f"{path}: expected a JSON object that lists files, found something else; {remedy}")
    return content


def record_archive(folder: Path, name: str, source: str, digest: str | None = None) -> None:
    """Enter an archive that lies in `folder` into the manifest; `digest` is its SHA-256 if it is known."""
    path = folder / name
    entry = {"file": name, "sha256": digest or sha256(path), "bytes": path.stat().st_size, "source": source}
    write_text(folder / MANIFEST, json.dumps(read_manifest(folder) | {name: entry}, indent=2) + "\n")
