"""The paper's sentences against its own tables, worked out by hand; each kind of claim on numbers made for it."""

import re
import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from grd.config.parsing import read_yaml
from grd.data.store import Split, write_samples
from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.claims import KINDS, check_names, load_claims
from grd.reporting.claims.base import CONSTRUCTED, FAILS, HOLDS, UNTESTED, Evidence, enumeration, rival
from grd.reporting.claims.evidence import (
    check_claims,
    dataset_titles,
    published_evidence,
    published_numbers,
    reproduced_numbers,
    settings_of_claims,
)
from grd.reporting.claims.table import as_csv, as_markdown, as_tex, claims_table, write_claims
from grd.reporting.figures.figure6 import Point, held_bytes

CONFIG = Path(__file__).parents[2] / "config"
PUBLISHED = yaml.safe_load((CONFIG / "published.yaml").read_text(encoding="utf-8"))


def project(**general):
    return Project.load(CONFIG, {"scale": "demo", "seeds": [0]} | general)


@pytest.fixture(scope="module")
def claims():
    return load_claims(read_yaml(CONFIG / "claims.yaml"))


@pytest.fixture(scope="module")
def found(claims):
    """Findings on the published numbers, by sentence."""
    evidence = published_evidence(project())
    return {claim.says: claim.check(evidence) for section in claims.values() for claim in section}


# Every percentage of Section V: the sentence, what it should say, and how that is worked out from the printed tables.
OVER_ALONE = [
    ("ResUNet-tiny on CVPPP, over the student alone: SBD +5.9 %", "6.2", (87.0 - 81.9) / 81.9),
    ("MobileNet on CVPPP, over the student alone: SBD +19.6 %", "19.6", (86.0 - 71.9) / 71.9),
    ("ResUNet-tiny on C. elegans, over the student alone: AJI +4.8 %", "4.8", (0.765 - 0.730) / 0.730),
    ("ResUNet-tiny on C. elegans, over the student alone: Dice +5.6 %", "5.6", (0.884 - 0.837) / 0.837),
    ("ResUNet-tiny on C. elegans, over the student alone: F1 +1.9 %", "1.9", (0.918 - 0.901) / 0.901),
    ("ResUNet-tiny on C. elegans, over the student alone: PQ +11.0 %", "11.0", (0.759 - 0.684) / 0.684),
    ("MobileNet on C. elegans, over the student alone: Dice +33.1 %", "36.6", (0.839 - 0.614) / 0.614),
    ("MobileNet on C. elegans, over the student alone: F1 +6.8 %", "5.5", (0.857 - 0.812) / 0.812),
    ("MobileNet on C. elegans, over the student alone: PQ +53.6 %", "45.9", (0.645 - 0.442) / 0.442),
    ("ResUNet-tiny on BBBC039V1, over the student alone: AJI +2.2 %", "2.2", (0.884 - 0.865) / 0.865),
    ("ResUNet-tiny on BBBC039V1, over the student alone: Dice +1.1 %", "1.9", (0.946 - 0.928) / 0.928),
    ("ResUNet-tiny on BBBC039V1, over the student alone: F1 +0.4 %", "0.2", (0.961 - 0.959) / 0.959),
    ("ResUNet-tiny on BBBC039V1, over the student alone: PQ +3.6 %", "3.3", (0.868 - 0.840) / 0.840),
    ("MobileNet on BBBC039V1, over the student alone: Dice +3.4 %", "3.6", (0.938 - 0.905) / 0.905),
    ("MobileNet on BBBC039V1, over the student alone: F1 +1.0 %", "1.0", (0.896 - 0.887) / 0.887),
    ("MobileNet on BBBC039V1, over the student alone: PQ +6.8 %", "6.2", (0.753 - 0.709) / 0.709),
    ("IGD within images improves the student alone by 10.4 % (SBD)", "10.4", (79.4 - 71.9) / 71.9),
    ("IGD and AGD within images improve the student alone by 17.8 % (SBD)", "17.8", (84.7 - 71.9) / 71.9),
    ("All terms improve the student alone by 19.6 % (SBD)", "19.6", (86.0 - 71.9) / 71.9),
    ("AC3/4: VOI improves by 20.0 %", "20.0", (1.649 - 1.320) / 1.649),
    ("CREMI-A: VOI improves by 22.7 %", "22.3", (1.098 - 0.853) / 1.098),
    ("CREMI-B: VOI improves by 25.5 %", "25.2", (2.037 - 1.524) / 2.037),
    ("CREMI-C: VOI improves by 24.9 %", "24.8", (2.085 - 1.568) / 2.085),
]
OVER_SECOND = [
    ("ResUNet-tiny on CVPPP, over the second best: SBD +5.9 %", "0.7", (87.0 - 86.4) / 86.4),
    ("MobileNet on CVPPP, over the second best: SBD +19.6 %", "1.5", (86.0 - 84.7) / 84.7),
    ("ResUNet-tiny on C. elegans, over the second best: AJI +4.8 %", "0.7", (0.765 - 0.760) / 0.760),
    ("ResUNet-tiny on C. elegans, over the second best: Dice +5.6 %", "1.0", (0.884 - 0.875) / 0.875),
    ("ResUNet-tiny on C. elegans, over the second best: F1 +1.9 %", "0.7", (0.918 - 0.912) / 0.912),
    ("ResUNet-tiny on C. elegans, over the second best: PQ +11.0 %", "3.4", (0.759 - 0.734) / 0.734),
    ("MobileNet on C. elegans, over the second best: AJI +27.1 %", "2.6", (0.672 - 0.655) / 0.655),
    ("MobileNet on C. elegans, over the second best: Dice +33.1 %", "5.0", (0.839 - 0.799) / 0.799),
    ("MobileNet on C. elegans, over the second best: F1 +6.8 %", "0.7", (0.857 - 0.851) / 0.851),
    ("MobileNet on C. elegans, over the second best: PQ +53.6 %", "5.6", (0.645 - 0.611) / 0.611),
    ("ResUNet-tiny on BBBC039V1, over the second best: AJI +2.2 %", "0.3", (0.884 - 0.881) / 0.881),
    ("ResUNet-tiny on BBBC039V1, over the second best: Dice +1.1 %", "0.1", (0.946 - 0.945) / 0.945),
    ("ResUNet-tiny on BBBC039V1, over the second best: F1 +0.4 %", "-0.1", (0.961 - 0.962) / 0.962),
    ("ResUNet-tiny on BBBC039V1, over the second best: PQ +3.6 %", "0.8", (0.868 - 0.861) / 0.861),
    ("MobileNet on BBBC039V1, over the second best: AJI +5.3 %", "0.7", (0.771 - 0.766) / 0.766),
    ("MobileNet on BBBC039V1, over the second best: Dice +3.4 %", "0.8", (0.938 - 0.931) / 0.931),
    ("MobileNet on BBBC039V1, over the second best: F1 +1.0 %", "0.1", (0.896 - 0.895) / 0.895),
    ("MobileNet on BBBC039V1, over the second best: PQ +6.8 %", "0.9", (0.753 - 0.746) / 0.746),
]
GAPS = [
    ("ResUNet-tiny on CVPPP: gap to ResUNet reduced by 71.6 % (SBD)", "76.1", (87.0 - 81.9) / (88.6 - 81.9)),
    ("MobileNet on CVPPP: gap reduced by 84.4 % (SBD)", "84.4", (86.0 - 71.9) / (88.6 - 71.9)),
    ("ResUNet-tiny on C. elegans: gap reduced by 40.7 % (AJI)", "40.7", (0.765 - 0.730) / (0.816 - 0.730)),
    ("ResUNet-tiny on C. elegans: gap reduced by 59.5 % (Dice)", "59.5", (0.884 - 0.837) / (0.916 - 0.837)),
    ("ResUNet-tiny on C. elegans: gap reduced by 56.7 % (F1)", "56.7", (0.918 - 0.901) / (0.931 - 0.901)),
    ("ResUNet-tiny on C. elegans: gap reduced by 68.2 % (PQ)", "68.2", (0.759 - 0.684) / (0.794 - 0.684)),
    ("MobileNet on C. elegans: gap reduced by 74.5 % (Dice)", "74.5", (0.839 - 0.614) / (0.916 - 0.614)),
    ("MobileNet on C. elegans: gap reduced by 37.8 % (F1)", "37.8", (0.857 - 0.812) / (0.931 - 0.812)),
    ("MobileNet on C. elegans: gap reduced by 57.7 % (PQ)", "57.7", (0.645 - 0.442) / (0.794 - 0.442)),
    ("ResUNet-tiny on BBBC039V1: gap reduced by 37.5 % (AJI)", "55.9", (0.884 - 0.865) / (0.899 - 0.865)),
    ("ResUNet-tiny on BBBC039V1: gap reduced by 82.1 % (Dice)", "64.3", (0.946 - 0.928) / (0.956 - 0.928)),
    ("ResUNet-tiny on BBBC039V1: gap reduced by 66.7 % (F1)", "66.7", (0.961 - 0.959) / (0.962 - 0.959)),
    ("ResUNet-tiny on BBBC039V1: gap reduced by 73.7 % (PQ)", "73.7", (0.868 - 0.840) / (0.878 - 0.840)),
    ("MobileNet on BBBC039V1: gap reduced by 64.7 % (Dice)", "64.7", (0.938 - 0.905) / (0.956 - 0.905)),
    ("MobileNet on BBBC039V1: gap reduced by 12.0 % (F1)", "12.0", (0.896 - 0.887) / (0.962 - 0.887)),
    ("MobileNet on BBBC039V1: gap reduced by 26.0 % (PQ)", "26.0", (0.753 - 0.709) / (0.878 - 0.709)),
    ("AC3/4, waterz: gap in VOI reduced by more than 93.3 %", "93.20", (1.649 - 1.320) / (1.649 - 1.296)),
    ("AC3/4, LMC: gap in VOI reduced by more than 93.3 %", "94.08", (1.565 - 1.279) / (1.565 - 1.261)),
    ("CREMI-A, waterz: gap in VOI reduced by more than 72.9 %", "100.00", (1.098 - 0.853) / (1.098 - 0.853)),
    ("CREMI-B, waterz: gap in VOI reduced by more than 72.9 %", "133.59", (2.037 - 1.524) / (2.037 - 1.653)),
    ("CREMI-C, waterz: gap in VOI reduced by more than 72.9 %", "91.83", (2.085 - 1.568) / (2.085 - 1.522)),
    ("CREMI-A, LMC: gap in VOI reduced by more than 72.9 %", "121.74", (0.961 - 0.821) / (0.961 - 0.846)),
    ("CREMI-B, LMC: gap in VOI reduced by more than 72.9 %", "86.02", (1.782 - 1.542) / (1.782 - 1.503)),
    ("CREMI-C, LMC: gap in VOI reduced by more than 72.9 %", "228.70", (1.733 - 1.470) / (1.733 - 1.618)),
]
SHARES = [
    ("“less than 1 % parameters”: ResUNet-tiny of ResUNet", "0.9", 0.30 / 33.61),
    ("“less than 1 % parameters”: ResUNet-tiny of NestedUNet", "0.8", 0.30 / 36.36),
    ("“less than 1 % parameters”: MobileNet of ResUNet", "14.3", 4.79 / 33.61),
    ("“less than 1 % parameters”: MobileNet of NestedUNet", "13.2", 4.79 / 36.36),
    ("“less than 1 % parameters”: MALA-tiny of MALA", "0.4", 0.37 / 84.02),
    ("“less than 10 % inference time”: ResUNet-tiny of ResUNet", "10.0", 0.20 / 2.0),
    ("“less than 10 % inference time”: ResUNet-tiny of NestedUNet", "9.5", 0.20 / 2.1),
    ("“less than 10 % inference time”: MobileNet of ResUNet", "39.0", 0.78 / 2.0),
    ("“less than 10 % inference time”: MobileNet of NestedUNet", "37.1", 0.78 / 2.1),
    ("“less than 10 % inference time”: MALA-tiny of MALA", "5.0", 2.7 / 53.5),
    ("MALA-tiny has 0.4 % of MALA's parameters", "0.4", 0.37 / 84.02),
    ("ResUNet-tiny has 0.9 % of ResUNet's parameters", "0.9", 0.30 / 33.61),
    ("MALA-tiny takes 5 % of MALA's inference time", "5", 2.7 / 53.5),
    ("ResUNet-tiny takes 10 % of ResUNet's inference time", "10", 0.20 / 2.0),
]
PERCENTAGES = [*OVER_ALONE, *OVER_SECOND, *GAPS, *SHARES]


@pytest.mark.parametrize(("says", "percent", "by_hand"), PERCENTAGES)
def test_percentages_of_the_printed_numbers_are_those_worked_out_by_hand(found, says, percent, by_hand):
    digits = len(percent.partition(".")[2])
    assert abs(100 * by_hand - float(percent)) <= 0.5 * 10**-digits + 1e-9
    assert found[says].text.startswith(f"{percent} % (")


def test_every_percentage_is_among_them_but_those_of_cells_that_cannot_be_read(claims, found):
    numeric = {c.says for section in claims.values() for c in section if c.kind in ("improvement", "gap", "ratio")}
    unreadable = {says for says in numeric if found[says].text == "unreadable cell"}
    assert unreadable == {
        "MobileNet on C. elegans, over the student alone: AJI +27.1 %",
        "MobileNet on BBBC039V1, over the student alone: AJI +5.3 %",
        "MobileNet on C. elegans: gap reduced by 46.3 % (AJI)",
        "MobileNet on BBBC039V1: gap reduced by 21.0 % (AJI)",
    }
    assert numeric - unreadable == {says for says, _, _ in PERCENTAGES}
    assert all(found[says].verdict == UNTESTED for says in unreadable)


def test_two_sentences_mean_different_values_for_the_same_unreadable_cell(claims):
    notes = {claim.says: claim.note for claim in claims["V-B. Results on 2D data sets"]}
    worms = notes["MobileNet on C. elegans, over the student alone: AJI +27.1 %"]
    nuclei = notes["MobileNet on BBBC039V1, over the student alone: AJI +5.3 %"]
    assert pytest.approx(0.529, abs=5e-4) == 0.672 / 1.271 and "0.529" in worms
    assert pytest.approx(0.548, abs=5e-4) == (0.672 - 0.463 * 0.816) / (1 - 0.463) and "0.548" in worms
    assert pytest.approx(0.732, abs=5e-4) == 0.771 / 1.053 and "0.732" in nuclei
    assert pytest.approx(0.737, abs=5e-4) == (0.771 - 0.210 * 0.899) / (1 - 0.210) and "0.737" in nuclei


def test_the_sentences_that_the_paper_s_own_numbers_do_not_support_are_exactly_these(found):
    assert [says for says, finding in found.items() if finding.verdict == FAILS] == [
        "“less than 1 % parameters”: MobileNet of ResUNet",
        "“less than 1 % parameters”: MobileNet of NestedUNet",
        "“less than 10 % inference time”: ResUNet-tiny of ResUNet",
        "“less than 10 % inference time”: MobileNet of ResUNet",
        "“less than 10 % inference time”: MobileNet of NestedUNet",
        "The weights are set “empirically … through experiments”: those of Table V with the best scores",
        "“two … heavy networks as teachers”",
        "MALA-tiny has about 1/10 of MALA's width",
        "Adam with β1 = 0.9 and β2 = 0.99",
        "“three state-of-the-art knowledge distillation methods”",
        "“consistently outperforms existing distillation methods”, its four pairs on three data sets",
        *(says for says, _, _ in OVER_SECOND),
        "ResUNet-tiny on CVPPP, over the student alone: SBD +5.9 %",
        "MobileNet on C. elegans, over the student alone: Dice +33.1 %",
        "MobileNet on C. elegans, over the student alone: F1 +6.8 %",
        "MobileNet on C. elegans, over the student alone: PQ +53.6 %",
        "ResUNet-tiny on BBBC039V1, over the student alone: Dice +1.1 %",
        "ResUNet-tiny on BBBC039V1, over the student alone: F1 +0.4 %",
        "ResUNet-tiny on BBBC039V1, over the student alone: PQ +3.6 %",
        "MobileNet on BBBC039V1, over the student alone: Dice +3.4 %",
        "MobileNet on BBBC039V1, over the student alone: PQ +6.8 %",
        "ResUNet-tiny on CVPPP: gap to ResUNet reduced by 71.6 % (SBD)",
        "ResUNet-tiny on BBBC039V1: gap reduced by 37.5 % (AJI)",
        "ResUNet-tiny on BBBC039V1: gap reduced by 82.1 % (Dice)",
        "BISKD, without relations between images, is “suboptimal”: GRD is better",
        "“consistently outperforms the competing distillation methods”",
        "AC3/4, waterz: gap in VOI reduced by more than 93.3 %",
        "CREMI-A: VOI improves by 22.7 %",
        "CREMI-B: VOI improves by 25.5 %",
        "CREMI-C: VOI improves by 24.9 %",
        "“positive impact of each component”: every added term improves |DiC|",
        "λ1 and λ2 have “relatively minor impact”, λ3, λ4 and λ5 are “critical”: |DiC|",
    ]


def test_the_columns_in_which_grd_does_not_lead_are_named(found):
    images = found["“consistently outperforms existing distillation methods”, its four pairs on three data sets"].text
    assert images == (
        "35 of 40 columns; not CVPPP A1 |DiC| of ResUNet-tiny by ResUNet (equal), "  # 1.15, as BISKD
        "BBBC039V1 Dice (pixels) of ResUNet-tiny by ResUNet, "  # printed as F1: 0.961, SPKD 0.962
        "C. elegans Dice (pixels) of ResUNet-tiny by NestedUNet (equal), "  # 0.912, as SPKD
        "CVPPP A1 |DiC| of MobileNet by NestedUNet, "  # 1.15, AT 1.00
        "BBBC039V1 Dice (pixels) of MobileNet by NestedUNet"  # 0.890, BISKD 0.897
    )
    volumes = found["“consistently outperforms the competing distillation methods”"].text
    # 0.135 and AT's 0.132; 0.127 and BISKD's 0.113; 0.125 and BISKD's 0.119
    assert volumes == "13 of 16 columns; not CREMI-A LMC ARAND, CREMI-B LMC ARAND, CREMI-C Waterz ARAND"
    assert found["Better than the others “in the majority of experiments”"].verdict == HOLDS


def test_what_the_tables_cannot_tell_is_not_tested(claims, found):
    for section in claims.values():
        for claim in section:
            if claim.kind in ("samples", "curve", "errors", "untested", "significant"):
                assert found[claim.says].verdict == UNTESTED, claim.says


def test_the_quantities_of_figure_6_are_columns_of_its_data(claims):
    point = Point("queue_size", Run("cvppp", "mobilenet_v2", "grd", "resunet"), 2, 1)
    columns = {"sbd", *held_bytes(point, 3, 16, (8, 8), torch.device("cpu"))}
    assert {claim.quantity for section in claims.values() for claim in section if claim.kind == "curve"} <= columns


def test_a_project_with_fewer_rows_has_claims_that_are_not_tested(claims):
    settings = settings_of_claims(project(), claims)
    fewer = Evidence({("table2", "resunet", "cvppp", "", "sbd"): 80.0}, dataset_titles(project()), settings=settings)
    for section in claims.values():
        for claim in section:
            if claim.kind not in ("setting", "count"):
                assert claim.check(fewer).verdict == UNTESTED, claim.says


def test_a_claim_s_sentence_names_it(claims):
    sentences = [claim.says for section in claims.values() for claim in section]
    assert len(sentences) == len(set(sentences)) > 150


def test_every_number_of_published_yaml_has_a_key_and_dice_and_f1_their_true_names():
    numbers = published_numbers(PUBLISHED)
    assert numbers["table2", "resunet", "celegans", "", "f1"] == 0.916  # printed under Dice
    assert numbers["table2", "resunet", "celegans", "", "dice"] == 0.931  # printed under F1
    assert numbers["table3", "mala", "cremi_c", "multicut", "voi"] == 1.618
    assert numbers["table1", "mala", "", "", "seconds"] == 53.5
    assert numbers["table6", "resunet_s5", "", "", "parameters"] == 0.90
    assert numbers["table2", "nested_unet", "celegans", "", "aji"] is None
    scores = 24 * (2 + 4 + 4) + 7 * 16 + (6 + 11 + 8) * 2
    assert len(numbers) == 6 * 3 + scores + 8 * 2


# Each kind on numbers made for it.


def claim(kind, **fields):
    return KINDS[kind].model_validate({"kind": kind, "place": "here", "says": "so", **fields})


def column(metric, **values):
    """Evidence with one column of a table: run stems (`__` for `-`) and their numbers."""
    return Evidence({("t", run.replace("__", "-"), "d", "", metric): value for run, value in values.items()}, {"d": "D"})


CELL = {"table": "t", "dataset": "d"}


@pytest.mark.parametrize(
    ("claimed", "verdict"), [("20.0", HOLDS), ("20", HOLDS), ("19.9", FAILS), ("20.1", FAILS), ("19.95", HOLDS)]
)
def test_a_percentage_holds_when_rounded_half_up_to_the_digits_that_are_claimed(claimed, verdict):
    evidence = column("sbd", a=100.0, b=119.95)  # in binary 19.950000000000003 or a little below
    finding = claim("improvement", **CELL, metric="sbd", run="b", over="a", claimed=Decimal(claimed)).check(evidence)
    assert finding.verdict == verdict
    assert finding.text.endswith("% (100.0 → 120.0)")


def test_an_improvement_goes_with_the_metric_s_direction_and_over_the_best_of_several():
    evidence = column("voi", a=2.0, b=1.6, c=1.5)
    assert claim("improvement", **CELL, metric="voi", run="c", over=["a", "b"], claimed=6.3).check(evidence).text == (
        "6.3 % (1.600 → 1.500)"
    )
    assert claim("improvement", **CELL, metric="voi", run="b", over="c", claimed=6.7).check(evidence).text.startswith("-6.7 %")
    assert claim("improvement", **CELL, metric="voi", run="b", over="c", claimed=-6.7).check(evidence).verdict == HOLDS


def test_a_loss_that_rounds_to_nothing_has_no_sign():
    evidence = column("pq", a=0.96, b=0.9599)
    assert claim("improvement", **CELL, metric="pq", run="b", over="a", claimed=1.0).check(evidence).text.startswith("0.0 %")


def test_a_mean_over_seeds_is_not_set_against_another_seed_s_number():
    evidence = column("pq", resunet_tiny__grd__resunet=0.7, resunet_tiny__at__resunet=0.6, resunet_tiny=0.5)
    rows = ["resunet_tiny", "resunet_tiny-at-resunet", "resunet_tiny-grd-resunet"]
    seeds = {key: "0" if "at" in key[1] else "0 1 2" for key in evidence.numbers}
    mixed = replace(evidence, seeds=seeds)
    for fields in ({"kind": "order", "rows": rows}, {"kind": "improvement", "run": rows[2], "over": rows[:2], "claimed": 16.7}):
        made = claim(**fields, **CELL, metric="pq")
        assert made.check(evidence).verdict == HOLDS and made.check(mixed).verdict == UNTESTED
        assert made.check(mixed).text == "rows of different seeds"
    assert claim("improvement", **CELL, metric="pq", run=rows[2], over=rows[0], claimed=40).check(mixed).verdict == HOLDS
    for method, verdict, text in (("none", HOLDS, "1 of 1 columns"), ("at", UNTESTED, "rows of different seeds")):
        better = claim("better", table="t", runs=rows[2:], methods=[method]).check(mixed)
        assert (better.verdict, better.text) == (verdict, text)
    more = {("t", run, "e", "", "pq"): value for run, value in zip(rows, (0.5, 0.6, 0.7), strict=True)}
    both = replace(mixed, numbers={**mixed.numbers, **more}, seeds=seeds | dict.fromkeys(more, "0"))
    better = claim("better", table="t", runs=rows[2:], methods=["at"]).check(both)
    assert better.text == "1 of 1 columns; without 1 of different seeds" and better.verdict == HOLDS


def test_bounds_are_strict():
    evidence = column("seconds", a=2.0, b=0.2)
    for relation, claimed, verdict in [("below", 10, FAILS), ("below", 10.1, HOLDS), ("above", 10, FAILS), ("above", 9.9, HOLDS)]:
        ratio = claim("ratio", **CELL, metric="seconds", run="b", of="a", claimed=claimed, relation=relation)
        assert ratio.check(evidence).verdict == verdict
    assert ratio.check(evidence).text == "10.00 % (0.20 / 2.00)"
    exact = claim("ratio", **CELL, metric="seconds", run="b", of="a", claimed=Decimal("72.9"), relation="above")
    assert exact.check(column("seconds", a=1000.0, b=729.0)).verdict == FAILS  # no float is 72.9


def test_scores_and_times_of_twins_give_a_percentage_and_no_verdict():
    twins = replace(column("seconds", a=2.0, b=0.2), twins=True)
    ratio = claim("ratio", **CELL, metric="seconds", run="b", of="a", claimed=10)
    assert (ratio.check(twins).text, ratio.check(twins).verdict) == ("10 % (0.20 / 2.00)", UNTESTED)
    counted = replace(column("parameters", a=2.0, b=0.2), twins=True)
    assert claim("ratio", **CELL, metric="parameters", run="b", of="a", claimed=10).check(counted).verdict == HOLDS


def test_a_missing_number_is_not_tested_and_no_gap_has_no_percentage():
    gap = claim("gap", **CELL, metric="sbd", run="taught", over="alone", teacher="teacher", claimed=50.0)
    assert gap.check(column("sbd", alone=60.0, taught=70.0, teacher=80.0)).text == "50.0 % (60.0 → 70.0 → 80.0)"
    missing = gap.check(column("sbd", alone=60.0, taught=None, teacher=80.0))
    assert (missing.text, missing.verdict) == ("no number", UNTESTED)
    worse = gap.check(column("sbd", alone=80.0, taught=85.0, teacher=80.0))
    assert (worse.text, worse.verdict) == ("no percentage (80.0 → 85.0 → 80.0)", UNTESTED)


def two_columns(own, other):
    runs = {"resunet_tiny-grd-resunet": own, "resunet_tiny-at-resunet": other}
    return Evidence(
        {("t", run, "d", "", metric): value for run, values in runs.items() for metric, value in values.items()}, {"d": "D"}
    )


@pytest.mark.parametrize(
    ("own", "other", "text", "all_hold", "most_hold"),
    [
        ({"sbd": 80.0, "dic": 1.0}, {"sbd": 70.0, "dic": 2.0}, "2 of 2 columns", HOLDS, HOLDS),
        ({"sbd": 80.0, "dic": 2.0}, {"sbd": 70.0, "dic": 2.0}, "1 of 2 columns; not D |DiC| (equal)", FAILS, FAILS),
        ({"sbd": 60.0, "dic": 1.0}, {"sbd": 70.0, "dic": None}, "0 of 1 columns; not D SBD", FAILS, FAILS),
        ({"sbd": None}, {"sbd": 70.0}, "no number", UNTESTED, UNTESTED),
    ],
)
def test_better_means_strictly_better_in_all_columns_that_have_both_numbers(own, other, text, all_hold, most_hold):
    for extent, verdict in (("all", all_hold), ("majority", most_hold)):
        better = claim("better", table="t", runs=["resunet_tiny-grd-resunet"], methods=["at"], extent=extent)
        finding = better.check(two_columns(own, other))
        assert (finding.text, finding.verdict) == (text, verdict)


def test_the_majority_is_more_than_half():
    better = claim("better", table="t", runs=["resunet_tiny-grd-resunet"], methods=["at"], extent="majority")
    three = two_columns({"sbd": 8.0, "dic": 1.0, "pq": 0.1}, {"sbd": 7.0, "dic": 2.0, "pq": 0.2})
    assert better.check(three).verdict == HOLDS


def test_significant_counts_bold_cells_among_all_columns():
    evidence = two_columns({"sbd": 8.0, "dic": 1.0, "pq": 0.1}, {"sbd": 7.0, "dic": 2.0, "pq": 0.2})
    significant = claim("significant", table="t", run="resunet_tiny-grd-resunet")
    assert significant.check(evidence).verdict == UNTESTED
    key = ("t", "resunet_tiny-grd-resunet", "d", "")
    compared = [(*key, metric) for metric in ("sbd", "dic", "pq")]
    six, five = ({key: " ".join(map(str, range(count))) for key in compared} for count in (6, 5))
    few = Evidence(evidence.numbers, sds=dict.fromkeys(compared, 0.1), compared=compared, bold=compared[:1], seeds=six)
    assert significant.check(replace(few, sds={})).verdict == UNTESTED  # a row of one seed, beside others of six
    assert significant.check(few).text == "bold in 1 of 3 columns" and significant.check(few).verdict == FAILS
    assert significant.check(replace(few, bold=compared[:2])).verdict == HOLDS
    fewer = significant.check(replace(few, seeds=five))  # 3 comparisons x 1 / 32 at best
    assert (fewer.text, fewer.verdict) == ("5 pairs cannot have p < 0.05 in 3 comparisons", UNTESTED)


def test_an_order_is_strict_and_goes_with_the_metric_s_direction():
    order = claim("order", **CELL, metric="dic", rows=["a", "b", "c"])
    assert order.check(column("dic", a=3.0, b=2.0, c=1.0)).verdict == HOLDS
    assert order.check(column("dic", a=3.0, b=2.0, c=2.0)).verdict == FAILS


def test_gains_shrink_from_the_worst_student_to_the_best():
    names = {"resunet_s5": 85.0, "resunet_s5__grd__resunet": 87.0, "resunet_s20": 74.0, "resunet_s20__grd__resunet": 80.0}
    gains = claim("gains", **CELL, metric="sbd", students=["resunet_s5-grd-resunet", "resunet_s20-grd-resunet"])
    assert gains.check(column("sbd", **names)).text == "gains 6.0, 2.0"
    assert gains.check(column("sbd", **names)).verdict == HOLDS
    assert gains.check(column("sbd", **names | {"resunet_s5__grd__resunet": 91.0})).verdict == FAILS


def test_sensitivity_compares_the_largest_minor_change_with_the_smallest_critical_one():
    fields = {"run": "base", "minor": {"λ1": ["a", "b"]}, "critical": {"λ2": ["c"], "λ3": ["d"]}}
    sensitivity = claim("sensitivity", **CELL, metric="sbd", **fields)
    finding = sensitivity.check(column("sbd", base=80.0, a=79.5, b=80.7, c=79.0, d=82.0))
    assert (finding.text, finding.verdict) == ("changes by up to: λ1 0.7, λ2 1.0, λ3 2.0", HOLDS)
    assert sensitivity.check(column("sbd", base=80.0, a=79.0, b=80.7, c=79.0, d=82.0)).verdict == FAILS


@pytest.mark.parametrize(("sd", "verdict"), [(0.2, HOLDS), (0.4, UNTESTED), (None, UNTESTED)])
def test_a_sensitivity_that_seeds_spread_away_is_not_tested(sd, verdict):
    numbers = column("sbd", base=80.0, a=79.3, c=79.0).numbers  # changes by 0.7 and 1.0
    sds = {key: 0.1 for key in numbers} if sd is not None else {}
    sds |= {("t", "c", "d", "", "sbd"): sd} if sd is not None else {}
    fields = {"run": "base", "minor": {"λ1": ["a"]}, "critical": {"λ2": ["c"]}}
    finding = claim("sensitivity", **CELL, metric="sbd", **fields).check(Evidence(numbers, sds=sds, settings={}))
    assert finding.verdict == verdict
    assert finding.text.endswith("; one seed, no sd" if sd is None else f"; sd over seeds up to {sd}")


def test_an_sd_has_the_digits_of_its_metric():
    fields = {"run": "base", "minor": {"λ1": ["a"]}, "critical": {"λ2": ["c"]}}
    evidence = column("dic", base=1.0, a=1.25, c=2.0)
    evidence = replace(evidence, sds=dict.fromkeys(evidence.numbers, 0.04), settings={})
    found = claim("sensitivity", **CELL, metric="dic", **fields).check(evidence)
    assert found.text == "changes by up to: λ1 0.25, λ2 1.00; sd over seeds up to 0.04"


def test_widths_go_with_the_square_root_of_the_parameters():
    numbers = {("t", "narrow", "", "", "parameters"): 0.25, ("table1", "wide", "", "", "parameters"): 25.0}
    assert claim("width", table="t", run="narrow", of="wide", claimed=10).check(Evidence(numbers)).text == "1/10.0"
    for claimed, verdict in ((8, HOLDS), (13, HOLDS), (7, FAILS), (14, FAILS)):
        assert claim("width", table="t", run="narrow", of="wide", claimed=claimed).check(Evidence(numbers)).verdict == verdict


def test_counts_are_of_different_teachers_methods_and_pairs():
    stems = ["resunet", "resunet_tiny-at-resunet", "resunet_tiny-grd-resunet", "resunet_tiny-at-nested_unet"]
    evidence = Evidence({("t", stem, "d", "", "sbd"): 1.0 for stem in stems})
    counts = {
        what: claim("count", tables=["t"], what=what, claimed=2).check(evidence) for what in ("teachers", "methods", "pairs")
    }
    assert [finding.text for finding in counts.values()] == ["2: ResUNet, NestedUNet", "1: AT", "2"]
    assert [finding.verdict for finding in counts.values()] == [HOLDS, FAILS, HOLDS]


def test_a_setting_that_differs_is_not_tested_but_contradicts_in_released_code():
    settings = {("d", "r"): {"training": {"betas": [0.9, 0.999], "learning_rate": 0.01}, "encoder": [8, 16]}}
    reproduced, published = Evidence({}, settings=settings), Evidence({})
    rate = claim("setting", dataset="d", run="r", path="training.learning_rate", claimed=0.0001, released=0.0001)
    assert (rate.check(reproduced).text, rate.check(reproduced).verdict) == ("0.01", UNTESTED)
    assert (rate.check(published).text, rate.check(published).verdict) == ("released code: 0.0001", HOLDS)
    betas = claim("setting", dataset="d", run="r", path="training.betas", claimed=[0.9, 0.99], released=[0.9, 0.999])
    assert betas.check(published).verdict == FAILS and betas.check(reproduced).text == "0.9, 0.999"
    assert claim("setting", dataset="d", run="r", path="encoder", entries=True, claimed=2).check(reproduced).verdict == HOLDS
    assert claim("setting", dataset="d", run="r", path="encoder", entries=True, claimed=2).check(published).verdict == UNTESTED
    with pytest.raises(GrdError, match="unknown setting 'learning_rat'; did you mean 'learning_rate'"):
        claim("setting", dataset="d", run="r", path="training.learning_rat", claimed=1).check(reproduced)


def test_samples_are_counted_over_splits_and_twins_say_nothing_about_sizes():
    images = {"training": (98, 530, 500), "validation": (10, 530, 500), "test": (20, 530, 500)}
    volumes = {"training": (1, 50, 9, 9), "validation": (1, 25, 9, 9), "test": (2, 50, 9, 9)}
    shapes = {"cvppp": images, "cremi_a": volumes}
    titles = {"cvppp": "CVPPP", "cremi_a": "CREMI-A", "cremi_b": "CREMI-B"}
    real = Evidence({}, titles, samples=shapes, settings={})
    twins = replace(real, twins=True)

    def samples(**fields):
        return claim("samples", **{"datasets": ["cvppp"], **fields})

    assert samples(quantity="images", splits=["training", "validation"], claimed=108).check(real).verdict == HOLDS
    assert samples(quantity="images", splits=["test"], claimed=21).check(real).verdict == FAILS
    assert samples(quantity="images", splits=["training"], claimed=108).check(real).verdict == FAILS  # 98 train
    assert samples(datasets=["cremi_a"], quantity="sections", claimed=175).check(real).verdict == HOLDS
    assert samples(datasets=["cremi_a"], quantity="sections", claimed=175).check(twins).verdict == UNTESTED
    assert samples(quantity="size", claimed=[530, 500]).check(real).verdict == HOLDS
    assert samples(quantity="size", claimed=[530, 500]).check(twins).verdict == UNTESTED
    assert samples(datasets=["cremi_a", "cremi_b"], quantity="sections", claimed=1).check(real).verdict == UNTESTED


@pytest.mark.parametrize(
    "about",
    [
        {"kind": "samples", "datasets": ["cvpp"], "quantity": "images", "claimed": 1},
        {"kind": "setting", "dataset": "cvpp", "run": "resunet", "path": "training", "claimed": 1},
    ],
)
def test_a_data_set_that_a_claim_mistypes_is_named_before_anything_runs(about):
    entry = {"place": "V", "says": "A sentence.", **about}
    with pytest.raises(GrdError, match=r"claims\.yaml, 'A sentence\.': unknown data set 'cvpp'; did you mean 'cvppp'"):
        check_claims(replace(project(), claims={"V": [entry]}))


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ({"run": "resunet_tiny-grdd-resunet", "path": "weights.node"}, "unknown method 'grdd'; did you mean 'grd'"),
        ({"run": "resunet_tiny-grd-resunet", "path": "weights.nod"}, "unknown setting 'nod'; did you mean 'node'"),
    ],
)
def test_a_run_or_setting_that_a_claim_mistypes_is_named_before_anything_runs(about, sentence):
    entry = {"kind": "setting", "place": "V", "says": "A sentence.", "dataset": "cvppp", "claimed": 1, **about}
    with pytest.raises(GrdError, match=sentence):
        check_claims(replace(project(), claims={"V": [entry]}))


def curves(sbd, sd=0.5):
    values = [("queue_size", value) for value in (12, 24, 48)] + [("sampling_number", value) for value in (1, 8, 24)]
    frame = pd.DataFrame(values, columns=["option", "value"])
    frame["sbd"], frame["sd"] = sbd, sd
    frame["held_bytes"] = frame["value"] * 2**20 * np.where(frame["option"] == "queue_size", 2, 1)
    return Evidence({}, figures={"figure6": frame.sample(frac=1, random_state=0)})


def test_curves_rise_and_saturate():
    def curve(shape, option="queue_size", quantity="sbd"):
        return claim("curve", shape=shape, option=option, quantity=quantity)

    evidence = curves([80.0, 84.0, 85.0, 80.0, 79.0, 90.0])
    rises = curve("rises").check(evidence)
    assert (rises.text, rises.verdict) == ("80.0, 84.0, 85.0; sd over seeds up to 0.5", HOLDS)
    saturates = curve("saturates").check(evidence)  # 4 / 12 against 1 / 24
    assert (saturates.text, saturates.verdict) == ("0.33 per image up to 24, 0.04 beyond; sd over seeds up to 0.5", HOLDS)
    assert curve("rises", option="sampling_number").check(evidence).verdict == FAILS
    assert curve("saturates", option="sampling_number").check(evidence).verdict == FAILS
    held = curve("rises", quantity="held_bytes").check(evidence)
    assert held.text.endswith(" KiB") and held.verdict == HOLDS


@pytest.mark.parametrize("sd", [4.5, None])
def test_a_course_within_the_seeds_spread_is_not_tested(sd):
    evidence = curves([80.0, 84.0, 84.2, 80.0, 79.0, 81.0], sd)
    for shape in ("rises", "saturates"):
        finding = claim("curve", shape=shape, option="queue_size", quantity="sbd").check(evidence)
        assert finding.verdict == UNTESTED and finding.text.endswith("one seed, no sd" if sd is None else "up to 4.5")


def test_a_fall_beyond_the_seeds_spread_is_no_rise_and_one_within_it_does_not_matter():
    rises = claim("curve", shape="rises", option="queue_size", quantity="sbd")
    assert rises.check(curves([80.0, 79.0, 85.0, 1, 1, 1], sd=1.5)).verdict == HOLDS
    assert rises.check(curves([80.0, 77.0, 85.0, 1, 1, 1], sd=1.5)).verdict == FAILS


def test_a_curve_that_was_not_measured_is_not_tested():
    curve = claim("curve", shape="rises", option="queue_size", quantity="sbd")
    assert curve.check(Evidence({})).verdict == UNTESTED
    assert curve.check(curves([80.0, None, 85.0, 80.0, 79.0, 90.0])).verdict == UNTESTED
    with pytest.raises(GrdError, match="unknown quantity 'held_byts'; did you mean 'held_bytes'"):
        claim("curve", shape="rises", option="queue_size", quantity="held_byts").check(curves([1.0] * 6))


def test_errors_are_summed_over_the_images_of_a_figure():
    runs = ["mobilenet_v2-at-resunet-s0", "mobilenet_v2-grd-resunet-s0"] * 2
    frame = pd.DataFrame({"run": runs, "over_merge": [2, 1, 1, 1], "over_segmentation": [0, 1, 0, 0]})
    evidence = Evidence({}, figures={"figure2": frame})
    fields = {"figure": "figure2", "run": "mobilenet_v2-grd-resunet"}
    merges = claim("errors", **fields, methods=["at"], errors=["over_merge"]).check(evidence)
    assert (merges.text, merges.verdict) == ("GRD 2, AT 3", HOLDS)
    both = claim("errors", **fields, methods=["at"], errors=["over_merge", "over_segmentation"]).check(evidence)
    assert (both.text, both.verdict) == ("GRD 3, AT 3", FAILS)
    assert claim("errors", **fields, methods=["spkd"], errors=["over_merge"]).check(evidence).verdict == UNTESTED


def test_what_holds_by_construction_is_no_finding_of_the_reproduced_side():
    networks = {("t", run, "", "", metric): n for run, n in (("a", 1.0), ("b", 2.0)) for metric in ("parameters", "seconds")}
    networks["table1", "b", "", "", "parameters"] = 4.0
    numbers = networks | {("t", "resunet_tiny-at-resunet", "d", "", "sbd"): 1.0}
    shapes = {"cvppp": {"training": (98, 5, 5), "validation": (10, 5, 5), "test": (20, 5, 5)}}
    published = Evidence(numbers, {"cvppp": "CVPPP"})
    settings = {("d", "r"): {"batch": 2}}
    ours = replace(published, settings=settings, samples=shapes, listed=["cvppp"])
    share = {"table": "t", "run": "a", "of": "b"}
    built = {
        "setting": claim("setting", dataset="d", run="r", path="batch", claimed=2, released=2),
        "count": claim("count", tables=["t"], what="teachers", claimed=1),
        "parameters": claim("ratio", **share, metric="parameters", claimed=50),
        "width": claim("width", **share, claimed=2),
    }
    for name, built_so in built.items():
        assert (built_so.finding_on(published).verdict, built_so.finding_on(ours).verdict) == (HOLDS, CONSTRUCTED), name
    listed = claim("samples", datasets=["cvppp"], quantity="images", splits=["test"], claimed=20)
    assert listed.finding_on(ours).verdict == CONSTRUCTED and listed.finding_on(replace(ours, listed=[])).verdict == HOLDS
    size = claim("samples", datasets=["cvppp"], quantity="size", claimed=[5, 5])
    seconds = claim("ratio", **share, metric="seconds", claimed=50)
    assert size.finding_on(ours).verdict == seconds.finding_on(ours).verdict == HOLDS  # measured
    wrong = claim("count", tables=["t"], what="teachers", claimed=2)
    assert wrong.finding_on(ours).verdict == FAILS
    grows = claim("curve", shape="rises", option="queue_size", quantity="held_bytes")
    assert grows.finding_on(replace(ours, figures=curves([1.0] * 6).figures)).verdict == CONSTRUCTED


def test_what_is_not_tested_says_why():
    with pytest.raises(ValueError, match="note"):
        claim("untested")
    assert claim("untested", note="No metric.").check(Evidence({})).verdict == UNTESTED


def test_rivals_are_of_the_same_pair_and_lists_are_cut():
    assert rival("mobilenet_v2-grd-resunet-node1", "at") == "mobilenet_v2-at-resunet"
    assert rival("mobilenet_v2-grd-resunet", "none") == "mobilenet_v2"
    with pytest.raises(GrdError, match="run 'mobilenet_v2': expected a student with a teacher"):
        rival("mobilenet_v2", "at")
    assert enumeration(["a", "b"]) == "a, b" and enumeration(list("abcdefg")) == "a, b, c, d, e and 2 more"


# Typos.


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"claimd": 1}, r"claims\.yaml, S, 'so': unknown key 'claimd' \(value 1\); did you mean 'claimed'\?"),
        ({"kind": "improvment"}, r"claims\.yaml, S, 'so': unknown kind 'improvment'; did you mean 'improvement'\?"),
        (
            {"relation": "less"},
            r"claims\.yaml, S, 'so': 'relation' has value 'less'; input should be 'equals', 'above' or 'below'",
        ),
        ({"place": None}, r"claims\.yaml, S, 'so': 'place' has value None; input should be a valid string"),
    ],
)
def test_a_typo_is_one_sentence(tmp_path, change, sentence):
    entry = {"place": "V", "says": "so", "kind": "improvement", **CELL, "metric": "sbd", "run": "a", "over": "b", "claimed": 1}
    file = tmp_path / "claims.yaml"
    file.write_text(yaml.safe_dump({"S": [entry | change]}))
    with pytest.raises(GrdError, match=sentence) as error:
        load_claims(read_yaml(file), file)
    assert "\n" not in str(error.value)


def test_a_sentence_alone_is_no_claim(tmp_path):
    (tmp_path / "claims.yaml").write_text("S: [it is better]")
    with pytest.raises(GrdError, match=r"S: expected a claim, a mapping with kind, place and says, found 'it is better'"):
        load_claims(read_yaml(tmp_path / "claims.yaml"))


def test_a_row_or_cell_that_no_table_has_is_refused():
    wrong = claim(
        "gap", table="table2", dataset="cvppp", metric="sbd", run="x", over="resunet_tiny", teacher="resunet", claimed=1
    )
    wrong = wrong.model_copy(update={"run": "resunet_tiny-gdr-resunet"})
    with pytest.raises(
        GrdError, match=r"unknown cell of config/published\.yaml 'table2 resunet_tiny-gdr-resunet .*'; did you mean"
    ):
        check_names({"S": [wrong]}, published_numbers(PUBLISHED))


def test_all_names_are_those_of_tables(claims):
    check_names(claims, published_numbers(PUBLISHED))


# The whole table, from files.


def frames(numbers):
    """A table's csv with these as its reproduced numbers."""
    rows = [
        {"run": run, "dataset": dataset, "segmenter": segmenter or "mutex", "metric": metric, "reproduced": value}
        for (_, run, dataset, segmenter, metric), value in numbers.items()
    ]
    rows.append({"run": None, "dataset": None, "segmenter": None, "metric": "parameters", "reproduced": 4.79})
    return pd.DataFrame(rows).assign(sd=None, seeds="0", p=None, bold=False, doubtful=False)


def write_results(layout, project):
    """Results that are the published numbers, and figures and samples of the smallest size."""
    numbers = published_numbers(PUBLISHED)
    for table in (f"table{n}" for n in range(1, 7)):
        path = layout.results / "tables" / f"{table}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        frames({key: value for key, value in numbers.items() if key[0] == table}).to_csv(path, index=False)
    folder = layout.results / "figures"
    folder.mkdir()
    for figure, stem in (("figure2", "mobilenet_v2-{}-resunet-s0"), ("figure3", "mala_tiny-{}-mala-s0")):
        runs = [stem.format(method) for method in ("at", "spkd", "rekd", "biskd", "grd")]
        errors = {"over_merge": [3, 3, 3, 2, 1], "over_segmentation": [1, 1, 1, 1, 1]}
        pd.DataFrame({"dataset": "d", "image": "i", "run": runs, **errors}).to_csv(folder / f"{figure}.csv", index=False)
    bank = curves([80.0, 84.0, 85.0, 80.0, 82.0, 83.0], sd=None).figures["figure6"]
    bank["held_map_544_bytes"] = bank["held_bytes"]
    bank.to_csv(folder / "figure6.csv", index=False)
    for name, dataset in project.datasets.items():
        shape = (2, 6, 5) if dataset.rank == 2 else (1, 4, 6, 5)
        split = Split([f"{n}" for n in range(shape[0])], np.zeros(shape, np.uint8), np.zeros(shape, np.uint16))
        write_samples(layout.samples(name), dict.fromkeys(("training", "validation", "test"), split))


@pytest.fixture(scope="module")
def table(tmp_path_factory, claims):
    folder = tmp_path_factory.mktemp("claims")
    layout = Layout(folder, folder)
    write_results(layout, project())
    return claims_table(project(), layout, claims)


def test_numbers_that_are_the_paper_s_give_the_paper_s_verdicts(table, claims):
    of_tables = {"improvement", "gap", "ratio", "better", "order", "gains", "sensitivity", "width", "count"}
    for row in table.rows:
        if row.claim.kind in of_tables and row.published.text != "unreadable cell":
            noisy = row.claim.kind == "sensitivity"
            assert row.reproduced.text == row.published.text + ("; one seed, no sd" if noisy else ""), row.claim.says
            of_twins = row.claim.kind in ("improvement", "gap", "ratio") and row.claim.metric not in ("parameters", "macs")
            built = row.claim.is_constructed(Evidence({})) and row.published.verdict == HOLDS
            expected = UNTESTED if of_twins or noisy else CONSTRUCTED if built else row.published.verdict
            assert row.reproduced.verdict == expected, row.claim.says
    assert len(table.rows) == sum(map(len, claims.values()))


def test_this_scale_s_own_settings_samples_and_figures_are_on_the_reproduced_side(table):
    found = {row.claim.says: row.reproduced for row in table.rows}
    assert found["a learning rate of 0.0001"].text == "0.02" and found["a learning rate of 0.0001"].verdict == UNTESTED
    for says, text in (("a batch size of 2", "2"), ("embeddings of dimension 16", "16"), ("K = 32", "32"), ("L = 12", "12")):
        assert (found[says].text, found[says].verdict) == (text, CONSTRUCTED)
    assert found["λ3, of the affinity graph, is 10"].verdict == CONSTRUCTED
    assert (found["CVPPP: 20 images for testing"].text, found["CVPPP: 20 images for testing"].verdict) == ("2", UNTESTED)
    assert found["CVPPP: images of 530 x 500 pixels"].verdict == UNTESTED
    assert found["CREMI: 50 sections for training"].text == "CREMI-A 4, CREMI-B 4, CREMI-C 4"
    assert found["Fewer over-merges than every other method"].verdict == HOLDS
    assert found["Fewer over-segmentations than every other method"].verdict == FAILS
    assert found["The larger K, “the more GPU memory overhead”"].verdict == CONSTRUCTED
    assert found["MobileNet on C. elegans: gap reduced by 46.3 % (AJI)"].text == "no number"


@pytest.fixture
def laptop(tmp_path):
    """A project at scale laptop, and results whose table has the paper's own numbers in its rows."""
    laptop, layout = project(scale="laptop"), Layout(tmp_path, tmp_path)
    wanted = {(run.stem, run.dataset) for run in laptop.runs("table_laptop")}
    numbers = {key: n for key, n in published_numbers(PUBLISHED).items() if key[0] == "table2" and key[1:3] in wanted}
    (tmp_path / "tables").mkdir()
    frames(numbers).to_csv(tmp_path / "tables/table_laptop.csv", index=False)
    return laptop, layout


def test_a_table_with_some_rows_is_judged_by_the_claims_that_it_has_numbers_for(laptop, claims):
    table = claims_table(*laptop, claims, "table_laptop")
    assert list(table.sections) == ["V-B. Results on 2D data sets"]
    found = {row.claim.says: row for row in table.rows}
    assert not any("CVPPP:" in says for says in found)  # it has none
    for says in (
        "ResUNet-tiny on C. elegans: gap reduced by 40.7 % (AJI)",
        "MobileNet on C. elegans: gap reduced by 57.7 % (PQ)",
    ):
        assert found[says].reproduced == found[says].published
    better = found["BISKD, without relations between images, is “suboptimal”: GRD is better"].reproduced
    assert better.text == "16 of 16 columns (the paper has 40)" and better.verdict == UNTESTED
    assert "table_laptop" not in as_markdown(table) and "Scale laptop" in as_markdown(table)


@pytest.mark.parametrize(
    ("extent", "margins", "verdict"),
    [("all", (1, 1), UNTESTED), ("all", (1, -1), FAILS), ("majority", (1, 1), UNTESTED), ("majority", (1, 1, 1), HOLDS)],
)
def test_columns_that_are_missing_leave_a_sentence_undecided(extent, margins, verdict):
    better = claim("better", table="t", runs=["resunet_tiny-grd-resunet"], methods=["none"], extent=extent)
    keys = [[("t", run, f"d{n}", "", "sbd") for n in range(5)] for run in ("resunet_tiny-grd-resunet", "resunet_tiny")]
    printed = {key: 1.0 for row in keys for key in row}
    numbers = {}
    for number, margin in enumerate(margins):
        numbers |= {keys[0][number]: 5.0 + margin, keys[1][number]: 5.0}
    finding = better.check(Evidence(numbers, printed=printed))
    assert finding.verdict == verdict and f"of {len(margins)} columns (the paper has 5)" in finding.text


def test_rows_of_no_run_are_left_out_of_the_reproduced_numbers():
    numbers = {("table3", "mala", "ac34", "waterz", "voi"): 1.0, ("table2", "resunet", "cvppp", "", "sbd"): None}
    tables = {name: frames({key: value for key, value in numbers.items() if key[0] == name}) for name in ("table2", "table3")}
    assert reproduced_numbers(tables, "reproduced", {"table3"}) == numbers


def test_a_doubtful_number_is_no_evidence():
    tables = {"table1": frames({("table1", "resunet", "", "", "seconds"): 23.3}).assign(doubtful=True)}
    assert reproduced_numbers(tables, "reproduced", set()) == {("table1", "resunet", "", "", "seconds"): None}


def test_the_markdown_counts_verdicts_and_goes_section_by_section(table):
    text = as_markdown(table)
    counts = re.search(
        r"Of (\d+) claims, by the published numbers (\d+) hold, (\d+) do not, (\d+) are not tested; by the reproduced ones", text
    )
    total, *parts = map(int, counts.groups())
    assert total == sum(parts) == len(table.rows)
    ours = re.search(r"reproduced ones (\d+) hold, (\d+) do not, (\d+) hold by construction, (\d+) are not tested", text)
    assert sum(map(int, ours.groups())) == total and int(ours[3]) > 20
    assert re.findall(r"^### (.*)$", text, re.M) == list(table.sections)
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| Where"))]
    assert len(rows) == total and all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    assert text.index("The data are synthetic twins") < text.index("| Where") and "one run per cell, seed 0" in text
    assert "× 6.2 % (81.9 → 87.0)" in text


def test_the_csv_has_both_verdicts_in_words(table, tmp_path):
    (tmp_path / "claims.csv").write_text(as_csv(table))
    frame = pd.read_csv(tmp_path / "claims.csv").set_index("says")
    row = frame.loc["AC3/4: VOI improves by 20.0 %"]
    assert (row["published"], row["published_verdict"], row["reproduced_verdict"]) == ("20.0 % (1.649 → 1.320)", HOLDS, UNTESTED)
    assert set(frame["published_verdict"]) == {HOLDS, FAILS, UNTESTED}


def test_the_tex_escapes_everything_and_compiles(table, tmp_path):
    tex = as_tex(table)
    assert not re.search(r"(?<!\\)[%#]|[↑↓±–→λ×✓“”]", tex) and tex.count("{") == tex.count("}")
    assert r"\begin{longtable}" in tex and r"$\times$ 6.2~\% (81.9 $\rightarrow$ 87.0)" in tex
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex")
    write_claims(table, *(tmp_path / f"claims.{ending}" for ending in ("csv", "tex", "md", "html")))
    packages = (
        r"\usepackage[T1]{fontenc}\usepackage{amssymb,booktabs,longtable,graphicx,caption}\usepackage[margin=18mm]{geometry}"
    )
    document = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{claims.tex}}\end{{document}}"
    (tmp_path / "all.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert result.returncode == 0, result.stdout[-2000:]
    assert "Overfull" not in result.stdout
