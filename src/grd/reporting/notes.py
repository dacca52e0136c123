"""Sentences about data and training that tables, claims and the document share."""

from collections.abc import Iterable, Sequence

from grd.config.scales import Training
from grd.distillation import weights_and_options
from grd.project.project import TWINS_NOTE, Project
from grd.project.run import Run

BASELINES = ("at", "spkd", "rekd")
OUR_CHOICE = (
    "(levels 3, 2 and 1 of the decoder or backbone; SPKD the deepest of these) are this project's choice, since no code of these "
    "rows is public. docs/deviations.md lists the weights that their papers use."
)

BANK_NOTE = (
    "A step draws from the memory bank before it enqueues its own images, so that its relations are to other images; the "
    "released code enqueues first, so that an image can meet itself."
)
WIDTH_NOTE = (
    "MALA-tiny's “1/10” of MALA's width (Section III-D2) holds for its third level alone: 8, 16, 32 and 64 channels of 12, 60, "
    "300 and 1500 are 1/1.5, 1/3.8, 1/9.4 and 1/23. By the square root of the parameters it is 1/15."
)


def twins_banner(project: Project) -> str:
    """The sentence that stands above numbers from synthetic twins; empty where the data are real."""
    return TWINS_NOTE if project.scale.data == "twins" else ""


def scale_note(project: Project, training: Training, experiment: str | None = None) -> str:
    """Data, iterations, selection of weights and seeds of this scale in a sentence; seeds are those of an experiment's rows, if
    it is given."""
    seeds = project.row_seeds(experiment) if experiment else [tuple(project.config.seeds)]
    spread = " where an sd stands, else ".join(_spread(each) for each in reversed(seeds))
    return f"Scale {project.config.scale} ({project.scale.title}; {duration(training)}; {SELECTED[training.select]}); {spread}."


def _spread(seeds: Sequence[int]) -> str:
    shown = ", ".join(map(str, seeds))
    return f"mean ± sd over seeds {shown}" if len(seeds) > 1 else f"one run per cell, seed {shown}"


SELECTED = {
    "score": "weights with the best score on validation images, by the metric that stands first",
    "loss": "weights with the lowest validation loss",
    "last": "weights of the last step",
}


def foreground_notes(project: Project, datasets: Iterable[str]) -> list[str]:
    """A sentence on data sets whose first segmenter is given the ground truth's foreground, if there are some."""
    shown = [project.datasets[name] for name in datasets]
    given = [one.title for one in shown if getattr(one.segmenters[one.first_segmenter], "foreground", "") == "truth"]
    said = "the mutex watershed is given the ground truth's foreground, as in the authors' released evaluation."
    return [f"{', '.join(given)}: {said}"] if given else []


def baseline_notes(project: Project, runs: Sequence[Run]) -> list[str]:
    """A sentence on the weights and features of AT, SPKD and ReKD, if they are among these runs."""
    weights: dict[str, float] = {}
    for run in runs:
        if run.method in BASELINES and not run.changes:
            weights |= weights_and_options(project.settings(run))[0]
    listed = ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
    return [f"AT, SPKD, ReKD: formulas of their own papers; weights ({listed}) and features {OUR_CHOICE}"] if weights else []


def inter_affinity_note(project: Project, run: Run) -> str:
    """The factor before the mean of Eq. 7 that λ5 multiplies in a run, beside those of the released scripts."""
    factor = project.settings(run).inter_affinity_factor
    return f"λ5 multiplies {factor:g} x the mean of Eq. 7; the released scripts have 4 x on CVPPP A1, 24 x on other data."


def volume_note(project: Project) -> str:
    """Iterations and selection of the trainings on volumes, in a sentence."""
    return f"Volumes: {duration(project.volume_training)}; {SELECTED[project.volume_training.select]}."


def duration(training: Training) -> str:
    """`120 iterations, teachers 260`."""
    teachers = f", teachers {training.teacher_iterations}" if training.teacher_iterations else ""
    return f"{training.iterations} iterations{teachers}"
