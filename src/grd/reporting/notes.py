"""Sentences about data and training that tables, claims and the document share."""

from grd.config.scales import Training
from grd.project.project import TWINS_NOTE, Project


def twins_banner(project: Project) -> str:
    """The sentence that stands above numbers from synthetic twins; empty where the data are real."""
    return TWINS_NOTE if project.scale.data == "twins" else ""


def scale_note(project: Project, training: Training) -> str:
    """Data, iterations, selection of weights and seeds of this scale in a sentence."""
    seeds = project.config.seeds
    spread = f"mean ± sd over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"one run per cell, seed {seeds[0]}"
    return f"Scale {project.config.scale} ({project.scale.title}; {duration(training)}; {SELECTED[training.select]}); {spread}."


SELECTED = {
    "score": "weights with the best score on validation images, by the metric that stands first",
    "loss": "weights with the lowest validation loss",
    "last": "weights of the last step",
}


def duration(training: Training) -> str:
    """`120 iterations, teachers 260`."""
    teachers = f", teachers {training.teacher_iterations}" if training.teacher_iterations else ""
    return f"{training.iterations} iterations{teachers}"
