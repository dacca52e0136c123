"""Official archives: taken from the inbox or downloaded, verified, and entered into their folder's manifest."""

import logging
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py

from grd.config.datasets import Archive, Source
from grd.data.archives import hdf5, zips
from grd.data.archives.download import DEFAULT_PATIENCE, DownloadError, Patience, download
from grd.errors import GrdError
from grd.provenance.manifest import read_manifest, record_archive
from grd.system.digests import sha256
from grd.system.files import atomic_write
from grd.system.locks import lock_file

HDF5 = {".hdf", ".h5", ".hdf5"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Places:
    """Destination of a data set's archives, the inbox and the files in it, and in words, the files that may replace them."""

    folder: Path
    inbox: Path
    candidates: list[Path]
    alternatives: str

    @property
    def partial(self) -> Path:
        """Folder of unfinished downloads, beside the inbox."""
        return self.inbox.with_name("partial")

    def remedy(self, archive: Archive) -> str:
        """Folder and name, in words, under which a user can place an archive that was not found."""
        return f"in {self.inbox} under {'its official name' if archive.named else 'any name'}{self.alternatives}"


def obtain(
    dataset: str, settings: Source, folder: Path, inbox: Path, progress: bool, patience: Patience = DEFAULT_PATIENCE
) -> dict[str, Path]:
    """Verified archives of a data set in `folder`, by official name.

    An archive that the folder's manifest lists is used as it is. Otherwise a matching file in `inbox` (searched recursively)
    is copied. A file matches by its contents (the members of a zip, the datasets of an HDF5 file), by its name, or by both, as
    the settings say. Otherwise the archive is downloaded from the first of its addresses that has it; an interrupted download
    stays in `partial`, beside the inbox, and the next call resumes it. If some archives are not available but all of one of
    the `alternatives` are, those are used.

    Raises GrdError if a listed archive has changed its size or is a twin, if no address gives the archive with its sha256, or
    if only the user can get it. A damaged or hostile file is skipped with a warning; it is the error if no other file provides
    the archive.
    """
    places = Places(folder, inbox, sorted(path for path in inbox.rglob("*") if path.is_file()), _alternatives(settings))
    wanted = settings.archives
    if settings.alternatives:
        sets = (settings.archives, *settings.alternatives)
        wanted = next((archives for archives in sets if _are_available(archives, places)), settings.archives)
    return {name: _obtain(dataset, name, archive, places, progress, patience) for name, archive in wanted.items()}


def _alternatives(settings: Source) -> str:
    sets = "; or ".join(" and ".join(archives) for archives in settings.alternatives)
    return f", or there instead {sets}" if sets else ""


def _are_available(archives: dict[str, Archive], places: Places) -> bool:
    """True if each of these archives is in the folder's manifest or matches a candidate."""
    return all(
        _manifest_entry(places.folder / name) or _search(name, archive, [places.folder / name, *places.candidates])[0]
        for name, archive in archives.items()
    )


def _manifest_entry(path: Path) -> dict[str, Any] | None:
    """The manifest's entry of an archive that exists."""
    return read_manifest(path.parent).get(path.name) if path.exists() else None


def _obtain(dataset: str, name: str, archive: Archive, places: Places, progress: bool, patience: Patience) -> Path:
    path = places.folder / name
    entry = _manifest_entry(path)
    outdated = entry is not None and _is_outdated(entry, archive)
    if entry and not outdated:
        _check_entry(path, entry)
        return path
    found, unreadable = _search(name, archive, [*([] if outdated else [path]), *places.candidates])
    for damaged in unreadable:
        log.warning("%s (skipped in the search for %s)", damaged, name)
    if found:
        _take(_choose(found, archive), path, archive)
    elif archive.addresses:
        _download(dataset, path, archive, places, progress, patience)
    else:
        raise _absence_error(dataset, name, archive, places, unreadable)
    return path


def _is_outdated(entry: dict[str, Any], archive: Archive) -> bool:
    """True if an archive was downloaded when the settings had another digest."""
    official = entry["source"] not in ("inbox", "twin")
    return official and archive.sha256 not in (None, entry["sha256"])


def _check_entry(path: Path, entry: dict[str, Any]) -> None:
    """GrdError if an archive is a twin or has another size than its entry in the manifest."""
    if entry["source"] == "twin":
        raise GrdError(f"{path}: expected the official archive, found a synthetic twin; delete {path.parent} and rerun")
    if path.stat().st_size != entry["bytes"]:
        raise GrdError(
            f"{path}: expected the {entry['bytes']} bytes that were verified before, found {path.stat().st_size}; "
            "delete the file and rerun"
        )


def _absence_error(dataset: str, name: str, archive: Archive, places: Places, unreadable: list[GrdError]) -> GrdError:
    if unreadable:
        return GrdError(f"{dataset}: found no {name}, but {unreadable[0]}, or remove it if it is something else")
    return GrdError(
        f"{dataset}: expected {name}, found no {_description(name, archive)} in {places.inbox}; "
        f"{archive.ask or 'get it from the page of the data set'}, and place the file {places.remedy(archive)}"
    )


def _description(name: str, archive: Archive) -> str:
    """Properties, in words, that make a file match the archive."""
    named = f" with a name like {name}" if archive.named or not archive.members else ""
    holding = f" holding {archive.example or 'the expected members'}" if archive.members else ""
    return f"{_kind(Path(name))} file{named}{holding}".lstrip()


def _search(name: str, archive: Archive, candidates: Iterable[Path]) -> tuple[list[Path], list[GrdError]]:
    """Candidates that match the archive, and the errors of unreadable ones that might match."""
    found: list[Path] = []
    unreadable: list[GrdError] = []
    for path in filter(Path.exists, candidates):
        try:
            if _matches(path, name, archive):
                found.append(path)
        except GrdError as error:
            unreadable.append(error)
    return found, unreadable


def _matches(path: Path, name: str, archive: Archive) -> bool:
    named = archive.named or ("" if archive.members else f"^{re.escape(name)}$")
    if not re.search(named, path.name) or _kind(path) != _kind(Path(name)):
        return False
    return archive.members is None or any(re.search(archive.members, member) for member in _members(path))


def _kind(path: Path) -> str:
    """'zip' or 'HDF5', by the ending or the contents of a file, readable or not; empty for any other file."""
    if zips.is_zip(path):
        return "zip"
    return "HDF5" if path.suffix.lower() in HDF5 or (path.exists() and h5py.is_hdf5(path)) else ""


def _members(path: Path) -> list[str]:
    """Names inside a zip or HDF5 file, none for any other file; GrdError if it is damaged or hostile."""
    if _kind(path) == "zip":
        with zips.open_file(path) as file:
            return zips.names(file)
    if _kind(path) == "HDF5":
        with hdf5.open_file(path) as file:
            return hdf5.names(file)
    return []


def _choose(found: list[Path], archive: Archive) -> Path:
    """The file with the official bytes if there is one among several matches, else the first match."""
    if len(found) == 1 or archive.sha256 is None:
        return found[0]
    return next((path for path in found if sha256(path) == archive.sha256), found[0])


def _take(source: Path, path: Path, archive: Archive) -> None:
    """Copy a matching file to its official name; a copy, since a link would change with its source."""
    if source != path:
        with atomic_write(path) as part:
            shutil.copyfile(source, part)
    digest = sha256(path)
    if archive.sha256 and digest != archive.sha256:
        log.warning("%s is not the official %s; taken because its contents are recognised", source, path.name)
    record_archive(path.parent, path.name, "inbox", digest)


def _download(dataset: str, path: Path, archive: Archive, places: Places, progress: bool, patience: Patience) -> None:
    verify = partial(_verify, name=path.name, archive=archive)
    try:
        with lock_file(places.partial / f"{dataset}.lock"):
            entry = _manifest_entry(path)  # another process may have got it while this one waited
            if entry is None or _is_outdated(entry, archive):
                address, digest = download(archive.addresses, path, places.partial, verify, progress, patience)
                record_archive(path.parent, path.name, address, digest)
    except DownloadError as error:
        rerun = "rerun to resume the download" if error.resumable else "rerun"
        raise GrdError(
            f"{dataset}: could not download {path.name} from {error}; {rerun}, or get the file in another way and place it "
            f"{places.remedy(archive)}"
        ) from error
    except OSError as error:
        raise GrdError(
            f"{dataset}: expected to write {path.name}, by way of {places.partial}, found that impossible ({error}); "
            "free some space or give write permission there, and rerun"
        ) from error


def _verify(part: Path, name: str, archive: Archive) -> str:
    """The sha256 of a download; ValueError unless it is the official one or, where none is known, the contents match."""
    digest = sha256(part)
    if archive.sha256 and digest != archive.sha256:
        raise ValueError(f"sha256 {digest} instead of {archive.sha256}")
    contents = archive.model_copy(update={"named": None})  # a partial file has a name of its own
    try:
        if not archive.sha256 and not _matches(part, name, contents):
            raise ValueError(f"no {_description(name, contents)}")
    except GrdError as error:
        raise ValueError(str(error)) from error
    return digest
