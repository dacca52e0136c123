"""Every file whose digest is known, hashed again: is it still what was written?

Digests are known from passports, from the manifests of archives, from the accounts of trainings, and from the names of
checkpoints.
"""

import os
from collections.abc import Iterable, Iterator
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

NOT_RESULTS = (".log", ".tsv")  # what jobs say, and how long they take


@dataclass(frozen=True)
class Expectation:
    """The SHA-256 of a file, or its first digits, who states it, and what to do if the file has another."""

    path: Path
    sha256: str
    origin: str
    remedy: str

    def faults(self) -> list[str]:
        """One sentence if the file is another one now; nothing if it is the same, or gone meanwhile."""
        try:
            found = sha256(self.path)
        except FileNotFoundError:
            return []
        if found.startswith(self.sha256):
            return []
        return [f"{self.path}: expected sha256 {self.sha256[:16]} {self.origin}, found {found[:16]}; {self.remedy}"]


@dataclass
class Survey:
    """The files in some folders: those whose digest is known, those whose digest is not, those that are gone although something
    there states their digest, and faults found on the way."""

    expected: dict[Path, Expectation] = field(default_factory=dict)
    unknown: set[Path] = field(default_factory=set)
    gone: set[Path] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def add(self, folder: Path, wanted: Iterable[str]) -> None:
        """Add files of one folder by their names."""
        stated = self._stated(folder)
        known = {each.path: each for several in stated.values() for each in several}
        for path in (folder / name for name in wanted):
            self.gone |= {each.path for each in stated.get(path, []) if not each.path.exists()}
            if path in known:
                self.expected[path] = known[path]
            elif not _describes_others(path.name):
                self.unknown.add(path)

    def _stated(self, folder: Path) -> dict[Path, list[Expectation]]:
        """What each file of a folder states; passports come last, since they say best what to do."""
        stated: dict[Path, list[Expectation]] = {}
        for path in sorted(folder.iterdir(), key=lambda path: path.name.endswith(SUFFIX)):
            try:
                stated[path] = list(_stated_by(path))
            except GrdError as error:
                self.faults.append(str(error))
        return stated

    @property
    def bytes(self) -> int:
        """Size of all files whose digest is known."""
        return sum(map(_size, self.expected))

    def hash_again(self) -> list[str]:
        """A sentence for each file that is not what was written."""
        found = list(self.faults)
        with tqdm(total=self.bytes, desc="hashing", unit="B", unit_scale=True, leave=False, disable=None) as bar:
            for path, expectation in self.expected.items():
                found += expectation.faults()
                bar.update(_size(path))
        return found


def survey(paths: Iterable[Path]) -> Survey:
    """The files at these paths, files or folders; GrdError for a path at which there is nothing."""
    found = Survey()
    for path in paths:
        if path.is_dir():
            for folder, below, names in os.walk(path):
                below.sort()
                found.add(Path(folder), sorted(names))
        elif path.is_file():
            found.add(path.parent, [path.name])
        else:
            raise GrdError(f"{path}: expected a file or folder, found nothing; check the path")
    return found


def places(project: Project, layout: Layout) -> list[Path]:
    """The folders of a scale's files: its results, and the archives that several scales share."""
    shared = [] if project.scale.data == "twins" else [layout.archives(name, twin=False) for name in project.datasets]
    return [layout.results, *filter(Path.exists, shared)]


def _size(path: Path) -> int:
    """Bytes of a file; 0 if it is gone meanwhile, as checkpoints are."""
    return path.stat().st_size if path.exists() else 0


def _describes_others(name: str) -> bool:
    return name.endswith((SUFFIX, *NOT_RESULTS)) or name in (MANIFEST, ACCOUNT, "lock") or name.startswith(".")


def _stated_by(path: Path) -> Iterator[Expectation]:
    """The digests that a file states, of itself and of others in its folder."""
    if path.name.endswith(SUFFIX):
        yield from _outputs(Passport.read(path))
    elif path.name == MANIFEST:
        yield from _archives(path.parent)
    elif path.name == ACCOUNT:
        yield from _training(path)
    elif match := CHECKPOINT.fullmatch(path.name):
        yield Expectation(path, match[2], "by its name", "delete it: training resumes from the one before")


def _training(account: Path) -> Iterator[Expectation]:
    for name, digest in read_account(account)["files"].items():
        path = account.with_name(name)
        yield Expectation(path, digest, "that training wrote", f"delete {account.parent} and rerun what needs it")


def _outputs(passport: Passport) -> Iterator[Expectation]:
    passport.check_place()
    for name, entry in passport.outputs.items():
        path = passport.path.with_name(name)
        yield Expectation(path, entry["sha256"], f"that rule {passport.rule} wrote", f"delete it and {_rerun(path)}")


def _archives(folder: Path) -> Iterator[Expectation]:
    for name, entry in read_manifest(folder).items():
        path, again = folder / name, f"delete it and run: grd fetch {folder.name}"
        if entry["source"] == "twin":
            record = folder.parents[1] / f"{folder.name}.archives.json"
            again = f"delete it and {record}, and {_rerun(record)}"
        yield Expectation(path, entry["sha256"], f"of the archive from {entry['source']}", again)


def _rerun(path: Path) -> str:
    """The command that makes a file of results/<scale>/ again."""
    place = Path(os.path.relpath(path))
    if place.parts[0] != "results":
        return "rerun"
    return f"run: snakemake --cores all --config scale={place.parts[1]} -- {place}"
