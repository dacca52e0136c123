"""What tables and figures call runs and segmenters, and what they say about how they were made."""

from collections.abc import Iterable, Sequence

from grd.config.catalogue import NETWORKS
from grd.config.scales import Training
from grd.project.project import Project
from grd.project.run import Run

METHOD_TITLES = {"at": "AT", "spkd": "SPKD", "rekd": "ReKD", "biskd": "BISKD", "grd": "GRD (ours)"}
ARTEFACTS = {
    "table1": ("Methods", "I", "Complexity and inference time"),
    "table2": ("Methods", "II", "Methods on images"),
    "table3": ("Methods", "III", "Methods on volumes"),
    "table4": ("Ablations", "IV", "Loss terms"),
    "table5": ("Ablations", "V", "Loss weights"),
    "table6": ("Ablations", "VI", "Widths of the student"),
    "figure2": ("Images", "2", "Segmentations of images"),
    "figure3": ("Volumes", "3", "Segmentations of volumes, a section"),
    "figure4": ("Volumes", "4", "Neurites in 3D"),
    "figure5": ("Images", "5", "Embeddings as colours"),
    "figure6": ("Ablations", "6", "The memory bank: queue size K and sampling number L"),
}
"""Under which heading tables and figures are listed, the paper's number, and what they show."""

SEGMENTER_TITLES = {"waterz": "Waterz", "multicut": "LMC"}


def method_title(run: Run) -> str:
    """`AT`, also for a method that the paper has not."""
    return METHOD_TITLES.get(run.method, run.method.upper())


def run_title(run: Run) -> str:
    """Column title of a run: the network, or what was added to it."""
    return NETWORKS[run.network].title if run.teacher is None else f"+ {method_title(run)}"


def row_titles(runs: Sequence[Run]) -> dict[str, str]:
    """Titles of rows by run stem, as the paper has them: `T1: ResUNet`, `S2: MobileNet`, `T1 & S2 + AT`.

    Where only one network teaches, and one other, they are T and S, and their pair's rows `+ AT`.
    """
    symbols = network_symbols(runs)
    return {run.stem: _row_title(run, symbols) for run in runs}


def network_symbols(runs: Sequence[Run]) -> dict[str, str]:
    """T1, T2 for networks that teach, S1, S2 for those that are taught, counted apart for images and for volumes.

    One alone needs no number: T, S.
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
    changes = "".join(f", {name.replace('_', ' ')} {value:g}" for name, value in run.changes)
    return f"{'' if pair == 'T & S' else pair + ' '}+ {method_title(run)}{changes}"


def first_seed(project: Project, experiment: str, dataset: str) -> list[Run]:
    """The runs of an experiment on one data set, for the first seed."""
    return [run for run in project.runs(experiment) if run.dataset == dataset and run.seed == project.config.seeds[0]]


def scale_notes(project: Project, training: Training) -> list[str]:
    """On what data, how long and how often was trained."""
    seeds = project.config.seeds
    spread = f"mean ± sd over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"one run per cell, seed {seeds[0]}"
    note = f"Scale {project.config.scale} ({project.scale.title}; {duration(training)}); {spread}."
    twins = "The data are synthetic twins: no score or time here compares with a published one."
    return [note, twins] if project.scale.data == "twins" else [note]


def duration(training: Training) -> str:
    """How many steps networks are trained for."""
    teachers = f", teachers {training.teacher_iterations}" if training.teacher_iterations else ""
    return f"{training.iterations} iterations{teachers}"
