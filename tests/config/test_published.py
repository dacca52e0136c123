"""config/published.yaml against what the paper says about its own tables."""

from pathlib import Path

import pytest

from grd.project.project import Project
from grd.reporting.tables.ablation import term_weights

PROJECT = Project.load(Path(__file__).parents[2] / "config")
PUBLISHED = PROJECT.published
ABLATIONS = {table: PUBLISHED[table]["cvppp"] for table in ("table4", "table5", "table6")}
TABLES = [f"table{number}" for number in range(1, 7)]
TERMS = ["node", "edge", "affinity_graph", "inter_edge", "inter_affinity"]
LAMBDAS = [f"lambda{number}" for number in range(1, 6)]
WIDTHS = ["resunet_s20", "resunet_s15", "resunet_tiny", "resunet_s5"]
METHODS = ["at", "spkd", "rekd", "biskd", "grd"]
COLUMNS = {
    "cvppp": {"sbd": (71, 89), "dic": (0.9, 5.1)},
    "celegans": {"aji": (0.54, 0.82), "dice": (0.61, 0.92), "f1": (0.81, 0.94), "pq": (0.44, 0.80)},
    "bbbc039": {"aji": (0.74, 0.91), "dice": (0.90, 0.96), "f1": (0.88, 0.97), "pq": (0.70, 0.88)},
}
VOLUMES = {"ac34": (1.2, 1.7), "cremi_a": (0.8, 1.1), "cremi_b": (1.5, 2.1), "cremi_c": (1.4, 2.1)}


def stems(teachers, students):
    return {*teachers, *students} | {f"{s}-{m}-{t}" for s in students for m in METHODS for t in teachers}


def score(row):
    return {"sbd": row["sbd"], "dic": row["dic"]}


def runs(table):
    """The runs of a table, one per data set and row."""
    return list({(run.dataset, run.stem): run for run in PROJECT.runs(table)}.values())


def test_every_table_has_the_rows_and_columns_of_the_paper():
    assert list(PUBLISHED) == TABLES
    teachers, students = {"resunet", "nested_unet"}, {"resunet_tiny", "mobilenet_v2"}
    assert set(PUBLISHED["table1"]) == teachers | students | {"mala", "mala_tiny"}
    assert all(set(r) == {"parameters", "macs", "seconds", "seconds_spread"} for r in PUBLISHED["table1"].values())
    assert set(PUBLISHED["table2"]) == set(COLUMNS)
    for dataset, rows in PUBLISHED["table2"].items():
        assert set(rows) == stems(teachers, students) and len(rows) == 24
        assert all(set(row) == set(COLUMNS[dataset]) for row in rows.values())
    assert set(PUBLISHED["table3"]) == set(VOLUMES)
    for rows in PUBLISHED["table3"].values():
        assert set(rows) == stems({"mala"}, {"mala_tiny"}) and len(rows) == 7
        assert all(set(row) == {"waterz", "multicut"} for row in rows.values())
        assert all(set(cell) == {"voi", "arand"} for row in rows.values() for cell in row.values())
    columns = {
        "table4": [*TERMS, "sbd", "dic"],
        "table5": [*LAMBDAS, "sbd", "dic"],
        "table6": ["sbd", "dic", "parameters", "macs"],
    }
    assert all(set(PUBLISHED[table]) == {"cvppp"} for table in columns)
    assert [len(rows) for rows in ABLATIONS.values()] == [6, 11, 8]
    assert all(list(row) == columns[table] for table, rows in ABLATIONS.items() for row in rows.values())


@pytest.mark.parametrize("table", TABLES)
def test_every_published_row_has_a_run_and_every_run_a_published_row(table):
    published = PUBLISHED[table]
    if table == "table1":  # by network: each is timed on one data set
        assert sorted(run.stem for run in runs(table)) == sorted(published)
    else:
        rows = {(dataset, stem) for dataset, stems in published.items() for stem in stems}
        assert rows == {(run.dataset, run.stem) for run in runs(table)}


@pytest.mark.parametrize("table", ABLATIONS)
def test_the_rows_of_tables_4_to_6_stand_in_the_order_of_their_runs(table):
    assert list(ABLATIONS[table]) == [run.stem for run in runs(table)]


def test_the_marks_of_table_4_are_the_terms_that_its_runs_have():
    for run in runs("table4"):
        marks = {term: ABLATIONS["table4"][run.stem][term] for term in TERMS}
        assert marks == {term: weight > 0 for term, weight in term_weights(PROJECT, run).items()}, run.stem


def test_the_lambdas_of_table_5_are_the_weights_that_its_runs_have():
    for run in runs("table5"):
        printed = [ABLATIONS["table5"][run.stem][name] for name in LAMBDAS]
        assert printed == [term_weights(PROJECT, run)[term] for term in TERMS], run.stem


def test_the_cells_that_cannot_be_read_are_exactly_three():
    empty = {
        (dataset, stem, column)
        for dataset, rows in PUBLISHED["table2"].items()
        for stem, row in rows.items()
        for column, value in row.items()
        if value is None
    }
    assert empty == {
        ("celegans", "nested_unet", "aji"),
        ("celegans", "mobilenet_v2", "aji"),
        ("bbbc039", "mobilenet_v2", "aji"),
    }


def test_cells_that_two_tables_share_agree():
    cvppp, tiny = PUBLISHED["table2"]["cvppp"], PUBLISHED["table1"]["resunet_tiny"]
    shared = {table: [stem for stem in rows if stem in cvppp] for table, rows in ABLATIONS.items()}
    assert shared == {
        "table4": ["mobilenet_v2", "mobilenet_v2-biskd-resunet", "mobilenet_v2-grd-resunet"],
        "table5": ["mobilenet_v2-grd-resunet"],
        "table6": ["resunet_tiny", "resunet_tiny-grd-resunet"],
    }
    for table, stems in shared.items():
        for stem in stems:
            assert score(ABLATIONS[table][stem]) == cvppp[stem], (table, stem)
    for stem in shared["table6"]:
        assert all(ABLATIONS["table6"][stem][size] == tiny[size] for size in ("parameters", "macs"))


def test_table_4_adds_one_term_per_row_and_table_5_changes_one_weight_tenfold():
    for n, row in enumerate(ABLATIONS["table4"].values()):
        assert [row[term] for term in TERMS] == [True] * n + [False] * (5 - n)
    first, *others = ABLATIONS["table5"].values()
    assert [first[name] for name in LAMBDAS] == [0.1, 0.1, 10, 1, 1]
    for n, row in enumerate(others):
        changed = {name: max(row[name] / first[name], first[name] / row[name]) for name in LAMBDAS if row[name] != first[name]}
        assert changed == {LAMBDAS[n // 2]: pytest.approx(10)}


def test_every_number_lies_in_the_range_of_its_column():
    for dataset, rows in PUBLISHED["table2"].items():
        for stem, row in rows.items():
            for column, (low, high) in COLUMNS[dataset].items():
                assert row[column] is None or low <= row[column] <= high, (dataset, stem, column)
            if "pq" in row:  # as printed, pq / "dice" is the mean IoU of the matched objects
                assert 0.71 < row["pq"] / row["dice"] < 0.93, (dataset, stem)
    for dataset, (low, high) in VOLUMES.items():
        for stem, row in PUBLISHED["table3"][dataset].items():
            for cell in row.values():
                assert low <= cell["voi"] <= high and 0.09 <= cell["arand"] <= 0.25, (dataset, stem)
    for row in [*ABLATIONS["table4"].values(), *ABLATIONS["table5"].values()]:
        assert 71 <= row["sbd"] <= 87 and 0.8 <= row["dic"] <= 5
    for network in WIDTHS:
        alone, taught = (ABLATIONS["table6"][stem] for stem in (network, f"{network}-grd-resunet"))
        assert 74 < alone["sbd"] < taught["sbd"] < 88
        assert 4 > alone["dic"] > taught["dic"] > 1


def test_smaller_networks_have_the_share_of_parameters_and_time_that_the_prose_gives():
    table1, table6 = PUBLISHED["table1"], ABLATIONS["table6"]
    for network, parameters, time in (("resunet", 0.9, 10), ("mala", 0.4, 5)):  # percent of the teacher's
        teacher, student = table1[network], table1[f"{network}_tiny"]
        assert 100 * student["parameters"] / teacher["parameters"] == pytest.approx(parameters, abs=0.05)
        assert 100 * student["seconds"] / teacher["seconds"] == pytest.approx(time, abs=0.5)
    for row in table1.values():
        assert 0.02 < row["seconds_spread"] / row["seconds"] < 0.2
    for suffix in ("", "-grd-resunet"):
        sizes = [(table6[network + suffix]["parameters"], table6[network + suffix]["macs"]) for network in WIDTHS]
        assert sizes == sorted(sizes) == [(0.07, 1.50), (0.17, 3.28), (0.30, 5.76), (0.90, 17.31)]


def test_counts_of_leaves_come_in_twentieths():
    for rows in (PUBLISHED["table2"]["cvppp"], *ABLATIONS.values()):
        for stem, row in rows.items():  # |DiC| is a mean over 20 images
            assert row["dic"] * 20 == pytest.approx(round(row["dic"] * 20)), stem


@pytest.mark.parametrize(
    ("dataset", "student", "column", "percent"),
    [
        ("cvppp", "mobilenet_v2", "sbd", 84.4),
        ("celegans", "resunet_tiny", "aji", 40.7),
        ("celegans", "resunet_tiny", "dice", 59.5),
        ("celegans", "resunet_tiny", "f1", 56.7),
        ("celegans", "resunet_tiny", "pq", 68.2),
        ("celegans", "mobilenet_v2", "dice", 74.5),
        ("celegans", "mobilenet_v2", "f1", 37.8),
        ("celegans", "mobilenet_v2", "pq", 57.7),
        ("bbbc039", "resunet_tiny", "f1", 66.7),
        ("bbbc039", "resunet_tiny", "pq", 73.7),
        ("bbbc039", "mobilenet_v2", "dice", 64.7),
        ("bbbc039", "mobilenet_v2", "f1", 12.0),
        ("bbbc039", "mobilenet_v2", "pq", 26.0),
    ],
)
def test_the_gaps_closed_that_the_prose_gives_follow_from_table_2(dataset, student, column, percent):
    rows = PUBLISHED["table2"][dataset]
    alone, taught, teacher = (rows[stem][column] for stem in (student, f"{student}-grd-resunet", "resunet"))
    assert 100 * (taught - alone) / (teacher - alone) == pytest.approx(percent, abs=0.0501)


def test_spot_values():
    table2, table3 = PUBLISHED["table2"], PUBLISHED["table3"]
    assert {network: tuple(row.values()) for network, row in PUBLISHED["table1"].items()} == {
        "resunet": (33.61, 582.97, 2.0, 0.1),
        "nested_unet": (36.36, 624.14, 2.1, 0.1),
        "mala": (84.02, 367.04, 53.5, 2.0),
        "resunet_tiny": (0.30, 5.76, 0.20, 0.03),
        "mobilenet_v2": (4.79, 25.82, 0.78, 0.05),
        "mala_tiny": (0.37, 22.01, 2.7, 0.2),
    }
    assert table2["cvppp"]["mobilenet_v2"] == {"sbd": 71.9, "dic": 5.0}
    assert table2["cvppp"]["mobilenet_v2-at-nested_unet"] == {"sbd": 84.4, "dic": 1.0}
    assert table2["celegans"]["mobilenet_v2-grd-nested_unet"] == {"aji": 0.697, "dice": 0.871, "f1": 0.867, "pq": 0.679}
    assert table2["celegans"]["resunet_tiny-rekd-resunet"] == {"aji": 0.708, "dice": 0.859, "f1": 0.883, "pq": 0.723}
    assert table2["bbbc039"]["mobilenet_v2"] == {"aji": None, "dice": 0.905, "f1": 0.887, "pq": 0.709}
    assert table2["bbbc039"]["resunet_tiny-spkd-resunet"] == {"aji": 0.881, "dice": 0.94, "f1": 0.962, "pq": 0.858}
    assert table3["ac34"]["mala_tiny-biskd-mala"]["waterz"] == {"voi": 1.384, "arand": 0.12}
    assert table3["ac34"]["mala_tiny-grd-mala"]["waterz"] == {"voi": 1.32, "arand": 0.108}
    assert table3["cremi_b"]["mala_tiny-grd-mala"]["multicut"] == {"voi": 1.542, "arand": 0.127}
    assert table3["cremi_c"]["mala"]["multicut"] == {"voi": 1.618, "arand": 0.205}
    assert ABLATIONS["table5"]["mobilenet_v2-grd-resunet-inter_affinity0.1"] == {
        "lambda1": 0.1,
        "lambda2": 0.1,
        "lambda3": 10,
        "lambda4": 1,
        "lambda5": 0.1,
        "sbd": 85.3,
        "dic": 0.8,
    }
    assert score(ABLATIONS["table6"]["resunet_s5-grd-resunet"]) == {"sbd": 87.6, "dic": 1.25}
