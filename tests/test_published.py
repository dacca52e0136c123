"""config/published.yaml against what the paper says about its own tables."""

from pathlib import Path

import pytest
import yaml

PUBLISHED = yaml.safe_load((Path(__file__).parents[1] / "config" / "published.yaml").read_text(encoding="utf-8"))
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


def test_every_table_has_the_rows_and_columns_of_the_paper():
    assert set(PUBLISHED) == {f"table{n}" for n in range(1, 7)}
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
    assert [len(PUBLISHED[table]) for table in ("table4", "table5", "table6")] == [6, 11, 4]


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
    cvppp, table4, table6 = PUBLISHED["table2"]["cvppp"], PUBLISHED["table4"], PUBLISHED["table6"]
    assert score(table4[0]) == cvppp["mobilenet_v2"]
    assert score(table4[3]) == cvppp["mobilenet_v2-biskd-resunet"]
    assert score(table4[5]) == score(PUBLISHED["table5"][0]) == cvppp["mobilenet_v2-grd-resunet"]
    assert table6["s10"]["plain"] == cvppp["resunet_tiny"]
    assert table6["s10"]["distilled"] == cvppp["resunet_tiny-grd-resunet"]
    tiny = PUBLISHED["table1"]["resunet_tiny"]
    assert (table6["s10"]["parameters"], table6["s10"]["macs"]) == (tiny["parameters"], tiny["macs"])


def test_table_4_adds_one_term_per_row_and_table_5_changes_one_weight_tenfold():
    terms = ["node", "edge", "affinity", "inter_edge", "inter_affinity"]
    for n, row in enumerate(PUBLISHED["table4"]):
        assert set(row) == {*terms, "sbd", "dic"}
        assert [row[term] for term in terms] == [True] * n + [False] * (5 - n)
    weights = [f"lambda{n}" for n in range(1, 6)]
    first, *others = PUBLISHED["table5"]
    assert [first[w] for w in weights] == [0.1, 0.1, 10, 1, 1]
    for n, row in enumerate(others):
        assert set(row) == {*weights, "sbd", "dic"}
        changed = {w: max(row[w] / first[w], first[w] / row[w]) for w in weights if row[w] != first[w]}
        assert changed == {weights[n // 2]: pytest.approx(10)}


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
    for row in PUBLISHED["table4"] + PUBLISHED["table5"]:
        assert 71 <= row["sbd"] <= 87 and 0.8 <= row["dic"] <= 5
    for row in PUBLISHED["table6"].values():
        assert 74 < row["plain"]["sbd"] < row["distilled"]["sbd"] < 88
        assert 4 > row["plain"]["dic"] > row["distilled"]["dic"] > 1


def test_smaller_networks_have_the_share_of_parameters_and_time_that_the_prose_gives():
    table1, table6 = PUBLISHED["table1"], PUBLISHED["table6"]
    for network, parameters, time in (("resunet", 0.9, 10), ("mala", 0.4, 5)):  # percent of the teacher's
        teacher, student = table1[network], table1[f"{network}_tiny"]
        assert 100 * student["parameters"] / teacher["parameters"] == pytest.approx(parameters, abs=0.05)
        assert 100 * student["seconds"] / teacher["seconds"] == pytest.approx(time, abs=0.5)
    for row in table1.values():
        assert 0.02 < row["seconds_spread"] / row["seconds"] < 0.2
    sizes = [(row["parameters"], row["macs"]) for row in table6.values()]
    assert sizes == sorted(sizes) == [(0.07, 1.50), (0.17, 3.28), (0.30, 5.76), (0.90, 17.31)]


def test_counts_of_leaves_come_in_twentieths():
    rows = [*PUBLISHED["table2"]["cvppp"].values(), *PUBLISHED["table4"], *PUBLISHED["table5"]]
    rows += [row[kind] for row in PUBLISHED["table6"].values() for kind in ("plain", "distilled")]
    for row in rows:  # |DiC| is a mean over 20 images
        assert row["dic"] * 20 == pytest.approx(round(row["dic"] * 20)), row


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
    assert PUBLISHED["table5"][9] == {
        "lambda1": 0.1,
        "lambda2": 0.1,
        "lambda3": 10,
        "lambda4": 1,
        "lambda5": 0.1,
        "sbd": 85.3,
        "dic": 0.8,
    }
    assert PUBLISHED["table6"]["s5"]["distilled"] == {"sbd": 87.6, "dic": 1.25}
