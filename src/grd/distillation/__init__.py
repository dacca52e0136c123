"""Distillation methods (Sec. V-A). A method is one file here, with one class of the file's name in capitals.

A line in config/experiments.yaml (`methods: [..., name]`) puts it into a table.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from grd.config.parsing import known
from grd.errors import GrdError

if TYPE_CHECKING:
    from grd.distillation.method import Context, Method
    from grd.project.run import RunSettings

METHODS = (
    "none",
    *sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in {"__init__", "method"}),
)


def method_class(name: str) -> "type[Method]":
    """The class of a method by its name."""
    known(name, METHODS[1:], "method", "distillation")
    module = import_module(f"grd.distillation.{name}")
    if not hasattr(module, name.upper()):
        raise GrdError(f"{module.__file__}: expected a class {name.upper()}, found none; name the method's class so")
    return getattr(module, name.upper())


def weights_and_options(settings: "RunSettings") -> tuple[dict[str, float], dict[str, float]]:
    """A taught run's weights of loss terms and options, by name: its method's own, under its scale's, under its changes."""
    method = method_class(settings.method)
    scale = {name: weight for name, weight in settings.training.weights.items() if name in method.weights}
    return method.changed({**scale, **settings.changes})


def build_method(name: str, context: "Context") -> "Method":
    """A method with its adapters and memory for one student–teacher pair."""
    return method_class(name)(context)
