import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grd.data.store import write_labels
from grd.layout import Layout
from grd.reporting.table import Cell, Table, as_csv, as_markdown, as_tex, best_rows, blocks
from grd.reporting.tables import table1, table2, table3
from grd.reporting.titles import row_titles
from grd.runs import Project, Run

CONFIG = Path(__file__).parents[2] / "config"


def project(seeds=(0,)):
    general = {"scale": "demo", "seeds": list(seeds)}
    return Project.load(CONFIG, general)


METRICS = ("sbd", "dic", "aji", "f1", "pq", "dice")


def scored(tmp_path, project):
    """Scores for every run of Table II: each metric is a number that tells run and metric; times for every run of Table I."""
    layout = Layout(tmp_path, tmp_path)
    for number, run in enumerate(project.runs("table2")):
        for segmenter in project.dataset(run.dataset).segmenters:
            values = {name: [number / 1000 + i / 100 - 0.01, number / 1000 + i / 100 + 0.01] for i, name in enumerate(METRICS)}
            write(layout.scores(run, segmenter), {"image": ["a", "b"], **values})
    for run in project.runs("table1"):
        times = {"forward": [1.0, 3.0], "end_to_end": [4.0, 6.0]}
        images = {"cvppp": 2, "cremi_c": 1}[run.dataset]
        write(layout.timing(run), {**times, "images": images, "device": "CPU, 2 threads"})
    return layout


def partitioned(tmp_path, project):
    """Scores and labels for every run of Table III: the n-th run has VOI 2 - n / 100 by waterz, half of that by multicut."""
    layout = Layout(tmp_path, tmp_path)
    for number, run in enumerate(project.runs("table3")):
        voi = 2 - number / 100
        for segmenter, share in (("waterz", 1), ("multicut", 0.5)):
            write(layout.scores(run, segmenter), {"image": ["a"], "voi": [voi * share], "arand": [voi * share / 2]})
            attributes = {"threshold": 0.5 + number / 100} if segmenter == "waterz" else {}
            write_labels(layout.labels(run, segmenter), ["a"], np.ones((1, 2, 2, 2), int), **attributes)
    return layout


def write(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(path, index=False)


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
    assert table.rows["MobileNet as the paper counted it"][0].text() == "4.79 (4.79)"
    assert table.rows["T2: NestedUNet"][0].text() == "36.63 (36.36)"
    assert any("exchanged digits" in note for note in table.notes) and any("1000 outputs" in note for note in table.notes)


def test_table_1_has_the_networks_of_volumes_at_their_own_size(tmp_path):
    table = table1(project(), scored(tmp_path, project()))
    assert [cell.text() for cell in table.rows["T: MALA"][:2]] == ["84.02 (84.02)", "367.07 (367.04)"]
    assert [cell.text() for cell in table.rows["S: MALA-tiny"][:2]] == ["0.37 (0.37)", "22.01 (22.01)"]
    assert table.rows["MALA as the paper counted it"][1].text() == "367.04 (367.04)"
    assert table.rows["S: MALA-tiny"][3].text() == "2.00 ± 1.41 (2.70)"
    (measured,) = (note for note in table.notes if note.startswith("MALA, MALA-tiny"))
    assert "test volumes of CREMI-C: 1" in measured and "canvas 36 x 116 x 116" in measured


def test_table_3_has_two_segmentations_of_four_volumes_by_seven_networks(tmp_path):
    table = table3(project(), partitioned(tmp_path, project()))
    assert list(table.rows) == ["T: MALA", "S: MALA-tiny", "+ AT", "+ SPKD", "+ ReKD", "+ BISKD", "+ GRD (ours)"]
    assert list(table.groups.items()) == [("AC3/4", 4), ("CREMI-A", 4), ("CREMI-B", 4), ("CREMI-C", 4)]
    assert [name for _, name in table.columns[:4]] == ["Waterz VOI ↓", "Waterz ARAND ↓", "LMC VOI ↓", "LMC ARAND ↓"]
    assert [cell.text() for cell in table.rows["T: MALA"][:3]] == ["2.000 (1.296)", "1.000 (0.115)", "1.000 (1.261)"]
    assert table.rows["+ GRD (ours)"][15].published == 0.102


def test_the_lowest_voi_among_the_methods_is_bold(tmp_path):
    table = table3(project(), partitioned(tmp_path, project()))
    assert best_rows(table) == {("+ GRD (ours)", column) for column in range(16)}


def test_table_3_lists_the_thresholds_that_labels_files_tell(tmp_path):
    table = table3(project(), partitioned(tmp_path, project()))
    (note,) = (note for note in table.notes if "thresholds" in note)
    assert note.startswith("Waterz thresholds") and "AC3/4 0.5, 0.51, 0.52, 0.53, 0.54, 0.55, 0.56; CREMI-A 0.57" in note


def test_a_cell_of_a_run_that_the_experiment_lacks_is_empty(tmp_path):
    whole = project()
    experiment = whole.experiments["table3"]
    rows = [experiment.runs[0].model_copy(update={"datasets": ["ac34"]}), *experiment.runs[1:]]
    part = replace(whole, experiments={**whole.experiments, "table3": experiment.model_copy(update={"runs": rows})})
    cells = table3(part, partitioned(tmp_path, part)).rows["T: MALA"]
    assert all(isinstance(cell, Cell) for cell in cells[:4]) and cells[4:] == [""] * 12


def test_teachers_and_students_are_counted_apart_for_images_and_volumes():
    runs = [Run("cvppp", "resunet"), Run("cvppp", "resunet_tiny"), Run("cvppp", "resunet_tiny", "at", "resunet")]
    runs += [Run("ac34", "mala"), Run("ac34", "mala_tiny"), Run("ac34", "mala_tiny", "at", "mala"), Run("cvppp", "mobilenet_v2")]
    assert list(row_titles(runs).values()) == [
        *("T: ResUNet", "S: ResUNet-tiny", "+ AT", "T: MALA", "S: MALA-tiny", "+ AT", "MobileNet"),
    ]


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


def wide(*groups):
    columns = [(name, f"{name}{n} ↑") for name, width in groups for n in range(width)]
    return Table("A caption.", columns, {"+ A": [Cell(n, None, None, 0) for n in range(len(columns))]}, ["A note."])


def test_a_wide_table_goes_on_below_after_a_whole_group():
    assert [list(block.groups) for block in blocks(wide(("a", 4), ("b", 4), ("c", 4)))] == [["a", "b"], ["c"]]
    assert [len(block.columns) for block in blocks(wide(("a", 12), ("b", 1)))] == [12, 1]
    assert len(blocks(wide(("a", 5), ("b", 5)))) == 1


def test_both_texts_of_a_wide_table_have_every_column_once_under_one_caption():
    table = wide(("a", 4), ("b", 4), ("c", 4))
    for text in (as_markdown(table), as_tex(table)):
        assert text.count("A caption.") == text.count("A note.") == 1 and text.count("+ A") == 2
        assert all(text.count(name[:2]) >= 1 for _, name in table.columns)
    assert r"\begin{tabular}{lcccccccc}" in as_tex(table) and as_tex(table).count(r"\toprule") == 2
