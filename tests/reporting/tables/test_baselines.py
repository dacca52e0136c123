"""Weights of the baselines, compared by the scores in models' cards."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from projects import WIDTHS

from grd.distillation import method_class
from grd.errors import GrdError
from grd.networks import build
from grd.networks.model_file import ModelCard, Use, save_model
from grd.project.groups import all_groups
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.tables.baselines import baselines

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def project():
    return Project.load(CONFIG, yaml.safe_load((CONFIG / "config.yaml").read_text()))


def write_models(layout, runs, score):
    """Models whose cards have scores on validation images."""
    weights = build("resunet_tiny", **WIDTHS["resunet_tiny"]).state_dict()
    for run in runs:
        scores = {"mutex": dict.fromkeys(("aji", "dice", "f1", "pq"), score(run))}
        use = Use((64, 64), (48, 48), 100.0, None, {}, scores, {}, {})
        card = ModelCard(run.dataset, run.name, "resunet_tiny", WIDTHS["resunet_tiny"], "unit", "zero", [(0, 1)], use=use)
        layout.run(run).mkdir(parents=True)
        save_model(layout.model(run), card, weights)


def test_the_best_weight_of_each_method_is_marked(project, tmp_path):
    layout, runs = Layout(tmp_path, tmp_path), project.runs("baselines")
    best = {"attention": 10.0, "similarity": 30.0, "review": 0.6}
    write_models(layout, runs, lambda run: 0.9 if any(best[name] == value for name, value in run.changes) else 0.4)
    table = baselines(project, layout)
    assert len(table.rows) == 12
    assert [title for title, cells in table.rows.items() if cells[0]] == [
        "AT, attention 10",
        "SPKD, similarity 30",
        "ReKD, review 0.6",
    ]
    assert table.rows["AT, attention 10"][1].mean == 0.9 and table.rows["AT, attention 1"][1].mean == 0.4


def test_the_best_weight_is_marked_once_it_is_the_scale_s(project, tmp_path):
    training = project.scale.training.model_copy(update={"weights": {"attention": 10.0}})
    chosen = replace(project, scale=project.scale.model_copy(update={"training": training}))
    layout, best = Layout(tmp_path, tmp_path), ((), (("attention", 10.0),))
    write_models(layout, chosen.runs("baselines"), lambda run: 0.9 if run.method == "at" and run.changes in best else 0.4)
    table = baselines(chosen, layout)
    assert table.rows["AT, attention 10"][0] == "best" and len(table.rows) == 11


def test_a_model_without_scores_of_images_is_named(project, tmp_path):
    layout = Layout(tmp_path, tmp_path)
    write_models(layout, project.runs("baselines"), lambda run: 0.5)
    other = project.datasets["celegans"].model_copy(update={"segmenters": {"other": None}})
    changed = Project(*[*vars(project).values()][:2], {**project.datasets, "celegans": other}, *[*vars(project).values()][3:])
    with pytest.raises(GrdError, match=r"model\.pt: expected a aji on validation data"):
        baselines(changed, layout)


def test_each_weight_is_a_tenth_of_ours_ours_ten_times_it_or_that_of_the_methods_own_paper(project):
    own = {"attention": {0.06}, "similarity": {3000}, "review": {0.6, 8}}
    found = {name: {method_class(method).weights[name]} for method, name in zip(("at", "spkd", "rekd"), own, strict=True)}
    wanted = {name: {0.1 * weight, weight, 10 * weight} | own[name] for name, (weight,) in found.items()}
    for run in project.runs("baselines"):
        for name, value in run.changes:
            found[name].add(value)
    assert found == wanted


def test_they_train_only_when_they_are_asked_for(project):
    asked = {run for run in project.runs("baselines") if run.changes}
    assert not asked & set(project.all_runs()) and asked <= set(project.known_runs())
    assert "baselines" not in project.tables
    names = [group.name for group in all_groups(project) if asked & set(group.students)]
    assert names == ["celegans_resunet_s0_baselines"]
    assert "celegans_resunet_s0_table2" in [group.name for group in all_groups(project)]
