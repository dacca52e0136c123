"""Official archives: taken from the inbox or downloaded, verified, and remembered in a manifest.

The manifest `archives.json` lies beside the archives of a data set and says of each: `file`, `sha256`, `bytes` and
`source` ('inbox', 'twin' or the address that it was downloaded from).
"""

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pooch

from grd.config import Archive, Source
from grd.data import store
from grd.data.readers import zips
from grd.errors import GrdError

MANIFEST = "archives.json"
CHUNK = 1 << 20  # bytes; pooch's own 1 KiB is slow

log = logging.getLogger(__name__)


def obtain(dataset: str, settings: Source, folder: Path, inbox: Path, progress: bool) -> dict[str, Path]:
    """The verified archives of a data set in `folder`, by their official names.

    An archive that the folder's manifest knows is used as it is. Otherwise a zip in `inbox` (searched recursively, any
    name) that is recognised by its contents is copied; otherwise the archive is downloaded from its address.

    GrdError if a known archive has changed its size or is a twin, if a download fails or has another sha256, or if only
    you can get the archive. A damaged zip is passed over with a warning, and is the error where nothing else provides
    the archive.
    """
    return {name: _obtain(dataset, name, archive, folder, inbox, progress) for name, archive in settings.archives.items()}


def sha256(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """What is known of each archive in `folder`; empty if there is no manifest."""
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise GrdError(f"{path}: expected a JSON object that lists archives, found something else; delete it and rerun")
    return content


def record(folder: Path, name: str, source: str, digest: str | None = None) -> None:
    """Enter an archive that lies in `folder` into the manifest; `digest` is its sha256 where already computed."""
    path = folder / name
    entry = {"file": name, "sha256": digest or sha256(path), "bytes": path.stat().st_size, "source": source}
    store.write_text(folder / MANIFEST, json.dumps(read_manifest(folder) | {name: entry}, indent=2) + "\n")


def _obtain(dataset: str, name: str, archive: Archive, folder: Path, inbox: Path, progress: bool) -> Path:
    path = folder / name
    if path.exists() and name in (manifest := read_manifest(folder)):
        return _unchanged(path, manifest[name])
    found, unreadable = _search(archive, [path, *_zips(inbox)])
    for damaged in unreadable:
        log.warning("%s: not a readable zip file, passed over in the search for %s", damaged, name)
    if found:
        _take(_preferred(found, archive), path, archive)
    elif archive.url:
        _download(dataset, archive.url, path, archive, inbox, progress)
    else:
        raise _absent(dataset, name, archive, inbox, unreadable)
    return path


def _unchanged(path: Path, entry: dict[str, Any]) -> Path:
    if entry["source"] == "twin":
        raise GrdError(f"{path}: expected the official archive, found a synthetic twin; delete {path.parent} and rerun")
    if path.stat().st_size != entry["bytes"]:
        raise GrdError(
            f"{path}: expected the {entry['bytes']} bytes that were verified before, found {path.stat().st_size}; "
            "delete the file and rerun"
        )
    return path


def _absent(dataset: str, name: str, archive: Archive, inbox: Path, unreadable: list[Path]) -> GrdError:
    if unreadable:
        return GrdError(
            f"{dataset}: expected a readable zip with {name}, found the damaged {unreadable[0]}; "
            "get that file again, or remove it if it is something else"
        )
    return GrdError(
        f"{dataset}: expected {name} in {inbox}, found no zip with members like '{archive.members}'; "
        f"{archive.ask or 'get it from the page of the data set'}, and place the file in {inbox} under any name"
    )


def _zips(inbox: Path) -> list[Path]:
    return sorted(path for path in inbox.rglob("*") if path.is_file() and zips.looks_like_zip(path))


def _search(archive: Archive, candidates: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The candidates with a member that the archive is known by, and those that cannot be read."""
    found: list[Path] = []
    unreadable: list[Path] = []
    for path in filter(Path.exists, candidates):
        try:
            with zips.opened(path) as file:
                names = zips.names(file)
        except GrdError:
            unreadable.append(path)
            continue
        if any(re.search(archive.members, name) for name in names):
            found.append(path)
    return found, unreadable


def _preferred(found: list[Path], archive: Archive) -> Path:
    """The official bytes if they are among several recognised files, else the first file."""
    if len(found) == 1 or archive.sha256 is None:
        return found[0]
    return next((path for path in found if sha256(path) == archive.sha256), found[0])


def _take(source: Path, path: Path, archive: Archive) -> None:
    """Copy a recognised file to its official name; a copy, since a link would change with its source."""
    if source != path:
        with store.whole(path) as part:
            shutil.copyfile(source, part)
    digest = sha256(path)
    if archive.sha256 and digest != archive.sha256:
        log.warning("%s is not the official %s; taken because its contents are recognised", source, path.name)
    record(path.parent, path.name, "inbox", digest)


def _download(dataset: str, url: str, path: Path, archive: Archive, inbox: Path, progress: bool) -> None:
    try:
        with store.whole(path) as part:
            pooch.HTTPDownloader(progressbar=progress, chunk_size=CHUNK)(url, str(part), None)
            digest = sha256(part)
            _verify(part, digest, archive)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        raise GrdError(
            f"{dataset}: could not download {path.name} from {url} ({' '.join(str(error).split())}); "
            f"rerun, or get the file in another way and place it in {inbox} under any name"
        ) from error
    record(path.parent, path.name, url, digest)


def _verify(path: Path, digest: str, archive: Archive) -> None:
    """ValueError unless a download has the official sha256, or where none is known, unless its contents are recognised."""
    if archive.sha256 and digest != archive.sha256:
        raise ValueError(f"expected sha256 {archive.sha256}, found {digest}")
    if not archive.sha256 and not _search(archive, [path])[0]:
        raise ValueError(f"found no zip with members like '{archive.members}'")
