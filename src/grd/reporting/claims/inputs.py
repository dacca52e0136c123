"""What the claims table shows beside the files that it is made from. It imports no torch: the workflow asks it."""

from collections.abc import Mapping, Sequence
from typing import Any

from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.claims.base import Claim
from grd.reporting.claims.others import Setting


def plan(project: Project, claims: Mapping[str, Sequence[Claim]]) -> dict[str, Any]:
    """All that the claims table shows beside the files that it is made from, as plain values."""
    return {
        "claims": {section: [claim.model_dump(mode="json") for claim in entries] for section, entries in claims.items()},
        "published": dict(project.published),
        "settings": {" ".join(pair): plain_settings(project, *pair) for pair in settings_wanted(claims)},
        "datasets": dataset_titles(project),
    }


def dataset_titles(project: Project) -> dict[str, str]:
    """Titles of the data sets by name."""
    return {name: dataset.title for name, dataset in project.datasets.items()}


def settings_wanted(claims: Mapping[str, Sequence[Claim]]) -> list[tuple[str, str]]:
    """Data set and run stem of every claim about a setting."""
    wanted = [claim for section in claims.values() for claim in section if isinstance(claim, Setting)]
    return list(dict.fromkeys((claim.dataset, claim.run) for claim in wanted))


def run_named(project: Project, dataset: str, stem: str) -> Run:
    """The run of the first seed."""
    return Run.named(dataset, f"{stem}-s{project.config.seeds[0]}")


def plain_settings(project: Project, dataset: str, stem: str) -> dict[str, Any]:
    """A run's settings and its data set's, as plain values."""
    own = project.settings(run_named(project, dataset, stem)).model_dump(mode="json")
    return {**project.dataset(dataset).model_dump(mode="json"), **own}
