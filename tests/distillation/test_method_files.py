"""A file of grd.distillation whose name or class is not a method's is named in one sentence."""

import sys
from types import ModuleType

import pytest
import torch

from grd import distillation
from grd.distillation import method_class
from grd.distillation.method import Method
from grd.errors import GrdError

WEIGHTS = {"embedding": 1.0}


def terms(self, student, teacher, moment):
    return {"embedding": torch.zeros(())}


def place(monkeypatch, name, **content):
    """Let grd.distillation have a file of this name with this content."""
    module = ModuleType(f"grd.distillation.{name}")
    module.__dict__.update(content, __file__=f"distillation/{name}.py")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(distillation, "METHODS", (*distillation.METHODS, name))


@pytest.mark.parametrize(
    ("bases", "content", "sentence"),
    [
        ((), {"weights": WEIGHTS, "terms": terms}, "expected class MSE to have the base class Method, found none; add it"),
        ((Method,), {"terms": terms}, "expected class MSE to have `weights`, numbers by name, found none; add it"),
        ((Method,), {"weights": WEIGHTS}, "expected class MSE to have a function `terms`, found none; add it"),
    ],
)
def test_a_class_that_lacks_what_a_method_has_is_refused(monkeypatch, bases, content, sentence):
    place(monkeypatch, "mse", MSE=type("MSE", bases, content))
    with pytest.raises(GrdError, match=f"^distillation/mse.py: {sentence}$"):
        method_class("mse")


def test_a_file_without_the_class_is_refused(monkeypatch):
    place(monkeypatch, "mse")
    with pytest.raises(GrdError, match=r"mse\.py: expected a class MSE, found none"):
        method_class("mse")


@pytest.mark.parametrize("name", ["MSE", "my-loss"])
def test_a_file_name_that_runs_cannot_have_is_refused(monkeypatch, name):
    place(monkeypatch, name, MSE=type("MSE", (Method,), {"weights": WEIGHTS, "terms": terms}))
    with pytest.raises(GrdError, match=rf"{name}\.py: expected a file name of small letters, digits and _"):
        method_class(name)


@pytest.mark.parametrize("name", ["affinity", "step", "level2"])
def test_names_that_a_history_or_a_run_cannot_hold_are_refused(monkeypatch, name):
    place(monkeypatch, "mse", MSE=type("MSE", (Method,), {"weights": {name: 1.0}, "terms": terms}))
    with pytest.raises(
        GrdError, match=f"expected names of weights and options of small letters and _, .* found '{name}'; rename it"
    ):
        method_class("mse")


def test_an_option_may_be_a_fraction_unless_its_own_number_is_whole():
    kind = type("MSE", (Method,), {"weights": WEIGHTS, "terms": terms, "options": {"temperature": 0.5, "queue_size": 32}})
    kind.check({"temperature": 0.7, "queue_size": 16}, {})
    for changes, sentence in (
        ({"temperature": 0}, "a number above 0 for temperature, found 0"),
        ({"queue_size": 2.5}, "a whole"),
    ):
        with pytest.raises(GrdError, match=f"expected {sentence}"):
            kind.check(changes, {})


def test_a_complete_class_is_a_method(monkeypatch):
    kind = type("MSE", (Method,), {"weights": WEIGHTS, "terms": terms})
    place(monkeypatch, "mse", MSE=kind)
    assert method_class("mse") is kind
