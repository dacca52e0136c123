import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grd.config.experiments import RunRow
from grd.data.store import write_labels
from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import TWINS_NOTE, Project
from grd.project.run import Run
from grd.project.titles import row_titles
from grd.reporting.formats.csv import as_csv
from grd.reporting.formats.html import as_html
from grd.reporting.formats.markdown import as_markdown
from grd.reporting.formats.tex import as_tex, tex_text
from grd.reporting.significance import best_cells, bold_note, holm, leads
from grd.reporting.table import Cell, Column, Table, blocks
from grd.reporting.tables.table1 import table1
from grd.reporting.tables.table2 import table2
from grd.reporting.tables.table3 import table3
from grd.reporting.tables.table4 import table4
from grd.reporting.tables.table5 import table5
from grd.reporting.tables.table6 import table6

CONFIG = Path(__file__).parents[3] / "config"


def project(seeds=(0,)):
    general = {"scale": "demo", "seeds": list(seeds)}
    return Project.load(CONFIG, general)


METRICS = ("sbd", "dic", "aji", "f1", "pq", "dice")


def scored(tmp_path, project):
    """Scores that differ by run and metric, for every run of images; times for every run of Table I."""
    layout = Layout(tmp_path, tmp_path)
    for number, run in enumerate(project.runs("table2", "table4", "table5", "table6")):
        segmenter = project.dataset(run.dataset).first_segmenter
        values = {name: [number / 1000 + i / 100 - 0.01, number / 1000 + i / 100 + 0.01] for i, name in enumerate(METRICS)}
        write(layout.scores(run), {"segmenter": segmenter, "image": ["a", "b"], **values})
    for run in project.runs("table1"):
        times = {"forward": [1.8, 2.2], "end_to_end": [4.0, 6.0]}
        images = {"cvppp": 2, "cremi_c": 1}[run.dataset]
        write(layout.timing(run), {**times, "images": images, "device": "CPU, 2 threads"})
    return layout


def partitioned(tmp_path, project):
    """Scores and labels for every run of Table III: the n-th run has VOI 2 - n / 100 by waterz, half of that by multicut."""
    layout = Layout(tmp_path, tmp_path)
    for number, run in enumerate(project.runs("table3")):
        voi = 2 - number / 100
        both = {"segmenter": ["waterz", "multicut"], "voi": [voi, voi / 2], "arand": [voi / 2, voi / 4]}
        write(layout.scores(run), {**both, "image": "a"})
        labels = dict.fromkeys(both["segmenter"], np.ones((1, 2, 2, 2), int))
        write_labels(layout.labels(run), ["a"], labels, {"waterz": {"threshold": 0.5 + number / 100}})
    return layout


def write(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(path, index=False)


def test_table_2_has_every_row_and_column_of_the_paper(tmp_path):
    table = table2(project(), scored(tmp_path, project()))
    assert len(table.rows) == 24 and len(table.columns) == 10
    assert list(table.rows)[:5] == ["T1: ResUNet", "T2: NestedUNet", "S1: ResUNet-tiny", "S2: MobileNet", "T1 & S1 + AT"]
    assert list(table.rows)[-1] == "T2 & S2 + GRD"
    assert [column.group for column in table.columns] == ["CVPPP A1"] * 2 + ["C. elegans"] * 4 + ["BBBC039V1"] * 4


def test_a_cell_is_the_mean_over_images_in_the_table_s_unit(tmp_path):
    table = table2(project(), scored(tmp_path, project()))
    sbd, dic = table.rows["T1: ResUNet"][:2]
    assert (sbd.mean, sbd.published) == (pytest.approx(0.0), 88.6)
    assert table.rows["T2: NestedUNet"][0].mean == pytest.approx(100 * 0.001)
    assert (dic.mean, dic.published) == (pytest.approx(0.01), 1.15)
    assert sbd.sd is None


def test_published_dice_and_f1_stand_under_their_true_names(tmp_path):
    table = table2(project(), scored(tmp_path, project()))
    cells = dict(zip([column.name.split(" ↑")[0] for column in table.columns[2:6]], table.rows["T1: ResUNet"][2:6], strict=True))
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


@pytest.mark.parametrize("own", [(1, 2), (1,)])
def test_rows_may_have_other_seeds_than_the_configuration_in_every_table(tmp_path, own):
    plain = project()
    rows = {
        name: shown.model_copy(update={"runs": [row.model_copy(update={"seeds": list(own)}) for row in shown.runs]})
        for name, shown in plain.experiments.items()
    }
    seeded = replace(plain, experiments=rows)
    note = "mean ± sd over seeds 1, 2." if len(own) > 1 else "one run per cell, seed 1."
    layouts = both(tmp_path / "plain", plain), both(tmp_path / "seeded", seeded)
    for make in (table1, table2, table3, table4, table5, table6):
        before, after = map(make, (plain, seeded), layouts)
        assert list(before.rows) == list(after.rows) and after.notes[0].endswith(note)


def both(tmp_path, project):
    scored(tmp_path, project)
    return partitioned(tmp_path, project)


def test_table_1_counts_the_paper_s_networks_and_times_the_trained(tmp_path):
    table = table1(project(), scored(tmp_path, project()))
    parameters, macs, _, forward, whole, *_ = table.rows["T1: ResUNet"]
    assert parameters.text() == "33.61 (33.61)" and macs.text() == "582.97 (582.97)"
    assert forward.text() == "2.00 ± 0.28 (2.00)" and (whole.mean, whole.published) == (5.0, None)
    assert table.rows["S2: MobileNet"][0].text() == "2.26 (4.79)"
    assert table.rows["MobileNet as the paper counted it"][0].text() == "4.79 (4.79)"
    assert table.rows["T2: NestedUNet"][0].text() == "36.63 (36.36)"
    assert any("exchanged digits" in note for note in table.notes) and any("1000 outputs" in note for note in table.notes)


@pytest.mark.parametrize(
    ("forward", "whole", "doubtful"),
    [
        ([1.8, 2.2], [4.0, 6.0], (False, False)),
        ([1.0, 3.1], [4.0, 6.0], (True, False)),  # an sd of 1.5 beside a mean of 2.05
        ([6.0, 7.0], [4.0, 6.0], (True, True)),  # the network alone takes longer than all steps together
    ],
)
def test_a_time_that_its_repeats_contradict_is_marked(tmp_path, forward, whole, doubtful):
    layout = scored(tmp_path, project())
    write(
        layout.timing(Run("cvppp", "resunet")), {"forward": forward, "end_to_end": whole, "images": 2, "device": "CPU, 2 threads"}
    )
    table = table1(project(), layout)
    cells = table.rows["T1: ResUNet"][3:5]
    assert tuple(cell.doubtful for cell in cells) == tuple(" ?" in cell.text() for cell in cells) == doubtful
    assert any(note.startswith("? marks a time") for note in table.notes) == any(doubtful)
    assert (" ? (" in as_markdown(table)) == (" ? (" in as_tex(table)) == (">?</span>" in as_html(table)) == any(doubtful)


def test_times_of_different_devices_are_marked_and_each_is_named(tmp_path):
    layout = scored(tmp_path, project())
    times = {"forward": [1.8, 2.2], "end_to_end": [4.0, 6.0]}
    write(layout.timing(Run("cvppp", "resunet_tiny")), {**times, "images": 2, "device": "a GPU"})
    table = table1(project(), layout)
    for row, doubtful in (("T1: ResUNet", True), ("S1: ResUNet-tiny", True), ("T: MALA", False)):
        assert [cell.doubtful for cell in table.rows[row][3:5]] == [doubtful] * 2
    (measured,) = (note for note in table.notes if "measured on a GPU" in note)
    assert measured.startswith(
        "ResUNet, NestedUNet, MobileNet: measured on CPU, 2 threads; ResUNet-tiny: measured on a GPU; test"
    )
    assert measured.endswith(
        "CVPPP A1: the mutex watershed is given the ground truth's foreground, as in the authors' released evaluation."
    )


def test_table_1_has_the_networks_of_volumes_at_their_own_size(tmp_path):
    table = table1(project(), scored(tmp_path, project()))
    assert [cell.text() for cell in table.rows["T: MALA"][:2]] == ["84.02 (84.02)", "367.07 (367.04)"]
    assert [cell.text() for cell in table.rows["S: MALA-tiny"][:2]] == ["0.37 (0.37)", "22.01 (22.01)"]
    assert table.rows["MALA as the paper counted it"][1].text() == "367.04 (367.04)"
    assert table.rows["S: MALA-tiny"][3].text() == "2.00 ± 0.28 (2.70)"
    (measured,) = (note for note in table.notes if note.startswith("MALA, MALA-tiny"))
    assert "test volumes of CREMI-C: 1" in measured and "canvas 36 x 116 x 116" in measured


def test_table_1_says_how_many_passes_were_timed_and_gives_no_sd_of_a_single_one(tmp_path):
    layout = scored(tmp_path, project())
    for network, seconds in {"resunet": [2.0, 3.0, 4.0], "mala": [5.0]}.items():
        (run,) = (run for run in project().runs("table1") if run.network == network)
        write(layout.timing(run), {"forward": seconds, "end_to_end": seconds, "images": 2, "device": "CPU, 2 threads"})
    table = table1(project(), layout)
    assert table.rows["T1: ResUNet"][3].text() == "3.00 ± 1.00 (2.00)"
    assert [cell.text() for cell in table.rows["T: MALA"][3:5]] == ["5.00 (53.50)", "5.00 (–)"]
    assert "Timed passes: ResUNet 3, NestedUNet 2, ResUNet-tiny 2, MobileNet 2, MALA 1, MALA-tiny 2." in table.notes


def test_table_3_has_two_segmentations_of_four_volumes_by_seven_networks(tmp_path):
    table = table3(project(), partitioned(tmp_path, project()))
    assert list(table.rows) == ["T: MALA", "S: MALA-tiny", "+ AT", "+ SPKD", "+ ReKD", "+ BISKD", "+ GRD"]
    assert table.groups == [("AC3/4", 4), ("CREMI-A", 4), ("CREMI-B", 4), ("CREMI-C", 4)]
    assert [column.name for column in table.columns[:4]] == ["Waterz VOI ↓", "Waterz ARAND ↓", "LMC VOI ↓", "LMC ARAND ↓"]
    assert [cell.text() for cell in table.rows["T: MALA"][:3]] == ["2.000 (1.296)", "1.000 (0.115)", "1.000 (1.261)"]
    assert table.rows["+ GRD"][15].published == 0.102


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


def test_rows_keep_the_order_of_the_experiment_whatever_data_sets_they_are_for(tmp_path):
    whole = project()
    runs = [row.model_copy(update={"datasets": ["cvppp"]}) if row.teacher else row for row in whole.experiments["table2"].runs]
    runs[3] = runs[3].model_copy(update={"datasets": ["cvppp", "celegans"]})
    experiments = {**whole.experiments, "table2": whole.experiments["table2"].model_copy(update={"runs": runs})}
    part = replace(whole, experiments=experiments)
    assert list(table2(part, scored(tmp_path, part)).rows) == list(table2(whole, scored(tmp_path, whole)).rows)


def test_teachers_and_students_are_counted_apart_for_images_and_volumes():
    runs = [Run("cvppp", "resunet"), Run("cvppp", "resunet_tiny"), Run("cvppp", "resunet_tiny", "at", "resunet")]
    runs += [Run("ac34", "mala"), Run("ac34", "mala_tiny"), Run("ac34", "mala_tiny", "at", "mala"), Run("cvppp", "mobilenet_v2")]
    assert list(row_titles(runs).values()) == [
        *("T: ResUNet", "S: ResUNet-tiny", "+ AT", "T: MALA", "S: MALA-tiny", "+ AT", "MobileNet"),
    ]


def cell(*seeds, digits=1, published=None):
    """A cell of images' scores, a list for each seed."""
    samples = np.array(seeds, float)
    sd = samples.mean(1).std(ddof=1) if len(seeds) > 1 else None
    return Cell(samples.mean(), sd, published, digits, dict(enumerate(samples)))


def small(seeds=3):
    """Two methods that compete and a student that does not; B has the higher PQ on every image, the counts are alike."""
    lead = np.arange(1, 8 * seeds + 1).reshape(seeds, 8) / 100
    rows = {
        "A": [cell(*(0 * lead + 0.4), published=0.4), cell(*[[1, 2] * 4] * seeds, digits=2)],
        "B": [cell(*(lead + 0.4)), cell(*[[2, 1] * 4] * seeds, digits=2)],
        "C: alone": [Cell(5.0, None, 0.4, 1), ""],
    }
    columns = [Column("Data_1", "PQ ↑", "pq", "data", "mutex"), Column("Data_1", "|DiC| ↓", "dic", "data", "mutex")]
    return Table("A caption.", columns, rows, ["A note."], {"A": "net-a-net", "B": "net-b-net"}, [["A", "B"]])


def test_bold_is_the_best_where_pairs_of_images_and_seeds_tell_it_from_the_second():
    assert best_cells(small()) == {("B", 0)}
    found = leads(small())
    assert found["B", 0].p == pytest.approx(2 * 0.5**24)  # 24 differences of one sign, the smaller p of two comparisons
    assert found["A", 1].p > 0.4  # as many better as worse
    markdown = as_markdown(small())
    assert "| B | **0.5 ± 0.1 (–)** | 1.50 ± 0.00 (–) |" in markdown
    assert "|DiC|" not in markdown and "\\|DiC\\|" in markdown


def test_p_is_corrected_for_the_number_of_comparisons():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])  # 3 x 0.01, then 2 x 0.03, then no less than that
    assert holm([0.7, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_a_lead_that_is_one_of_many_comparisons_is_not_bold():
    lead = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]) / 100  # 5 differences of one sign: p = 1 / 32
    cells = [cell(*(0 * lead + 0.4)), cell(*(lead + 0.4))]
    columns = [Column("Data", f"PQ{number} ↑") for number in range(2)]
    alone = Table("A caption.", columns[:1], {"A": cells[:1], "B": cells[1:]}, [], contests=[["A", "B"]])
    twice = replace(alone, columns=columns, rows={"A": cells[:1] * 2, "B": cells[1:] * 2})
    assert best_cells(alone) == {("B", 0)} and best_cells(twice) == set()


def test_a_banner_stands_between_caption_and_rows_in_every_text():
    table = replace(small(), banner="50 % of this is synthetic.")
    texts = {as_markdown: "*50 % of this is synthetic.*", as_tex: r"\emph{50 \% of this is synthetic.}", as_html: ">50 % of this"}
    for form, banner in texts.items():
        text = form(table)
        assert text.count(banner) == 1 and text.rindex("A caption.") < text.index(banner) < text.index("Data")
    assert not any(mark in as_markdown(small()) + as_tex(small()) for mark in ("synthetic", "\n*", r"\emph"))
    assert 'class="banner"' not in as_html(small())


@pytest.mark.parametrize(("scale", "banner"), [("demo", TWINS_NOTE), ("single-gpu", "")])
def test_tables_of_twins_say_so_before_the_numbers_and_those_of_real_data_do_not(tmp_path, scale, banner):
    plan = Project.load(CONFIG, {"scale": scale, "seeds": [0]})
    layout = scored(tmp_path, plan)
    partitioned(tmp_path, plan)
    for table in (table1, table2, table3, table4, table5, table6):
        found = table(plan, layout)
        assert found.banner == banner and TWINS_NOTE not in found.notes


def test_a_single_seed_tells_nothing_and_says_so(tmp_path):
    assert leads(small(seeds=1)) == {} and "**" not in as_markdown(small(seeds=1)).replace("**A caption.**", "")
    assert "One seed: plain numbers, no cell is bold." in table2(project(), scored(tmp_path, project())).notes


def test_several_seeds_name_the_test(tmp_path):
    table = table2(project((0, 1)), scored(tmp_path, project((0, 1))))
    (note,) = (note for note in table.notes if note.startswith("Bold"))
    assert "one-sided Wilcoxon signed-rank test over pairs of images and seeds" in note and "Holm's correction" in note


def test_equal_cells_separate_nothing():
    table = small()
    same = replace(table, rows={**table.rows, "A": table.rows["B"]})
    assert leads(same)["A", 0] == (1.0, False) and best_cells(same) == set()


def test_a_mean_that_one_image_carries_is_no_lead():
    ahead = np.full((3, 8), -0.01)
    ahead[0, 0] = 1.0
    table = small()
    rows = {"A": [cell(*(0 * ahead + 0.4)), ""], "B": [cell(*(ahead + 0.4)), ""]}
    found = leads(replace(table, rows=rows))
    assert found["B", 0].p > 0.9 and best_cells(replace(table, rows=rows)) == set()


def test_a_lead_that_one_seed_lacks_is_not_bold():
    ahead = np.stack([np.arange(1, 9), np.arange(9, 17), -np.arange(1, 9) / 20]) / 100
    table = replace(small(), rows={"A": [cell(*(0 * ahead + 0.4)), ""], "B": [cell(*(ahead + 0.4)), ""]})
    assert leads(table)["B", 0].p < 0.05 and not leads(table)["B", 0].in_every_seed
    assert best_cells(table) == set()


def test_a_best_cell_of_one_seed_leaves_the_others_plain():
    table = small()
    contest = replace(table, rows={**table.rows, "D": [cell([0.9] * 8), ""]}, contests=[["A", "B", "D"]])
    assert ("B", 0) not in leads(contest) and best_cells(contest) == set()
    assert bold_note([(0,), (0, 1, 2)], "method").endswith("Where the best or the second best has one seed, none is bold.")


def test_seeds_are_paired_by_their_numbers():
    lead = np.arange(1, 25).reshape(3, 8) / 100
    both = {"A": [cell(*(0 * lead + 0.4)), ""], "B": [cell(*(lead + 0.4)), ""]}
    table = replace(small(), rows=both)
    fewer = replace(both["A"][0], samples={seed: both["A"][0].samples[seed] for seed in (2, 0)})
    found = leads(replace(table, rows={**both, "A": [fewer, ""]}))
    assert found["B", 0].p == pytest.approx(0.5**16)
    others = replace(both["A"][0], samples={seed + 3: scores for seed, scores in both["A"][0].samples.items()})
    assert leads(replace(table, rows={**both, "A": [others, ""]})) == {}


def test_only_methods_of_one_pair_compete(tmp_path):
    contests = table2(project(), scored(tmp_path, project())).contests
    assert [len(titles) for titles in contests] == [5] * 4
    assert contests[0] == [f"T1 & S1 + {name}" for name in ("AT", "SPKD", "ReKD", "BISKD", "GRD")]


def test_the_csv_is_long_and_unrounded_and_names_the_run():
    lines = as_csv(small()).splitlines()
    assert (
        lines[0] == "run,dataset,segmenter,metric,row,group,column,reproduced,sd,seeds,published,p,bold,doubtful"
        and len(lines) == 1 + 5
    )
    assert lines[1].startswith("net-a-net,data,mutex,pq,A,Data_1,PQ ↑,0.4") and lines[1].endswith(",0.4,,False,False")
    p, bold, _ = lines[3].rsplit(",", 3)[1:]
    assert float(p) < 1e-6 and bold == "True"


def test_the_tex_escapes_and_balances():
    tex = as_tex(small())
    assert r"Data\_1" in tex and r"B & \textbf{0.5 $\pm$ 0.1 (--)}" in tex and r"$|$DiC$|$ $\downarrow$" in tex
    assert tex.count("{") == tex.count("}")
    for environment in ("table*", "tabular"):
        assert tex.count(rf"\begin{{{environment}}}") == tex.count(rf"\end{{{environment}}}") == 1
    assert not re.search(r"[↑↓±–]", tex)


def test_every_special_character_is_escaped():
    assert tex_text(r"a_b & 50 % {x} \ #1 ~ ^") == (
        r"a\_b \& 50 \% \{x\} \textbackslash{} \#1 \textasciitilde{} \textasciicircum{}"
    )


def test_table_4_marks_the_terms_that_a_run_has(tmp_path):
    table = table4(project(), scored(tmp_path, project()))
    assert list(table.rows) == ["Student alone", "+ Node", "+ Edge", "+ AGD", "+ Edge, inter", "+ AGD, inter"]
    for number, cells in enumerate(table.rows.values()):
        assert cells[:5] == ["✓"] * number + ["×"] * (5 - number)
        assert [cells[5].published, cells[6].published] == [
            *[(71.9, 5.0), (76.5, 2.45), (79.4, 2.5), (84.7, 1.4), (85.2, 1.35), (86.0, 1.1)][number]
        ]


def test_table_5_has_the_weights_that_a_run_has(tmp_path):
    table = table5(project(), scored(tmp_path, project()))
    assert list(table.rows)[:3] == ["GRD", "λ1 = 1", "λ1 = 0.01"] and len(table.rows) == 11
    assert table.rows["GRD"][:5] == ["0.1", "0.1", "10", "1", "1"]
    assert table.rows["λ3 = 100"][:5] == ["0.1", "0.1", "100", "1", "1"]
    assert table.rows["λ5 = 0.1"][6].published == 0.8


def test_table_6_has_the_printed_parameters_and_macs_to_the_digit(tmp_path):
    table = table6(project(), scored(tmp_path, project()))
    printed = {"1/20": ("0.07", "1.50"), "1/15": ("0.17", "3.28"), "-tiny": ("0.30", "5.76"), "1/5": ("0.90", "17.31")}
    assert len(table.rows) == 8
    for title, (parameters, macs, *_) in table.rows.items():
        network = title.removeprefix("ResUNet").split()[0]
        assert (parameters.text(), macs.text()) == tuple(f"{number} ({number})" for number in printed[network]), title
    assert table.contests[0] == ["ResUNet 1/20 alone", "ResUNet 1/20 + GRD"] and len(table.contests) == 4


def with_row(project, experiment, **row):
    """The project with another row in one of its experiments."""
    before = project.experiments[experiment]
    longer = before.model_copy(update={"runs": [*before.runs, RunRow(**row)]})
    return replace(project, experiments={**project.experiments, experiment: longer})


PAIR = {"network": "mobilenet_v2", "teacher": "resunet"}


def test_a_changed_run_has_a_title_of_its_own(tmp_path):
    more = with_row(project(), "table5", **PAIR, methods=["grd"], changes={"node": 1, "queue_size": 8})
    assert list(table5(more, scored(tmp_path, more)).rows)[-1] == "λ1 = 1, queue_size = 8"
    more = with_row(project(), "table2", **PAIR, methods=["at"], changes={"attention": 9})
    assert "T1 & S2 + AT, attention 9" in table2(more, scored(tmp_path, more)).rows


def test_two_rows_of_one_title_are_refused(tmp_path):
    more = with_row(project(), "table4", **PAIR, methods=["biskd"], changes={"node": 0})
    with pytest.raises(GrdError, match=r"experiments\.yaml, table4: expected rows that differ, found several '\+ AGD'"):
        table4(more, scored(tmp_path, more))


def test_cells_that_tables_share_are_of_one_run(tmp_path):
    both = project()
    layout = scored(tmp_path, both)
    two, four, five, six = (table(both, layout) for table in (table2, table4, table5, table6))

    def run(table, title):
        return table.runs[title], table.rows[title][-2:] if table is not two else table.rows[title][:2]

    assert run(two, "S2: MobileNet") == run(four, "Student alone")
    assert run(two, "T1 & S2 + BISKD") == run(four, "+ AGD")
    assert run(two, "T1 & S2 + GRD") == run(four, "+ AGD, inter") == run(five, "GRD")
    assert run(two, "S1: ResUNet-tiny")[0] == run(six, "ResUNet-tiny alone")[0]
    assert run(two, "T1 & S1 + GRD")[0] == run(six, "ResUNet-tiny + GRD")[0]


def wide(*groups):
    columns = [Column(name, f"{name}{n} ↑") for name, width in groups for n in range(width)]
    return Table("A caption.", columns, {"+ A": [Cell(n, None, None, 0) for n in range(len(columns))]}, ["A note."])


def test_a_wide_table_goes_on_below_after_a_whole_group():
    assert wide(("a", 4), ("b", 2), ("a", 1)).groups == [("a", 4), ("b", 2), ("a", 1)]
    assert [[group for group, _ in block.groups] for block in blocks(wide(("a", 4), ("b", 4), ("c", 4)))] == [["a", "b"], ["c"]]
    assert [len(block.columns) for block in blocks(wide(("a", 12), ("b", 1)))] == [12, 1]
    assert len(blocks(wide(("a", 5), ("b", 5)))) == 1


def test_bold_is_decided_over_the_whole_table_in_every_format():
    columns = [Column(name, f"{number} ↑", f"{name}{number}") for name in "abcd" for number in range(4)]
    seeds = {title: {seed: np.full(1, score) for seed in range(8)} for title, score in (("A", 2.0), ("B", 1.0))}
    for count, bold in ((4, True), (16, False)):  # the least p of 8 pairs is 1 / 256
        rows = {title: [Cell(found[0][0], 0.0, None, 1, found)] * count for title, found in seeds.items()}
        table = Table("A caption.", columns[:count], rows, [], contests=[["A", "B"]])
        texts = as_markdown(table), as_tex(table), as_csv(table)
        assert [mark in text for mark, text in zip(("**2.0", r"\textbf", ",True,"), texts, strict=True)] == [bold] * 3


def test_both_texts_of_a_wide_table_have_every_column_once_under_one_caption():
    table = wide(("a", 4), ("b", 4), ("c", 4))
    for text in (as_markdown(table), as_tex(table)):
        assert text.count("A caption.") == text.count("A note.") == 1 and text.count("+ A") == 2
        assert all(text.count(column.name[:2]) >= 1 for column in table.columns)
    assert r"\begin{tabular}{lcccccccc}" in as_tex(table) and as_tex(table).count(r"\toprule") == 2
