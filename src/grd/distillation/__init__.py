"""Distillation methods (Sec. V-A): one file per method, with one class, named as the file in capitals.

A name under `methods` in config/experiments.yaml adds a method to a table.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from grd.config.catalogue import METHODS
from grd.config.parsing import check_name
from grd.errors import GrdError, error_location
from grd.project.project import Project
from grd.project.run import RunSettings

if TYPE_CHECKING:
    from grd.distillation.method import Method

SUPERVISED, TOTAL, VALIDATION, SCORE = "affinity", "loss", "validation", "validation_score"
"""Names in a history: L_aff (Eq. 6), the weighted sum (Eq. 8), L_aff and the score on validation data; terms have their own."""

RESERVED = (SUPERVISED, "learning_rate", TOTAL, "step", VALIDATION, SCORE)
"""Names that the history of every training uses."""


def method_class(name: str) -> "type[Method]":
    """Class of the method with this name; GrdError, with its file, if file or class are not as a method's are."""
    from grd.distillation.method import Method

    check_name(name, METHODS[1:], "method", "distillation")
    module = import_module(f"grd.distillation.{name}")
    if not re.fullmatch("[a-z0-9_]+", name):
        raise GrdError(f"{module.__file__}: expected a file name of small letters, digits and _, found another; rename the file")
    if not hasattr(module, name.upper()):
        raise GrdError(f"{module.__file__}: expected a class {name.upper()}, found none; name the method's class so")
    kind = getattr(module, name.upper())
    parts = {
        "the base class Method": isinstance(kind, type) and issubclass(kind, Method),
        "`weights`, numbers by name": isinstance(getattr(kind, "weights", None), Mapping),
        "a function `terms`": getattr(kind, "terms", Method.terms) is not Method.terms,
    }
    if lacking := [part for part, there in parts.items() if not there]:
        raise GrdError(f"{module.__file__}: expected class {name.upper()} to have {lacking[0]}, found none; add it")
    for own in (*kind.weights, *kind.options):
        if own in RESERVED or not re.fullmatch("[a-z_]+", own):
            raise GrdError(
                f"{module.__file__}: expected names of weights and options of small letters and _, other than "
                f"{', '.join(RESERVED)}, found '{own}'; rename it"
            )
    return kind


def weights_and_options(settings: RunSettings) -> tuple[dict[str, float], dict[str, float]]:
    """Weights of the loss terms and options of a taught run, by name.

    The run's changes override the weights of its scale, and these override the method's own.
    """
    method = method_class(settings.method)
    scale = {name: weight for name, weight in settings.training.weights.items() if name in method.weights}
    return method.apply_changes({**scale, **settings.changes})


def check_methods(project: Project) -> None:
    """Check the changes in config/experiments.yaml, and the weights and batch sizes of the scale.

    Raises GrdError for a weight or option that a method does not have, for one that has the changed value anyway, since two
    runs would be the same, and for a batch with too few images for a method. The check imports the methods, and so torch.
    """
    _check_changes(project)
    _check_weights(project)
    _check_batch_sizes(project)


def _check_changes(project: Project) -> None:
    for name, experiment in project.experiments.items():
        for run in filter(lambda run: run.changes, project.runs(name)):
            # a table that compares weights may hold the one that the scale has chosen from it
            weights = {} if experiment.on_request else project.settings(run).training.weights
            with error_location(f"config/experiments.yaml, {name}"):
                method_class(run.method).check(dict(run.changes), weights)


def _check_weights(project: Project) -> None:
    terms = {term for method in METHODS[1:] for term in method_class(method).weights}
    for name in {**project.scale.training.weights, **project.volume_training.weights}:
        check_name(name, terms, "term", f"config/scales/{project.config.scale}.yaml, weights")


def _check_batch_sizes(project: Project) -> None:
    sizes = {2: ("training", project.scale.training.batch_size), 3: ("volumes", project.volume_training.batch_size)}
    taught = {(project.dataset(run.dataset).rank, run.method) for run in project.known_runs() if run.teacher is not None}
    for rank, method in sorted(taught):
        (part, size), needed = sizes[rank], method_class(method).smallest_batch
        if size < needed:
            raise GrdError(
                f"config/scales/{project.config.scale}.yaml, {part}: expected a batch_size of at least {needed} for method "
                f"{method}, which compares the images of a batch, found {size}; raise it, or leave {method} out of "
                "config/experiments.yaml"
            )
