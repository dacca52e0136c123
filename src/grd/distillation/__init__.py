"""Distillation methods (Sec. V-A). A method is one file here, with one class of the file's name in capitals.

A line in config/experiments.yaml (`methods: [..., name]`) puts it into a table.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from grd.config import known

if TYPE_CHECKING:
    from grd.distillation.method import Context, Method

METHODS = (
    "none",
    *sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in {"__init__", "method"}),
)


def method_class(name: str) -> "type[Method]":
    """The class of a method by its name."""
    known(name, METHODS[1:], "method", "distillation")
    return getattr(import_module(f"grd.distillation.{name}"), name.upper())


def build_method(name: str, context: "Context") -> "Method":
    """A method with its adapters and memory for one student–teacher pair."""
    return method_class(name)(context)
