"""Origins of a data set's samples, as far as they decide them: archives or a user's files, the split, the twin."""

from typing import Any

from grd.config.splits import read_lists, sample_names
from grd.project.project import Project
from grd.provenance.file_list import current_digests
from grd.system.digests import digest_of


def source(project: Project, dataset: str) -> dict[str, Any]:
    """The archives or folders of a data set, as far as they decide its samples."""
    return project.dataset(dataset).content()


def split_digest(project: Project, dataset: str) -> str:
    """The digest of the lists in a data set's split file; empty where the split is in an archive."""
    split = project.dataset(dataset).split
    return "" if split == "archive" else digest_of(read_lists(split))


def twin_names(project: Project, dataset: str) -> str:
    """The digest of the names that a twin is drawn for, whatever split they are in; empty where no split file decides them."""
    split = project.dataset(dataset).split
    if project.twin(dataset) is None or split == "archive":
        return ""
    return digest_of(sorted(sample_names(read_lists(split))))


def files_digest(project: Project, dataset: str) -> str:
    """The digest of a user's files as they are now; empty where there are archives, whose bytes are known."""
    found = project.dataset(dataset)
    if found.folder is None or found.split == "archive":
        return ""
    return digest_of(current_digests(found.folder, sample_names(read_lists(found.split))))


def names_in_files(project: Project, dataset: str) -> list[object]:
    """The names by which code for a data set's files and samples is looked up: its own and their kind, or `folder`."""
    if project.dataset(dataset).folder is not None:
        return ["folder"]
    return [dataset, "twin" if project.twin(dataset) else "archives"]
