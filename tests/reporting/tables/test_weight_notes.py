"""Notes on the weights of losses below Tables II, III and V."""

from dataclasses import replace

import pytest
from test_tables import CONFIG, partitioned, project, scored

from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.notes import baseline_notes
from grd.reporting.tables.table2 import table2
from grd.reporting.tables.table3 import table3
from grd.reporting.tables.table5 import table5


def test_tables_2_and_3_say_that_the_baselines_weights_are_a_choice_of_this_project(tmp_path):
    plan = project()
    layout = scored(tmp_path, plan)
    partitioned(tmp_path, plan)
    for table in (table2, table3):
        (note,) = (note for note in table(plan, layout).notes if note.startswith("AT, SPKD, ReKD"))
        assert "weights (attention 1, similarity 300, review 1)" in note and "this project's choice" in note
    assert baseline_notes(plan, [Run("cvppp", "resunet_tiny", "grd", "resunet")]) == []


def test_the_baselines_note_has_the_weights_of_the_scale():
    plan = project()
    training = plan.scale.training.model_copy(update={"weights": {"review": 0.6}})
    lighter = replace(plan, scale=plan.scale.model_copy(update={"training": training}))
    (note,) = baseline_notes(lighter, lighter.runs("table2"))
    assert "review 0.6" in note


@pytest.mark.parametrize(("reading", "factor"), [("paper", 1), ("released", 4)])
def test_table_5_says_what_its_fifth_weight_multiplies(tmp_path, reading, factor):
    plan = Project.load(CONFIG, {"scale": "demo", "seeds": [0], "fidelity": {"inter_affinity": reading}})
    (note,) = (note for note in table5(plan, scored(tmp_path, plan)).notes if "λ5" in note)
    assert f"λ5 multiplies {factor} x the mean of Eq. 7; the released scripts have 4 x on CVPPP A1, 24 x on other data." in note
