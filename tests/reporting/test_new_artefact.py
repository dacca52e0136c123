"""A new table or figure is an entry of experiments.yaml, its printed numbers, a module and a caption, and nothing else."""

import json
import os
import subprocess
import sys

import pytest
import yaml
from pipelines import ROOT, Pipeline

NUMBERS = {"table4": "table7", "Table IV": "Table VII", "figure2": "figure7", "Figure 2": "Figure 7"}
WRITE_TABLE = """
import json
from pathlib import Path
import pandas as pd
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.claims.evidence import published_numbers
from grd.reporting.tables import make_table, write_table

project = Project.load()
layout = Layout.of(project)
for number, run in enumerate(project.runs("table7")):
    path, segmenter = layout.scores(run), project.dataset(run.dataset).first_segmenter
    path.parent.mkdir(parents=True, exist_ok=True)
    scores = {"segmenter": segmenter, "image": ["a", "b"], "sbd": [number / 100, number / 100], "dic": [1, 2]}
    pd.DataFrame(scores).to_csv(path, index=False)
write_table(make_table("table7", project, layout), *(Path(f"table7.{form}") for form in ("csv", "tex", "md", "html")))
print(json.dumps(sum(key[0] == "table7" for key in published_numbers(project.published))))
"""
KEYS = """
import json
from pathlib import Path
from grd.project.project import Project
from grd.provenance.job_keys import Job, Keys

project = Project.load()
keys = Keys(project, Path("workflow/scripts"))
jobs = [Job("table", experiment=name) for name in project.tables] + [Job("figure", experiment=name) for name in project.figures]
print(json.dumps({job.experiment: keys.key(job) for job in jobs}))
"""


def renumbered(text):
    """A text on Table IV or Figure 2 as one on Table VII or Figure 7."""
    for before, after in NUMBERS.items():
        text = text.replace(before, after)
    return text


def add_copies(folder):
    """Add Table VII, a copy of Table IV, and Figure 7, a copy of Figure 2, to a project."""
    experiments, published = folder / "config/experiments.yaml", folder / "config/published.yaml"
    entries, numbers = yaml.safe_load((ROOT / "config/experiments.yaml").read_text()), yaml.safe_load(published.read_text())
    copies = {"table7": entries["table4"] | {"number": "VII"}, "figure7": entries["figure2"] | {"number": "7"}}
    experiments.write_text(experiments.read_text() + yaml.safe_dump(copies))
    published.write_text(published.read_text() + yaml.safe_dump({"table7": numbers["table4"]}))
    for module in ("tables/table4", "figures/figure2"):
        for path in (f"src/grd/reporting/{module}.py", f"workflow/report/{module.split('/')[1]}.rst"):
            (folder / renumbered(path)).write_text(renumbered((folder / path).read_text()))


def output_of(pipeline, script):
    """The JSON that a script prints which uses the copy's code and configuration."""
    variables = os.environ | {"PYTHONPATH": str(pipeline.folder / "src")}
    command = [sys.executable, "-c", script]
    return json.loads(subprocess.run(command, cwd=pipeline.folder, env=variables, capture_output=True, check=True).stdout)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the project with another table and figure, and the keys of all tables and figures before and after."""
    pipeline = Pipeline(tmp_path_factory.mktemp("extended"))
    before = output_of(pipeline, KEYS)
    add_copies(pipeline.folder)
    return pipeline, before, output_of(pipeline, KEYS)


def test_a_new_table_or_figure_changes_no_other(extended):
    _, before, after = extended
    assert after.keys() - before.keys() == {"table7", "figure7"}
    assert {name: after[name] for name in before} == before


def test_a_new_table_is_set_from_scores_beside_its_printed_numbers(extended):
    pipeline, *_ = extended
    assert output_of(pipeline, WRITE_TABLE) == 6 * 2  # numbers that claims can be about
    table = (pipeline.folder / "table7.md").read_text()
    assert "**Table VII. " in table and "| + AGD, inter | ✓ | ✓ | ✓ | ✓ | ✓ | 5.0 (86.0) | 1.50 (1.10) |" in table
    assert all((pipeline.folder / f"table7.{form}").stat().st_size > 500 for form in ("csv", "tex", "html"))


@pytest.mark.slow
def test_snakemake_plans_a_new_table_and_figure_with_all_that_shows_them(extended):
    pipeline, *_ = extended
    planned = pipeline.planned("table7", "figure7")
    assert {"Setting table7", "Drawing figure7"} <= planned and not {
        "Setting table4",
        "Drawing figure2",
        "Checking the paper's claims",
    } & planned
    planned = pipeline.planned("report", "document")
    assert {"Setting table7", "Drawing figure7", "Checking the paper's claims", "Writing reproduction.tex"} <= planned
