"""Scores → tables, figures and claims, reproduced numbers beside the published."""

from pathlib import Path

from grd.errors import GrdError
from grd.project.project import Project


def check_modules(project: Project) -> None:
    """GrdError for a table or figure of config/experiments.yaml that no module makes."""
    for folder, names in (("tables", [*project.tables, *project.on_request]), ("figures", project.figures)):
        for name in names:
            module = Path(__file__).parent / folder / f"{name}.py"
            if not module.exists():
                raise GrdError(f"config/experiments.yaml, {name}: expected {module} with a function {name}, found none; write it")
