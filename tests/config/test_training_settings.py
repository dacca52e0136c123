"""The settings of trainings that scales, data sets and rows decide: weights, batches, factors, precision."""

import pytest
import yaml
from config.edits import CONFIG, edit

from grd.distillation import check_methods, weights_and_options
from grd.errors import GrdError
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import titles_of


def test_a_change_that_its_method_has_not_is_one_sentence(config):
    row = {"network": "resunet_tiny", "teacher": "resunet", "methods": ["biskd", "grd"], "changes": {"queue_siz": 1}}
    edit(config / "experiments.yaml", "table4", "runs", value=[row])
    sentence = r"experiments\.yaml, table4: method biskd: unknown weight or option 'queue_siz'; choose one of"
    with pytest.raises(GrdError, match=sentence):
        check_methods(Project.load(config))
    row["changes"] = {"node": 0.1}
    edit(config / "experiments.yaml", "table4", "runs", value=[row])
    with pytest.raises(GrdError, match=r"method biskd: expected a change of node, found 0\.1, its value anyway"):
        check_methods(Project.load(config))
    row |= {"methods": ["grd"], "changes": {"queue_size": 2.5}}
    edit(config / "experiments.yaml", "table4", "runs", value=[row])
    with pytest.raises(GrdError, match=r"expected a whole number above 0 for queue_size, found 2\.5"):
        check_methods(Project.load(config))
    row["changes"] = {"queue_siz": 1}
    edit(config / "experiments.yaml", "table4", "runs", value=[row])
    with pytest.raises(GrdError, match="did you mean 'queue_size'"):
        check_methods(Project.load(config))


def test_changes_on_volumes_are_compared_with_the_weights_of_volumes(config):
    row = {"network": "mala_tiny", "teacher": "mala", "methods": ["grd"], "changes": {"affinity_graph": 10}}
    edit(config / "experiments.yaml", "table3", "runs", value=[row])
    check_methods(Project.load(config))  # the scale's weight for images
    row["changes"] = {"affinity_graph": 1}
    edit(config / "experiments.yaml", "table3", "runs", value=[row])
    with pytest.raises(GrdError, match=r"method grd: expected a change of affinity_graph, found 1, its value anyway"):
        check_methods(Project.load(config))


@pytest.mark.parametrize("scale", sorted(path.stem for path in (CONFIG / "scales").glob("*.yaml")))
def test_methods_accept_the_batch_sizes_of_every_scale_that_is_shipped(scale):
    check_methods(Project.load(CONFIG, yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": scale}))


def test_the_shipped_changes_and_weights_are_ones_that_methods_have(config):
    check_methods(Project.load(config))
    edit(config / "scales/demo.yaml", "training", "weights", value={"noode": 1})
    with pytest.raises(GrdError, match=r"demo\.yaml, weights: unknown term 'noode'; did you mean 'node'"):
        check_methods(Project.load(config))


@pytest.mark.parametrize(("part", "scale"), [("volumes", "trial"), ("training", "paper")])
def test_a_batch_of_one_image_is_refused_for_the_method_that_compares_images(config, part, scale):
    edit(config / "config.yaml", "scale", value=scale)
    edit(config / "scales" / f"{scale}.yaml", part, "batch_size", value=1)
    with pytest.raises(GrdError, match=rf"{scale}\.yaml, {part}: expected a batch_size of at least 2 for method spkd.*found 1"):
        check_methods(Project.load(config))
    for name, experiment in yaml.safe_load((config / "experiments.yaml").read_text()).items():
        rows = [{**row, "methods": [m for m in row.get("methods", ["none"]) if m != "spkd"]} for row in experiment["runs"]]
        edit(config / "experiments.yaml", name, "runs", value=[row for row in rows if row["methods"]])
    check_methods(Project.load(config))


@pytest.mark.parametrize(
    ("method", "term", "weight"), [("at", "attention", 0.05), ("spkd", "similarity", 3000), ("rekd", "review", 8)]
)
def test_a_row_may_set_the_weight_of_a_baseline(config, method, term, weight):
    row = {"network": "resunet_tiny", "teacher": "resunet", "methods": [method], "changes": {term: weight}}
    runs = yaml.safe_load((config / "experiments.yaml").read_text())["table2"]["runs"]
    edit(config / "experiments.yaml", "table2", "runs", value=[*runs, row])
    check_methods(project := Project.load(config))
    run = Run("cvppp", "resunet_tiny", method, "resunet", changes=((term, weight),))
    assert run in project.runs("table2") and run == Run.from_name("cvppp", run.name)
    assert weights_and_options(project.settings(run))[0] == {term: weight}
    assert titles_of(project, "table2")[run.stem].endswith(f", {term} {weight:g}")


def test_a_run_has_its_data_set_s_factor_of_equation_7_in_the_released_reading_alone(config):
    runs = [Run(name, "resunet_tiny", "grd", "resunet") for name in ("cvppp", "celegans", "bbbc039")]
    runs += [Run(name, "mala_tiny", "grd", "mala") for name in ("ac34", "cremi_a", "cremi_b", "cremi_c")]

    def factors():
        project = Project.load(config)
        return [project.settings(run).inter_affinity_factor for run in runs]

    before, key = factors(), Project.load(config).settings(runs[0]).key("", [])
    assert before == [1] * 7
    edit(config / "datasets.yaml", "cvppp", "inter_affinity_factor", value=5)
    assert Project.load(config).settings(runs[0]).key("", []) == key
    edit(config / "config.yaml", "fidelity", "inter_affinity", value="released")
    assert factors() == [5, *[24] * 6]


def test_single_gpu_trains_volumes_with_batch_norm_in_float32_and_images_as_before():
    project = Project.load(CONFIG, yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": "single-gpu"})
    teacher, student = (project.settings(run) for run in (Run("ac34", "mala"), Run("ac34", "mala_tiny", "grd", "mala")))
    assert teacher.arguments["normalise"] and student.arguments["normalise"]
    assert teacher.arguments["encoder"] == [12, 60, 300, 1500] and teacher.training.precision == "float32"
    assert (teacher.training.learning_rate, teacher.training.eps, teacher.training.amsgrad) == (0.002, 1e-8, False)
    assert project.settings(Run("cvppp", "resunet")).training.precision == "bfloat16"


def test_paper_scale_is_the_paper_s_training():
    general = yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": "paper"}
    settings = Project.load(CONFIG, general).settings(Run("cvppp", "resunet_tiny", "grd", "resunet"))
    training = settings.training
    assert (training.iterations, training.batch_size, training.learning_rate) == (300_000, 2, 1e-4)
    assert settings.arguments == {"widths": [4, 8, 16, 32, 64]} and settings.shifts == ((1, 3, 5, 9, 27),) * 2
