"""Scores → tables, figures and claims, reproduced numbers beside the published."""

from pathlib import Path

from grd.errors import GrdError
from grd.project.project import Project


def check_modules(project: Project) -> None:
    """GrdError for a table or figure of config/experiments.yaml that no module makes."""
    tables, figures = [*project.tables, *project.tables_on_request], [*project.figures, *project.figures_on_request]
    for folder, names in (("tables", tables), ("figures", figures)):
        for name in names:
            maker = project.experiments[name].module or name
            module = Path(__file__).parent / folder / f"{maker}.py"
            if not module.exists():
                raise GrdError(
                    f"config/experiments.yaml, {name}: expected {module} with a function {maker}, found none; write it"
                )
