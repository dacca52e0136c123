"""Whether all files are still what was written: every one of which that is known, hashed again.

It is known from passports, from the manifests of archives, and from the names of checkpoints.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from grd.errors import GrdError
from grd.project.paths import ACCOUNT, CHECKPOINT, Layout
from grd.project.project import Project
from grd.provenance.account import read_account
from grd.provenance.manifest import MANIFEST, read_manifest
from grd.provenance.passport import SUFFIX, Passport
from grd.system.digests import sha256

NOT_RESULTS = {"logs", "benchmarks"}


@dataclass(frozen=True)
class Known:
    """What is known of a file: its SHA-256 or the first digits of it, who says so, and what to do if that is not so."""

    path: Path
    sha256: str
    origin: str
    remedy: str

    def faults(self) -> list[str]:
        """One sentence if the file is another one now, else none; none, too, if it went away meanwhile."""
        try:
            found = sha256(self.path)
        except FileNotFoundError:
            return []
        if found.startswith(self.sha256):
            return []
        return [f"{self.path}: expected sha256 {self.sha256[:16]} {self.origin}, found {found[:16]}; {self.remedy}"]


@dataclass
class Survey:
    """What lies in some folders: the files of which something is known, those of which nothing is, and faults seen so far."""

    known: dict[Path, Known] = field(default_factory=dict)
    unknown: set[Path] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def add(self, folder: Path, names: Sequence[str], wanted: Sequence[str] | None = None) -> None:
        """Take up the files of one folder, or those of them that are wanted."""
        told: dict[Path, Known] = {}
        for name in names:
            try:
                for known in _told_by(folder / name):
                    if name.endswith(SUFFIX) or known.path not in told:  # a passport says best what to do
                        told[known.path] = known
            except GrdError as error:
                self.faults.append(str(error))
        for path in (folder / name for name in (names if wanted is None else wanted)):
            if path in told:
                self.known[path] = told[path]
            elif not _tells(path.name):
                self.unknown.add(path)

    @property
    def bytes(self) -> int:
        """Size of all files of which something is known."""
        return sum(map(_size, self.known))

    def hash_again(self) -> list[str]:
        """A sentence for each file that is not what it was."""
        found = list(self.faults)
        with tqdm(total=self.bytes, desc="hashing", unit="B", unit_scale=True, leave=False, disable=None) as bar:
            for path, known in self.known.items():
                found += known.faults()
                bar.update(_size(path))
        return found


def survey(paths: Iterable[Path]) -> Survey:
    """What lies at these paths, files or folders; GrdError for a path where nothing is."""
    found = Survey()
    for path in paths:
        if path.is_dir():
            for folder, below, names in os.walk(path):
                below[:] = sorted(set(below) - NOT_RESULTS)
                found.add(Path(folder), sorted(names))
        elif path.is_file():
            found.add(path.parent, [other.name for other in path.parent.iterdir()], [path.name])
        else:
            raise GrdError(f"{path}: expected a file or folder, found nothing; check the path")
    return found


def places(project: Project, layout: Layout) -> list[Path]:
    """Where the files of a scale lie: its results, and archives that several scales share."""
    shared = [] if project.scale.data == "twins" else [layout.archives(name, twin=False) for name in project.datasets]
    return [layout.results, *filter(Path.exists, shared)]


def _size(path: Path) -> int:
    """Bytes of a file; none of one that went away meanwhile, as checkpoints do."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _tells(name: str) -> bool:
    """Whether a file only tells of others, or of the moment."""
    return name.endswith(SUFFIX) or name in (MANIFEST, ACCOUNT, "lock") or name.startswith(".")


def _told_by(path: Path) -> Iterator[Known]:
    """What a file tells of itself and others in its folder."""
    if path.name.endswith(SUFFIX):
        yield from _outputs(Passport.read(path))
    elif path.name == MANIFEST:
        yield from _archives(path.parent)
    elif path.name == ACCOUNT:
        yield from _training(path)
    elif match := CHECKPOINT.fullmatch(path.name):
        yield Known(path, match[2], "by its name", "delete it: training goes on from the checkpoint before, or anew")


def _training(account: Path) -> Iterator[Known]:
    for name, digest in read_account(account)["files"].items():
        path = account.with_name(name)
        yield Known(path, digest, "that training wrote", f"delete {account.parent} and rerun what needs it")


def _outputs(passport: Passport) -> Iterator[Known]:
    passport.check_place()
    for name, entry in passport.outputs.items():
        path = passport.path.with_name(name)
        yield Known(path, entry["sha256"], f"that rule {passport.rule} wrote", f"delete it and {_rerun(path)}")


def _archives(folder: Path) -> Iterator[Known]:
    for name, entry in read_manifest(folder).items():
        path, again = folder / name, f"delete it and run: grd fetch {folder.name}"
        if entry["source"] == "twin":
            record = folder.parents[1] / f"{folder.name}.archives.json"
            again = f"delete it and {record}, and {_rerun(record)}"
        yield Known(path, entry["sha256"], f"of the archive from {entry['source']}", again)


def _rerun(path: Path) -> str:
    """How to make a file of results/<scale>/ again."""
    place = Path(os.path.relpath(path))
    if place.parts[0] != "results":
        return "rerun"
    return f"run: snakemake --cores all --config scale={place.parts[1]} -- {place}"
