import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grd.layout import Layout
from grd.reporting.table import Cell, Table, as_csv, as_markdown, as_tex, best_rows
from grd.reporting.tables import table1, table2
from grd.runs import Project

CONFIG = Path(__file__).parents[2] / "config"


def project(seeds=(0,)):
    general = {"scale": "demo", "seeds": list(seeds)}
    return Project.load(CONFIG, general)


def scored(tmp_path, project):
    """Scores for every run of Table II: each metric is a number that tells run and metric."""
    layout = Layout(tmp_path, tmp_path)
    for number, run in enumerate(project.runs("table2")):
        for segmenter in project.dataset(run.dataset).segmenters:
            path = layout.scores(run, segmenter)
            path.parent.mkdir(parents=True)
            values = {name: [number / 1000 + i / 100 - 0.01, number / 1000 + i / 100 + 0.01] for i, name in enumerate(METRICS)}
            pd.DataFrame({"image": ["a", "b"], **values}).to_csv(path, index=False)
        if run.dataset == "cvppp":
            times = {"forward": [1.0, 3.0], "end_to_end": [4.0, 6.0], "images": 2, "device": "CPU, 2 threads"}
            pd.DataFrame(times).to_csv(layout.timing(run), index=False)
    return layout


METRICS = ("sbd", "dic", "aji", "f1", "pq", "dice")


def test_table_2_has_every_row_and_column_of_the_paper(tmp_path):
    table = table2(project(), scored(tmp_path, project()))
    assert len(table.rows) == 24 and len(table.columns) == 10
    assert list(table.rows)[:5] == ["T1: ResUNet", "T2: NestedUNet", "S1: ResUNet-tiny", "S2: MobileNet", "T1 & S1 + AT"]
    assert list(table.rows)[-1] == "T2 & S2 + GRD (ours)"
    assert [group for group, _ in table.columns] == ["CVPPP A1"] * 2 + ["C. elegans"] * 4 + ["BBBC039V1"] * 4


def test_a_cell_is_the_mean_over_images_in_the_table_s_unit(tmp_path):
    table = table2(project(), scored(tmp_path, project()))
    sbd, dic = table.rows["T1: ResUNet"][:2]
    assert (sbd.mean, sbd.published) == (pytest.approx(0.0), 88.6)
    assert (dic.mean, dic.published) == (pytest.approx(0.01), 1.15)
    assert sbd.sd is None


def test_published_dice_and_f1_stand_under_their_true_names(tmp_path):
    table = table2(project(), scored(tmp_path, project()))
    cells = dict(zip([name.split(" ↑")[0] for _, name in table.columns[2:6]], table.rows["T1: ResUNet"][2:6], strict=True))
    assert cells["F1 (objects)"].published == 0.916  # printed under Dice
    assert cells["Dice (pixels)"].published == 0.931  # printed under F1


def test_several_seeds_give_mean_and_sd(tmp_path):
    seeds = (0, 1, 2)
    layout = scored(tmp_path, project(seeds))
    cell = table2(project(seeds), layout).rows["T1: ResUNet"][1]
    runs = [run for run in project(seeds).runs("table2") if run.stem == "resunet" and run.dataset == "cvppp"]
    numbers = [project(seeds).runs("table2").index(run) / 1000 + 0.01 for run in runs]
    assert (cell.mean, cell.sd) == (pytest.approx(np.mean(numbers)), pytest.approx(np.std(numbers, ddof=1)))
    assert "±" in cell.text()


def test_table_1_counts_the_paper_s_networks_and_times_the_trained(tmp_path):
    table = table1(project(), scored(tmp_path, project()))
    parameters, macs, _, forward, whole, *_ = table.rows["T1: ResUNet"]
    assert parameters.text() == "33.61 (33.61)" and macs.text() == "582.97 (582.97)"
    assert forward.text() == "2.00 ± 1.41 (2.00)" and (whole.mean, whole.published) == (5.0, None)
    assert table.rows["S2: MobileNet"][0].text() == "2.26 (4.79)"
    assert table.rows["S2 as the paper counted it"][0].text() == "4.79 (4.79)"
    assert table.rows["T2: NestedUNet"][0].text() == "36.63 (36.36)"
    assert any("exchanged digits" in note for note in table.notes) and any("1000 outputs" in note for note in table.notes)


def small():
    rows = {
        "T1 & S1 + A": [Cell(0.5, None, 0.4, 1), Cell(2.0, None, None, 2)],
        "T1 & S1 + B": [Cell(0.9, None, 0.4, 1), Cell(3.0, None, None, 2)],
        "S1: alone": [Cell(5.0, None, 0.4, 1), ""],
    }
    return Table("A caption.", [("Data_1", "PQ ↑"), ("Data_1", "|DiC| ↓")], rows, ["A note."])


def test_the_best_of_a_pair_is_bold_by_the_direction_of_its_metric():
    assert best_rows(small()) == {("T1 & S1 + B", 0), ("T1 & S1 + A", 1)}
    markdown = as_markdown(small())
    assert "| T1 & S1 + B | **0.9** (0.4) | 3.00 (–) |" in markdown
    assert "|DiC|" not in markdown and "\\|DiC\\|" in markdown


def test_the_csv_is_long_and_unrounded():
    lines = as_csv(small()).splitlines()
    assert lines[0] == "row,group,column,ours,sd,published" and len(lines) == 1 + 5
    assert lines[1] == "T1 & S1 + A,Data_1,PQ ↑,0.5,,0.4"


def test_the_tex_escapes_and_balances():
    tex = as_tex(small())
    assert r"Data\_1" in tex and r"T1 \& S1 + B & \textbf{0.9} (0.4)" in tex
    assert tex.count("{") == tex.count("}")
    for environment in ("table*", "tabular"):
        assert tex.count(rf"\begin{{{environment}}}") == tex.count(rf"\end{{{environment}}}") == 1
    assert not re.search(r"[↑↓±–]", tex)
