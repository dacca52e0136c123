"""Sentences about data and training that tables, claims and the document share."""

from grd.config.scales import Training
from grd.project.project import TWINS_NOTE, Project
from grd.project.run import Run


def twins_banner(project: Project) -> str:
    """The sentence that stands above numbers from synthetic twins; empty where the data are real."""
    return TWINS_NOTE if project.scale.data == "twins" else ""


def scale_note(project: Project, training: Training) -> str:
    """Data, iterations and seeds of this scale in a sentence."""
    seeds = project.config.seeds
    spread = f"mean ± sd over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"one run per cell, seed {seeds[0]}"
    return f"Scale {project.config.scale} ({project.scale.title}; {duration(training)}); {spread}."


def inter_affinity_note(project: Project, run: Run) -> str:
    """The factor before the mean of Eq. 7 that λ5 multiplies in a run, beside those of the released scripts."""
    factor = project.settings(run).inter_affinity_factor
    return f"λ5 multiplies {factor:g} x the mean of Eq. 7; the released scripts have 4 x on CVPPP A1, 24 x on other data."


def duration(training: Training) -> str:
    """`120 iterations, teachers 260`."""
    teachers = f", teachers {training.teacher_iterations}" if training.teacher_iterations else ""
    return f"{training.iterations} iterations{teachers}"
