"""Every fault of a configuration is one sentence that names file, key, value and the nearest valid name."""

import json
import os
from types import SimpleNamespace

import pytest
import torch
import yaml
from config.edits import CONFIG, edit

from grd.errors import GrdError
from grd.jobs import PLANNED_CONFIG, config_digests, planned_project
from grd.networks import build
from grd.project.groups import all_groups
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting import check_modules
from grd.training.view import check_offsets


@pytest.mark.parametrize("scale", sorted(path.stem for path in (CONFIG / "scales").glob("*.yaml")))
def test_every_scale_that_is_shipped_is_valid(scale):
    general = yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": scale}
    project = Project.load(CONFIG, general)
    found = {}
    for run in project.all_runs():
        settings = project.settings(run)
        found[run.network, tuple(settings.offsets), settings.canvas, settings.augment.crop] = settings.arguments
    for (name, offsets, *sizes), arguments in found.items():  # what several runs share once
        with torch.device("meta"):
            network = build(name, **arguments)
        for size in sizes:
            assert all(side > 0 for side in network.output_size(size))
        check_offsets(offsets, network.output_size(sizes[-1]))


@pytest.mark.parametrize(
    ("file", "keys", "value", "sentence"),
    [
        ("config.yaml", ("sed",), 1, r"config\.yaml: unknown key 'sed' \(value 1\); did you mean 'seeds'\?"),
        ("config.yaml", ("seeds",), [0, 1, 0], r"'seeds': expected seeds that differ, .* found \[0, 1, 0\]; name each seed once"),
        ("config.yaml", ("seeds",), "many", r"config\.yaml: 'seeds' has value 'many'; input should be a valid list"),
        ("config.yaml", ("scale",), "dmo", r"config\.yaml: unknown scale 'dmo'; did you mean 'demo'\?"),
        ("config.yaml", ("allow_missing",), ["celegan"], r"unknown data set 'celegan'; did you mean 'celegans'\?"),
        ("config.yaml", ("fidelity", "edgs"), "paper", r"unknown key 'fidelity\.edgs' \(value 'paper'\); did you mean 'edges'\?"),
        ("scales/demo.yaml", ("training", "batchsize"), 4, r"demo\.yaml: unknown key 'training\.batchsize' .* 'batch_size'\?"),
        (
            "scales/demo.yaml",
            ("training", "iterations"),
            0,
            r"'training\.iterations' has value 0; input should be greater than 0",
        ),
        ("scales/demo.yaml", ("training", "batch_size"), True, r"'training\.batch_size': expected a whole number, found yes"),
        ("datasets.yaml", ("celegans", "min_instance"), True, r"'celegans\.min_instance': expected a whole number, found yes"),
        ("config.yaml", ("seeds",), [False], r"'seeds\.0': expected a whole number, found no"),
        ("scales/demo.yaml", ("networks", "resnet"), {}, r"demo\.yaml: unknown network 'resnet'; did you mean 'resunet'\?"),
        ("scales/demo.yaml", ("datasets", "cvpp"), {}, r"demo\.yaml: unknown data set 'cvpp'; did you mean 'cvppp'\?"),
        ("scales/demo.yaml", ("datasets", "cvppp", "canva"), [1, 1], r"unknown key 'cvppp\.canva' .* did you mean 'canvas'\?"),
        ("datasets.yaml", ("cvppp", "augment", "flp"), 1, r"unknown key 'cvppp\.augment\.flp' .* did you mean 'flip'\?"),
        ("datasets.yaml", ("cvppp", "augment", "flip"), 3, r"'cvppp\.augment\.flip' has value 3; .* less than or equal to 1"),
        ("datasets.yaml", ("cvppp",), "gone", r"datasets\.yaml: 'cvppp' expects a mapping, found 'gone'"),
        ("experiments.yaml", ("table1", "datasets"), ["bbbc39"], r"table1: unknown data set 'bbbc39'; did you mean 'bbbc039'"),
        ("datasets.yaml", ("ac34", "segmenters", "waterz", "treshold"), 1, r"waterz\.treshold' .* did you mean 'threshold'\?"),
        ("datasets.yaml", ("ac34", "segmenters", "multicut", "solver"), "gac", r"solver' has value 'gac'; input should be 'ker"),
        (
            "datasets.yaml",
            ("ac34", "segmenters", "waterz", "algorithm"),
            "watrz",
            r"\.algorithm' has value 'watrz'; .* 'waterz'\?",
        ),
        ("datasets.yaml", ("ac34", "augment", "cutout"), 0.5, "scale and cutout are for images; leave them out for volumes"),
        (
            "scales/demo.yaml",
            ("datasets", "cvppp", "augment", "crop"),
            [64, 32],
            r"expected a crop with as many rows as columns, .*, found \[64, 32\]; change it",
        ),
        ("datasets.yaml", ("ac34", "reach"), 0, r"'ac34\.reach' has value 0; input should be greater than 0"),
        ("datasets.yaml", ("ac34", "canvas"), [16, 16], "need one entry per axis: 2 for images, 3 for volumes"),
        ("scales/demo.yaml", ("volumes", "iteration"), 1, r"unknown key 'volumes\.iteration' .* did you mean 'iterations'"),
        (
            "experiments.yaml",
            ("table1", "runs"),
            [{"network": "mala"}],
            "expected a network of images for cvppp, found mala, which takes volumes",
        ),
        ("experiments.yaml", ("table1", "runs"), [{"network": "unet"}], r"table1: unknown network 'unet'; did you mean"),
        (
            "experiments.yaml",
            ("table1", "runs"),
            [{"network": "resunet_tiny", "teacher": "resunet", "methods": ["gdr"]}],
            r"table1: unknown method 'gdr'; did you mean 'grd'\?",
        ),
        ("experiments.yaml", ("table1", "runs"), [{"network": "resunet", "methods": ["at"]}], "method 'at' needs a teacher"),
        ("experiments.yaml", ("table1", "runs"), [{"network": "resunet", "changes": {"node": 1}}], "`changes` need a method"),
        ("experiments.yaml", ("table1", "runs"), [{"network": "resunet", "changes": {"top-2": 1}}], "should match pattern"),
        ("experiments.yaml", ("table1", "runs"), [{"network": "resunet_tiny", "teacher": "resunet"}], "unknown method 'none'"),
        (
            "experiments.yaml",
            ("table1", "runs"),
            [{"net": "resunet"}],
            r"unknown key 'table1\.runs\.0\.net' \(value 'resunet'\); did you mean 'network'\?",
        ),
        ("experiments.yaml", ("table1", "runs"), [{"methods": ["at"]}], r"key 'table1\.runs\.0\.network' is missing"),
        ("experiments.yaml", ("table1", "runs"), [{"network": "resunet", "seeds": [0, 0]}], "expected seeds that differ"),
        ("experiments.yaml", ("table1", "runs"), [{"network": "resunet", "seeds": [-1]}], "greater than or equal to 0"),
        ("experiments.yaml", ("table_trial", "rows_of"), "table3", "should be 'table2'"),
        ("datasets.yaml", ("cvppp", "metrics"), ["sbd", "voi"], "expected metrics that differ, voi and arand for volumes"),
        ("datasets.yaml", ("cvppp", "metrics"), ["sbd", "sbd"], "expected metrics that differ"),
        ("scales/demo.yaml", ("training", "betas"), [0.9, 1], r"'training\.betas\.1' has value 1; input should be less than 1"),
    ],
)
def test_a_fault_is_one_sentence(config, file, keys, value, sentence):
    edit(config / file, *keys, value=value)
    with pytest.raises(GrdError, match=sentence) as caught:
        Project.load(config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "keys", "typo", "sentence"),
    [
        ("scales/demo.yaml", ("training", "iterations"), "iteratons", r"'training\.iteratons' \(value \d+\); .* 'iterations'\?"),
        ("datasets.yaml", ("cvppp", "normalisation"), "normalization", r"'cvppp\.normalization' .* 'normalisation'\?"),
        ("datasets.yaml", ("cvppp", "augment", "crop"), "corp", r"'cvppp\.augment\.corp' \(value \[544, 544\]\); .* 'crop'\?"),
        ("datasets.yaml", ("ac34", "segmenters", "waterz", "algorithm"), "algoritm", r"waterz\.algoritm' .* 'algorithm'\?"),
        (
            "datasets.yaml",
            ("cvppp", "segmenters", "mutex_truth_foreground", "foreground"),
            "forground",
            r"\.forground' .* 'foreground'",
        ),
        ("experiments.yaml", ("table1", "needs"), "need", r"'table1\.need' .* did you mean 'needs'\?"),
        ("config.yaml", ("scale",), "sacle", r"'sacle' \(value 'demo'\); did you mean 'scale'\?"),
    ],
)
def test_a_mistyped_required_key_is_named_and_not_missing(config, file, keys, typo, sentence):
    path = config / file
    content = place = yaml.safe_load(path.read_text())
    for key in keys[:-1]:
        place = place[key]
    place[typo] = place.pop(keys[-1])
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(GrdError, match=f"unknown key .*{sentence}") as caught:
        Project.load(config)
    assert "missing" not in str(caught.value)


def test_a_segmenter_without_algorithm_misses_one(config):
    edit(config / "datasets.yaml", "cvppp", "segmenters", "mutex_truth_foreground", value={"strides": [1, 1]})
    with pytest.raises(GrdError, match=r"key 'cvppp\.segmenters\.mutex_truth_foreground\.algorithm' is missing"):
        Project.load(config)


def test_a_long_value_is_cut(config):
    edit(config / "datasets.yaml", "cvppp", "titel", value="x" * 1000)
    with pytest.raises(GrdError, match=r"\(value 'x{59} …\); did you mean 'title'"):
        Project.load(config)


def test_a_missing_file_and_broken_yaml_are_named(config):
    (config / "datasets.yaml").write_text("cvppp: [")
    with pytest.raises(GrdError, match=r"datasets\.yaml, line 2: not valid YAML"):
        Project.load(config)
    (config / "datasets.yaml").unlink()
    with pytest.raises(GrdError, match=r"datasets\.yaml: expected a configuration file, found none"):
        Project.load(config)


def test_a_scale_is_laid_over_the_data_sets_key_by_key(config):
    project = Project.load(config)
    demo = project.dataset("cvppp")
    assert demo.augment.crop == (64, 64) and demo.augment.flip == 0.5
    assert demo.segmenters["mutex_truth_foreground"].foreground == "truth"


def test_the_whole_paper_unfolds_into_127_runs(config):
    """Table II 72, III 28, IV 3 more, V 10, VI 6, Figure 6 8: every cell has a run, and no run is another's double."""
    project = Project.load(config)
    assert {name: len(project.runs(name)) for name in project.regular} == {
        **{"table1": 6, "table2": 72, "table3": 28, "table4": 6, "table5": 11, "table6": 8},
        **{"figure2": 21, "figure3": 14, "figure4": 7, "figure5": 7, "figure6": 9},
    }
    new, counts = set(), {}
    order = [*(f"table{n}" for n in (2, 3, 4, 5, 6)), "figure6", "table1", *(f"figure{n}" for n in (2, 3, 4, 5))]
    for name in order:
        counts[name] = len(set(project.runs(name)) - new)
        new |= set(project.runs(name))
    assert [count for count in counts.values() if count] == [72, 28, 3, 10, 6, 8]
    assert set(project.all_runs()) == new and len(new) == 127
    digests = {project.settings(run).model_copy(update={"run": ""}).key("", []) for run in new}
    assert len(digests) == 127


def test_the_cells_that_the_paper_shares_are_one_run_each(config):
    project = Project.load(config)
    shared = {}
    for run in project.all_runs():
        tables = [name for name in (*(f"table{n}" for n in range(2, 7)), "figure6") if run in project.runs(name)]
        if len(tables) > 1:
            shared[run.dataset, run.stem] = tables
    assert shared == {
        ("cvppp", "mobilenet_v2"): ["table2", "table4"],
        ("cvppp", "mobilenet_v2-biskd-resunet"): ["table2", "table4"],
        ("cvppp", "mobilenet_v2-grd-resunet"): ["table2", "table4", "table5", "figure6"],
        ("cvppp", "resunet_tiny"): ["table2", "table6"],
        ("cvppp", "resunet_tiny-grd-resunet"): ["table2", "table6"],
    }


@pytest.mark.parametrize("experiment", [*(f"table{n}" for n in range(1, 7)), "figure6"])
def test_a_table_by_itself_trains_its_own_runs_alone(config, experiment):
    project = Project.load(config)
    own = set(project.runs(experiment))
    for group in all_groups(project):
        assert set(group.students) <= own or not set(group.students) & own


@pytest.mark.parametrize(("sharing", "sizes"), [("teacher", [34, *[10] * 5, *[5] * 4]), ("run", [1] * 104)])
def test_students_of_a_teacher_can_all_train_together_or_each_alone(config, sharing, sizes):
    edit(config / "config.yaml", "sharing", value=sharing)
    project = Project.load(config)
    regular = set(project.all_runs())
    groups = [group for group in all_groups(project) if regular & set(group.students)]
    assert sorted((len(group.students) for group in groups), reverse=True) == sizes
    assert len({group.name for group in groups}) == len(groups)
    assert all(run.taught_by == group.teacher for group in groups for run in group.students)


def test_rows_with_seeds_of_their_own_are_read_with_all_of_them(config):
    edit(config / "config.yaml", "scale", value="laptop")
    project = Project.load(config)
    taught = [run for run in project.shown_runs("table_laptop") if run.stem == "resunet_tiny-grd-resunet"]
    grd = [run.seed for run in taught if run.dataset == "celegans"]
    assert grd == [0, 1, 2] and project.shown_runs("table_laptop") == project.runs("table_laptop")
    assert {run.seed for run in project.shown_runs("figure_laptop")} == {0}
    edit(config / "experiments.yaml", "figure_laptop", "runs", value=[{"network": "resunet", "seeds": [3, 1]}])
    assert {run.seed for run in Project.load(config).shown_runs("figure_laptop")} == {3}
    assert set(project.runs_of("claims_laptop")) == set(project.runs_of("table_laptop"))


def test_a_data_set_without_a_twin_is_refused_where_data_are_twins(config):
    edit(config / "scales/demo.yaml", "twins", "bbbc0", value={"size": [96, 96]})
    with pytest.raises(GrdError, match="unknown data set 'bbbc0'"):
        Project.load(config)
    edit(config / "scales/demo.yaml", "twins", value={"cvppp": {"size": [96, 96]}})
    with pytest.raises(GrdError, match="expected a twin of ac34, as the data of this scale are twins, found none"):
        Project.load(config).check_twin("ac34")
    Project.load(config).check_twin("cvppp")


def test_data_without_a_twin_whose_table_is_for_another_scale_are_sent_to_that_scale(config):
    content = yaml.safe_load((config / "datasets.yaml").read_text())
    edit(config / "datasets.yaml", "mine", value=content["cvppp"])
    edit(config / "experiments.yaml", "table_trial", "datasets", value=["mine"])
    edit(config / "experiments.yaml", "table_trial", "scale", value="own")
    with pytest.raises(GrdError, match=r"expected a twin of mine, .* found none; call with --config scale=own$"):
        Project.load(config).check_twin("mine")


def test_a_regular_experiment_is_a_table_or_a_figure_and_a_model_has_one_data_set(config):
    edit(config / "experiments.yaml", "model_worms", "datasets", value=["celegans", "bbbc039"])
    with pytest.raises(GrdError, match="model_worms: expected one data set, found celegans, bbbc039"):
        check_modules(Project.load(config))
    content = yaml.safe_load((config / "experiments.yaml").read_text())
    edit(config / "experiments.yaml", "ablation7", value=content["table6"])
    with pytest.raises(GrdError, match=r"expected names that begin with table or figure, .* found ablation7"):
        check_modules(Project.load(config))


def test_seeds_multiply_the_runs(config):
    edit(config / "config.yaml", "seeds", value=[0, 1, 2])
    assert len(Project.load(config).all_runs()) == 3 * 127


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (Run("cvppp", "resunet"), "resunet-s0"),
        (Run("cvppp", "resunet_tiny", "grd", "nested_unet", 2), "resunet_tiny-grd-nested_unet-s2"),
        (
            Run("cvppp", "resunet_tiny", "grd", "resunet", changes=(("edge", 0.0), ("node", 1e-5), ("queue_size", 80.0))),
            "resunet_tiny-grd-resunet-edge0-node0.00001-queue_size80-s0",
        ),
    ],
)
def test_a_run_s_name_says_what_it_is(run, name):
    assert run.name == name
    assert Run.from_name("cvppp", name) == run


def test_a_name_that_says_no_run_is_refused():
    with pytest.raises(GrdError, match="expected NETWORK-sSEED"):
        Run.from_name("cvppp", "resunet")
    with pytest.raises(GrdError, match="unknown network 'resnet'"):
        Run.from_name("cvppp", "resnet-s0")


def test_the_digest_follows_what_decides_the_result_and_nothing_else(config):
    run = Run("cvppp", "resunet_tiny")
    before = Project.load(config).settings(run).key("", [])
    edit(config / "datasets.yaml", "cvppp", "segmenters", "mutex_truth_foreground", "strides", value=[4, 4])
    edit(config / "config.yaml", "device", value="cpu")
    assert Project.load(config).settings(run).key("", []) == before
    edit(config / "scales/demo.yaml", "training", "learning_rate", value=0.03)
    assert Project.load(config).settings(run).key("", []) != before


def test_a_configuration_that_was_edited_after_planning_is_refused(config, monkeypatch):
    job = SimpleNamespace(config=yaml.safe_load((config / "config.yaml").read_text()))
    monkeypatch.chdir(config.parent)
    monkeypatch.setenv(PLANNED_CONFIG, json.dumps(config_digests()))
    (config / ".#published.yaml").symlink_to("an editor's lock")
    assert planned_project(job)[0].published == Project.load(config).published
    times = (config / "published.yaml").stat().st_mtime_ns
    edit(config / "published.yaml", "table2", "cvppp", value={})
    os.utime(config / "published.yaml", ns=(times, times))  # as copies that keep times do
    with pytest.raises(GrdError, match=r"published.yaml: expected the file that this call was planned with"):
        planned_project(job)


def test_a_device_that_no_machine_has_is_refused(config):
    edit(config / "config.yaml", "device", value="gpu")
    with pytest.raises(GrdError, match=r"'device'.*'gpu'"):
        Project.load(config)
