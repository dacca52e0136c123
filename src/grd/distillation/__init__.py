"""Distillation methods (Sec. V-A). A method is one file here, with one class of the file's name in capitals.

A line in config/experiments.yaml (`methods: [..., name]`) puts it into a table.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from grd.config.catalogue import METHODS
from grd.config.parsing import check_name
from grd.errors import GrdError, located
from grd.project.project import Project
from grd.project.run import RunSettings

if TYPE_CHECKING:
    from grd.distillation.method import Context, Method


def method_class(name: str) -> "type[Method]":
    """The class of a method by its name."""
    check_name(name, METHODS[1:], "method", "distillation")
    module = import_module(f"grd.distillation.{name}")
    if not hasattr(module, name.upper()):
        raise GrdError(f"{module.__file__}: expected a class {name.upper()}, found none; name the method's class so")
    return getattr(module, name.upper())


def weights_and_options(settings: RunSettings) -> tuple[dict[str, float], dict[str, float]]:
    """A taught run's weights of loss terms and options, by name: its method's own, under its scale's, under its changes."""
    method = method_class(settings.method)
    scale = {name: weight for name, weight in settings.training.weights.items() if name in method.weights}
    return method.changed({**scale, **settings.changes})


def build_method(name: str, context: "Context") -> "Method":
    """A method with its adapters and memory for one student–teacher pair."""
    return method_class(name)(context)


def check_methods(project: Project) -> None:
    """GrdError for a changed weight or option that its method does not have, or has with the same value anyway, which would make
    the same run twice. It imports the methods, and so torch."""
    for name, experiment in project.experiments.items():
        for row in experiment.runs:
            for method in row.methods if row.changes else ():
                with located(f"config/experiments.yaml, {name}"):
                    method_class(method).check(row.changes, project.scale.training.weights)
    terms = {term for method in METHODS[1:] for term in method_class(method).weights}
    for name in {**project.scale.training.weights, **project.volume_training.weights}:
        check_name(name, terms, "term", f"config/scales/{project.config.scale}.yaml, weights")
