"""The house: every folder of src/grd imports from folders before it, and the top holds no more than four modules."""

import ast
from pathlib import Path

import pytest

import grd

PACKAGE = Path(grd.__file__).parent
ORDER = [
    *("errors", "system", "config", "project", "provenance"),  # under the road
    *("reading", "data", "networks", "losses", "metrics", "inference", "segmentation"),
    *("distillation", "training", "planning", "reporting"),
    *("models", "apply", "jobs", "cli"),  # beside it
]


def imports(path):
    """The rooms that a module imports from, wherever in its text."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("grd."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "grd":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("grd."))


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if room(path) != "__init__"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_from_no_later_room(path):
    here = room(path)
    assert not {name for name in imports(path) if ORDER.index(name) > ORDER.index(here)}


def test_every_room_is_in_the_order():
    assert {room(path) for path in MODULES} == set(ORDER)


def test_modules_of_a_room_import_one_another_in_no_circle():
    """No module is reached from itself through the imports at the top of modules."""
    graph = {name(path): set(top_imports(path)) for path in PACKAGE.rglob("*.py")}
    graph = {module: {target for target in targets if target in graph} for module, targets in graph.items()}
    while free := [module for module, targets in graph.items() if not targets]:
        graph = {module: targets - set(free) for module, targets in graph.items() if module not in free}
    assert not graph


def name(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def top_imports(path):
    modules = {name(other) for other in PACKAGE.rglob("*.py")}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in modules else node.module) for a in node.names)


def test_the_top_holds_four_modules():
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "cli.py", "errors.py", "jobs.py"}


def test_no_module_is_longer_than_300_lines():
    assert {path.name: length for path in MODULES if (length := len(path.read_text().splitlines())) > 300} == {}


def test_jobs_alone_knows_snakemake_s_job():
    using = [path.name for path in MODULES if "snakemake." in path.read_text() and path.name not in ("jobs.py",)]
    assert using == []
