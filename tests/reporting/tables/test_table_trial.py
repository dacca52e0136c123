"""The trial's table: four rows of Table II, beside its printed numbers."""

from pathlib import Path

import pandas as pd
import yaml

from grd.project.groups import all_groups
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.tables import make_table

CONFIG = Path(__file__).parents[3] / "config"


def project(scale):
    return Project.load(CONFIG, yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": scale})


def test_four_rows_stand_beside_the_numbers_of_table_2(tmp_path):
    layout, trial = Layout(tmp_path, tmp_path), project("trial")
    for number, run in enumerate(trial.runs("table_trial")):
        layout.run(run).mkdir(parents=True)
        scores = {"segmenter": "mutex", "image": ["a", "b"], **dict.fromkeys(("aji", "dice", "f1", "pq"), 0.5 + number / 10)}
        pd.DataFrame(scores).to_csv(layout.scores(run), index=False)
    table = make_table("table_trial", trial, layout)
    assert list(table.rows) == ["T: ResUNet", "S: ResUNet-tiny", "+ BISKD", "+ GRD"]
    printed = trial.published["table2"]["celegans"]["resunet_tiny-grd-resunet"]
    cells = dict(zip([column.metric for column in table.columns], table.rows["+ GRD"], strict=True))
    assert (cells["pq"].mean, cells["pq"].published) == (0.8, printed["pq"])
    assert cells["f1"].published == printed["dice"]  # the paper's columns are exchanged
    assert table.banner == ""


def test_its_students_train_together_and_without_others_at_its_own_scale_alone():
    students = {run for run in project("trial").runs("table_trial") if run.teacher}
    (group,) = (group for group in all_groups(project("trial")) if students & set(group.students))
    assert set(group.students) == students
    (group,) = (group for group in all_groups(project("demo")) if students & set(group.students))
    assert len(group.students) == 10  # two students by five methods
