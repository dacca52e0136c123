"""Scores → tables, figures and claims, reproduced numbers beside the published."""

from pathlib import Path

from grd.errors import GrdError
from grd.project.project import Project


def check_modules(project: Project) -> None:
    """GrdError for a table or figure of config/experiments.yaml that no module makes, or that nothing would ask for, and for a
    model of several data sets."""
    where = "config/experiments.yaml"
    if strange := next((name for name in project.regular if not name.startswith(("table", "figure"))), None):
        raise GrdError(f"{where}: expected names that begin with table or figure, or `on_request: true`, found {strange}")
    for name in project.models:
        if len(datasets := project.datasets_of(name)) > 1:
            raise GrdError(f"{where}, {name}: expected one data set, found {', '.join(datasets)}")
    tables, figures = [*project.tables, *project.tables_on_request], [*project.figures, *project.figures_on_request]
    for folder, names in (("tables", tables), ("figures", figures)):
        for name in names:
            maker = project.experiments[name].module or name
            module = Path(__file__).parent / folder / f"{maker}.py"
            if not module.exists():
                raise GrdError(
                    f"config/experiments.yaml, {name}: expected {module} with a function {maker}, found none; write it"
                )
