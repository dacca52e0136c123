"""Notes below tables and figures that hold for all of them."""

from grd.config.scales import Training
from grd.project.project import TWINS_NOTE, Project


def scale_notes(project: Project, training: Training) -> list[str]:
    """On what data, how long and how often was trained."""
    seeds = project.config.seeds
    spread = f"mean ± sd over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"one run per cell, seed {seeds[0]}"
    note = f"Scale {project.config.scale} ({project.scale.title}; {duration(training)}); {spread}."
    return [note, TWINS_NOTE] if project.scale.data == "twins" else [note]


def duration(training: Training) -> str:
    """How many steps networks are trained for."""
    teachers = f", teachers {training.teacher_iterations}" if training.teacher_iterations else ""
    return f"{training.iterations} iterations{teachers}"
