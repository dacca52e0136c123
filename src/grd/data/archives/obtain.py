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
from grd.data.archives.download import USUAL, DownloadError, Patience, download
from grd.errors import GrdError
from grd.provenance.manifest import read_manifest, record_archive
from grd.system.digests import sha256
from grd.system.files import whole
from grd.system.locks import locked

HDF5 = {".hdf", ".h5", ".hdf5"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Places:
    """Where the archives of a data set go, where they may be found, and in words, what may be found instead of them."""

    folder: Path
    inbox: Path
    candidates: list[Path]
    instead: str

    @property
    def partial(self) -> Path:
        """Folder of unfinished downloads, beside the inbox."""
        return self.inbox.with_name("partial")

    def remedy(self, archive: Archive) -> str:
        """Where to place an archive that was not found, and under which name."""
        return f"in {self.inbox} under {'its official name' if archive.named else 'any name'}{self.instead}"


def obtain(
    dataset: str, settings: Source, folder: Path, inbox: Path, progress: bool, patience: Patience = USUAL
) -> dict[str, Path]:
    """The verified archives of a data set in `folder`, by their official names.

    An archive that the folder's manifest knows is used as it is. Otherwise a file in `inbox` (searched recursively) that
    is recognised, by its contents (the members of a zip, the datasets of an HDF5 file), by its name, or as the settings
    say by both, is copied; otherwise the archive is downloaded from the first of its addresses that has it. What a broken
    download leaves lies in `partial`, beside the inbox, and is gone on with by the next call. Where not all archives are at
    hand, but all of one of the `alternatives` are, these are taken.

    GrdError if a known archive has changed its size or is a twin, if no address gives it with its sha256, or if only you can
    get the archive. A damaged or hostile file is passed over with a warning, and is the error where nothing else provides the
    archive.
    """
    places = Places(folder, inbox, sorted(path for path in inbox.rglob("*") if path.is_file()), _instead(settings))
    wanted = settings.archives
    if settings.alternatives:
        sets = (settings.archives, *settings.alternatives)
        wanted = next((archives for archives in sets if _at_hand(archives, places)), settings.archives)
    return {name: _obtain(dataset, name, archive, places, progress, patience) for name, archive in wanted.items()}


def _instead(settings: Source) -> str:
    sets = "; or ".join(" and ".join(archives) for archives in settings.alternatives)
    return f", or there instead {sets}" if sets else ""


def _at_hand(archives: dict[str, Archive], places: Places) -> bool:
    """Whether all of these archives are known to the folder's manifest or recognised among the candidates."""
    return all(
        _known(places.folder / name) or _search(name, archive, [places.folder / name, *places.candidates])[0]
        for name, archive in archives.items()
    )


def _known(path: Path) -> dict[str, Any] | None:
    """The manifest's entry of an archive that is there."""
    return read_manifest(path.parent).get(path.name) if path.exists() else None


def _obtain(dataset: str, name: str, archive: Archive, places: Places, progress: bool, patience: Patience) -> Path:
    path = places.folder / name
    entry = _known(path)
    outdated = entry is not None and _outdated(entry, archive)
    if entry and not outdated:
        return _unchanged(path, entry)
    found, unreadable = _search(name, archive, [*([] if outdated else [path]), *places.candidates])
    for damaged in unreadable:
        log.warning("%s (passed over in the search for %s)", damaged, name)
    if found:
        _take(_preferred(found, archive), path, archive)
    elif archive.addresses:
        _download(dataset, path, archive, places, progress, patience)
    else:
        raise _absent(dataset, name, archive, places, unreadable)
    return path


def _outdated(entry: dict[str, Any], archive: Archive) -> bool:
    """Whether an archive was downloaded when the settings knew another digest."""
    official = entry["source"] not in ("inbox", "twin")
    return official and archive.sha256 not in (None, entry["sha256"])


def _unchanged(path: Path, entry: dict[str, Any]) -> Path:
    if entry["source"] == "twin":
        raise GrdError(f"{path}: expected the official archive, found a synthetic twin; delete {path.parent} and rerun")
    if path.stat().st_size != entry["bytes"]:
        raise GrdError(
            f"{path}: expected the {entry['bytes']} bytes that were verified before, found {path.stat().st_size}; "
            "delete the file and rerun"
        )
    return path


def _absent(dataset: str, name: str, archive: Archive, places: Places, unreadable: list[GrdError]) -> GrdError:
    if unreadable:
        return GrdError(f"{dataset}: found no {name}, but {unreadable[0]}, or remove it if it is something else")
    return GrdError(
        f"{dataset}: expected {name}, found no {_described(name, archive)} in {places.inbox}; "
        f"{archive.ask or 'get it from the page of the data set'}, and place the file {places.remedy(archive)}"
    )


def _described(name: str, archive: Archive) -> str:
    """What a file has to be like to be taken for the archive, in words."""
    named = f" with a name like {name}" if archive.named or not archive.members else ""
    holding = f" holding {archive.example or 'what it should'}" if archive.members else ""
    return f"{_kind(Path(name))} file{named}{holding}".lstrip()


def _search(name: str, archive: Archive, candidates: Iterable[Path]) -> tuple[list[Path], list[GrdError]]:
    """The candidates that are recognised as the archive, and what is wrong with those that might be it."""
    found: list[Path] = []
    unreadable: list[GrdError] = []
    for path in filter(Path.exists, candidates):
        try:
            if _recognised(path, name, archive):
                found.append(path)
        except GrdError as error:
            unreadable.append(error)
    return found, unreadable


def _recognised(path: Path, name: str, archive: Archive) -> bool:
    named = archive.named or ("" if archive.members else f"^{re.escape(name)}$")
    if not re.search(named, path.name) or _kind(path) != _kind(Path(name)):
        return False
    return archive.members is None or any(re.search(archive.members, member) for member in _members(path))


def _kind(path: Path) -> str:
    """'zip' or 'HDF5', readable or not, by the ending or by the contents of a file; empty for any other."""
    if zips.looks_like_zip(path):
        return "zip"
    return "HDF5" if path.suffix.lower() in HDF5 or (path.exists() and h5py.is_hdf5(path)) else ""


def _members(path: Path) -> list[str]:
    """The names inside a zip or HDF5 file, none in any other; GrdError if it is damaged or hostile."""
    if _kind(path) == "zip":
        with zips.opened(path) as file:
            return zips.names(file)
    if _kind(path) == "HDF5":
        with hdf5.opened(path) as file:
            return hdf5.names(file)
    return []


def _preferred(found: list[Path], archive: Archive) -> Path:
    """The official bytes if they are among several recognised files, else the first file."""
    if len(found) == 1 or archive.sha256 is None:
        return found[0]
    return next((path for path in found if sha256(path) == archive.sha256), found[0])


def _take(source: Path, path: Path, archive: Archive) -> None:
    """Copy a recognised file to its official name; a copy, since a link would change with its source."""
    if source != path:
        with whole(path) as part:
            shutil.copyfile(source, part)
    digest = sha256(path)
    if archive.sha256 and digest != archive.sha256:
        log.warning("%s is not the official %s; taken because its contents are recognised", source, path.name)
    record_archive(path.parent, path.name, "inbox", digest)


def _download(dataset: str, path: Path, archive: Archive, places: Places, progress: bool, patience: Patience) -> None:
    verify = partial(_verified, name=path.name, archive=archive)
    try:
        with locked(places.partial / f"{dataset}.lock"):
            if not _known(path):  # another process may have got it while this one waited
                address, digest = download(archive.addresses, path, places.partial, verify, progress, patience)
                record_archive(path.parent, path.name, address, digest)
    except DownloadError as error:
        rerun = "rerun, which goes on where this broke off" if error.resumable else "rerun"
        raise GrdError(
            f"{dataset}: could not download {path.name} from {error}; {rerun}, or get the file in another way and place it "
            f"{places.remedy(archive)}"
        ) from error
    except OSError as error:
        raise GrdError(
            f"{dataset}: expected to write {path.name}, by way of {places.partial}, found that impossible ({error}); "
            "make room or give leave to write there, and rerun"
        ) from error


def _verified(part: Path, name: str, archive: Archive) -> str:
    """The sha256 of a download; ValueError unless it is the official one, or where none is known, the contents are."""
    digest = sha256(part)
    if archive.sha256 and digest != archive.sha256:
        raise ValueError(f"sha256 {digest} instead of {archive.sha256}")
    contents = archive.model_copy(update={"named": None})  # a download has a name of ours
    try:
        if not archive.sha256 and not _recognised(part, name, contents):
            raise ValueError(f"no {_described(name, contents)}")
    except GrdError as error:
        raise ValueError(str(error)) from error
    return digest
