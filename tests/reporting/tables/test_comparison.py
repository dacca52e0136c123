"""Tables that are not the paper's: numbers alone where nothing is printed, else beside it; their module makes several tables."""

import re
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from apply.own_data import copy_project, write_pairs

from grd.apply.own_dataset import import_folders
from grd.config.parsing import read_yaml
from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting import check_modules
from grd.reporting.formats.html import as_html
from grd.reporting.formats.markdown import as_markdown
from grd.reporting.tables import make_table


@pytest.fixture
def own(tmp_path, monkeypatch):
    copy_project(tmp_path, monkeypatch)
    import_folders("mine", *write_pairs(tmp_path / "own"))
    return Project.load(config=yaml.safe_load((tmp_path / "config/config.yaml").read_text()) | {"scale": "own"})


def test_rows_are_teacher_student_and_taught_student_with_numbers_alone(own, tmp_path):
    layout = Layout(tmp_path, tmp_path)
    for number, run in enumerate(own.runs("table_mine")):
        layout.run(run).mkdir(parents=True)
        scores = {"segmenter": "learned", "image": ["a", "b"], **dict.fromkeys(("aji", "dice", "f1", "pq"), 0.5 + number / 10)}
        pd.DataFrame(scores).to_csv(layout.scores(run), index=False)
    table = make_table("table_mine", own, layout)
    assert table.caption == "mine: scores on the test data."
    text = as_markdown(table)
    assert "| T: ResUNet | 0.500 | 0.500 | 0.500 | 0.500 |" in text and "| + GRD | 0.700 |" in text
    page = as_html(table)
    assert "(–)" not in text and '<button type="button" data-show' not in page and not re.search(r'class="published"', page)


def test_printed_numbers_of_its_own_stand_beside_those_of_a_table_under_their_own_names(own, tmp_path):
    layout = Layout(tmp_path, tmp_path)
    numbers = {"aji": 0.1, "dice": 0.2, "f1": 0.3, "pq": 0.4}
    for run in own.runs("table_mine"):
        layout.run(run).mkdir(parents=True)
        scores = {"segmenter": "learned", "image": ["a"], **dict.fromkeys(numbers, 0.5)}
        pd.DataFrame(scores).to_csv(layout.scores(run), index=False)
    text = as_markdown(
        make_table("table_mine", replace(own, published={"table_mine": {"mine": {"resunet_tiny": numbers}}}), layout)
    )
    order = own.datasets["mine"].metrics
    assert f"| S: ResUNet-tiny | {' | '.join(f'0.500 ({numbers[name]:.3f})' for name in order)} |" in text
    assert "reproduced (published)" in text and "Table II" not in text


def test_a_module_that_is_not_there_is_refused(own, tmp_path):
    check_modules(own)
    path = tmp_path / "config/experiments.yaml"
    path.write_text(path.read_text().replace("module: comparison", "module: comparisom"))
    project = Project.load(config=read_yaml(tmp_path / "config/config.yaml"))
    with pytest.raises(GrdError, match=r"expected .*comparisom\.py with a function comparisom, found none; write it"):
        check_modules(project)
