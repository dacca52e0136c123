"""Files of a data set: official archives, twins of them, or a user's own; and the pipeline's record of them."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from grd.config.datasets import Folder, Source
from grd.config.scales import Twin
from grd.config.splits import sample_names
from grd.data.archives.acquisition import obtain
from grd.data.splits import split_names
from grd.data.twins import write_twin
from grd.errors import GrdError
from grd.provenance.file_list import content_digest, current_entry, note_of_changes, path_of, wanted_entries
from grd.provenance.manifest import MANIFEST
from grd.system.files import write_text

OWN = "folder"

log = logging.getLogger(__name__)


def kind_of(source: Source, twin: Twin | None) -> str:
    """`twin`, `folder` or `archives`: where the files of a data set come from."""
    return "twin" if twin else OWN if source.folder else "archives"


def provide(dataset: str, source: Source, folder: Path, inbox: Path, twin: Twin | None, record: Path) -> None:
    """Bring a data set's archives into `folder`, and write `record`: file, sha256, bytes and source of each.

    With a `twin` the archives are drawn; otherwise they come from the inbox or the net. A verified archive in `folder` is
    never fetched again, and the pipeline never deletes the folder. Files of a user stay where they are.
    """
    write_text(record, PROVIDERS[kind_of(source, twin)](dataset, source, folder, inbox, twin))


def _draw(dataset: str, source: Source, folder: Path, inbox: Path, twin: Twin) -> str:
    write_twin(dataset, source, twin, folder)
    return (folder / MANIFEST).read_text(encoding="utf-8")


def _obtain(dataset: str, source: Source, folder: Path, inbox: Path, twin: None) -> str:
    obtain(dataset, source, folder, inbox, progress=sys.stderr.isatty())
    return (folder / MANIFEST).read_text(encoding="utf-8")


def _look_up(dataset: str, source: Source, folder: Path, inbox: Path, twin: None) -> str:
    """The record of a user's files; GrdError for one that is gone, and a warning of those that have changed."""
    own, found = cast(Folder, source.folder), dict[str, dict[str, Any]]()
    samples = sample_names(split_names(source, {}))
    for name, entry in wanted_entries(own, samples).items():
        path = path_of(name, entry, own)
        if (now := current_entry(path, entry)) is None:
            raise GrdError(
                f"{dataset}: expected {path}, which {own.files} lists, found no file; put it back, or take "
                f"{name.partition('/')[2]} out of {source.split}"
            )
        found[name] = {"file": str(path.absolute()), "sha256": now["sha256"], "bytes": now["bytes"], "source": OWN}
    if not found:
        raise GrdError(f"{dataset}: expected files of its samples in {own.files}, found none; restore it, or import them again")
    if note := note_of_changes(dataset, own, samples):
        log.warning("%s", note)
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


PROVIDERS: dict[str, Callable[..., str]] = {"twin": _draw, "folder": _look_up, "archives": _obtain}
"""Functions that bring or look up files and return the text of their record, by kind."""


def read_record(record: Path, folder: Path) -> dict[str, Path]:
    """Paths of the files that a record lists, by name; GrdError for one that is absent or has other bytes."""
    found = {}
    for name, entry in json.loads(record.read_text(encoding="utf-8")).items():
        path = found[name] = folder / entry["file"]
        if not path.exists() or content_digest(path) != entry["sha256"]:
            what, remedy = ("file", "call again") if entry["source"] == OWN else ("archive", "delete both and rerun")
            raise GrdError(f"{path}: expected the {what} that {record} lists, found another or none; {remedy}")
    return found
