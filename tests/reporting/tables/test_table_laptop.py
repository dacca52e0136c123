"""Table II at scale laptop: rows of several seeds beside rows of one."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.tables import make_table

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture(scope="module")
def laptop():
    return Project.load(CONFIG, yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": "laptop"})


def test_rows_have_the_seeds_that_their_entry_names(laptop):
    seeds = {}
    for run in laptop.runs("table_laptop"):
        seeds.setdefault((run.dataset, run.stem), []).append(run.seed)
    assert seeds["celegans", "resunet_tiny-grd-resunet"] == [0, 1, 2]
    assert seeds["celegans", "resunet_tiny-at-resunet"] == [0]


def test_rows_of_several_seeds_have_an_sd_and_rows_of_one_have_none(laptop, tmp_path):
    layout = Layout(tmp_path, tmp_path)
    for number, run in enumerate(laptop.runs("table_laptop")):
        layout.run(run).mkdir(parents=True)
        scores = {"segmenter": "mutex", "image": ["a", "b"], **dict.fromkeys(("aji", "dice", "f1", "pq"), number / 100)}
        pd.DataFrame(scores).to_csv(layout.scores(run), index=False)
    table = make_table("table_laptop", laptop, layout)
    assert all(cell.sd is not None for cell in table.rows["T & S1 + GRD"])
    assert all(cell.sd is None for cell in table.rows["T & S1 + AT"])
    assert "mean ± sd over seeds 0, 1, 2 where an sd stands, else one run per cell, seed 0" in table.notes[0]
