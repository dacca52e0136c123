"""Titles of runs, methods and segmenters in tables and figures."""

from collections.abc import Iterable, Sequence

from grd.config.catalogue import NETWORKS
from grd.project.project import Project
from grd.project.run import Run

SEGMENTER_TITLES = {"waterz": "Waterz", "multicut": "LMC"}


def method_title(method: str) -> str:
    """`AT`: the name in capitals, except ReKD's."""
    return {"rekd": "ReKD"}.get(method, method.upper())


def segmenter_title(segmenter: str) -> str:
    """`LMC`; the name of a segmenter that the paper does not have."""
    return SEGMENTER_TITLES.get(segmenter, segmenter)


def changes_text(run: Run) -> str:
    """Changes to the method of a run: `node 1, queue size 8`; empty without any."""
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in run.changes)


def run_title(run: Run) -> str:
    """Title of a run above a panel: its network, or `+ AT` for a student that AT taught."""
    return NETWORKS[run.network].title if run.teacher is None else f"+ {method_title(run.method)}"


def titles_of(project: Project, experiment: str) -> dict[str, str]:
    """Titles of the rows of a table by run stem; networks are numbered over all tables of its part, so that these agree."""
    part = project.experiments[experiment].part
    tables = [name for name in project.tables if project.experiments[name].part == part]
    titles = row_titles(project.runs(*tables, experiment))
    return {run.stem: titles[run.stem] for run in project.runs(experiment)}


def row_titles(runs: Sequence[Run]) -> dict[str, str]:
    """Titles of rows by run stem, as the paper has them: `T1: ResUNet`, `S2: MobileNet`, `T1 & S2 + AT`.

    Where a single teacher teaches a single student, they are T and S, and the rows of the pair `+ AT`.
    """
    symbols = network_symbols(runs)
    return {run.stem: _row_title(run, symbols) for run in runs}


def network_symbols(runs: Sequence[Run]) -> dict[str, str]:
    """T1, T2 for networks that teach, S1, S2 for those that are taught, numbered apart for images and for volumes.

    A single one needs no number: T, S.
    """
    plain = dict.fromkeys(run.network for run in runs if run.teacher is None)
    roles = {"T": {run.teacher for run in runs if run.teacher}, "S": {run.network for run in runs if run.teacher}}
    symbols: dict[str, str] = {}
    for letter, members in roles.items():
        for rank in (2, 3):
            names = [name for name in plain if name in members and NETWORKS[name].rank == rank]
            symbols.update(_numbered(letter, names))
    return symbols


def _numbered(letter: str, names: Sequence[str]) -> Iterable[tuple[str, str]]:
    return [(name, f"{letter}{number if len(names) > 1 else ''}") for number, name in enumerate(names, 1)]


def _row_title(run: Run, symbols: dict[str, str]) -> str:
    if run.teacher is None:
        symbol = symbols.get(run.network)
        return f"{symbol}: {NETWORKS[run.network].title}" if symbol else NETWORKS[run.network].title
    pair = " & ".join(symbols.get(name, NETWORKS[name].title) for name in (run.teacher, run.network))
    return f"{'' if pair == 'T & S' else pair + ' '}+ {', '.join(filter(None, (method_title(run.method), changes_text(run))))}"
