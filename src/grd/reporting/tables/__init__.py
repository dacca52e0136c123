"""The paper's tables: the function `name` of the module `name` here makes table `name` of config/experiments.yaml.

A table whose entry there has a `module` is made by that one, whose function has the table's name as a third argument.
"""

from importlib import import_module
from pathlib import Path

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.formats.csv import as_csv
from grd.reporting.formats.html import as_html
from grd.reporting.formats.markdown import as_markdown
from grd.reporting.formats.tex import as_tex
from grd.reporting.table import Table
from grd.system.files import write_text


def make_table(name: str, project: Project, layout: Layout) -> Table:
    """A table by the name of its experiment."""
    module = project.experiments[name].module
    make = getattr(import_module(f"grd.reporting.tables.{module or name}"), module or name)
    table: Table = make(project, layout, name) if module else make(project, layout)
    return table


def write_table(table: Table, csv: Path, tex: Path, md: Path, html: Path) -> None:
    """Write a table in four formats."""
    write_text(csv, as_csv(table))
    write_text(tex, as_tex(table))
    write_text(md, as_markdown(table))
    write_text(html, as_html(table))
