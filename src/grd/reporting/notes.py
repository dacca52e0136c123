"""Sentences about data and training that tables, claims and the document share."""

from grd.config.scales import Training
from grd.project.project import TWINS_NOTE, Project

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


def scale_note(project: Project, training: Training) -> str:
    """Data, iterations and seeds of this scale in a sentence."""
    seeds = project.config.seeds
    spread = f"mean ± sd over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"one run per cell, seed {seeds[0]}"
    return f"Scale {project.config.scale} ({project.scale.title}; {duration(training)}); {spread}."


def duration(training: Training) -> str:
    """`120 iterations, teachers 260`."""
    teachers = f", teachers {training.teacher_iterations}" if training.teacher_iterations else ""
    return f"{training.iterations} iterations{teachers}"
