"""Every fault of a configuration is one sentence that names file, key, value and the nearest valid name."""

import shutil
from pathlib import Path

import pytest
import torch
import yaml

from grd.errors import GrdError
from grd.networks import build
from grd.runs import Project, Run

CONFIG = Path(__file__).parents[1] / "config"


@pytest.fixture
def config(tmp_path):
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def edit(path, *keys, value):
    content = yaml.safe_load(path.read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("scale", sorted(path.stem for path in (CONFIG / "scales").glob("*.yaml")))
def test_every_scale_that_is_shipped_is_valid(scale):
    general = yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": scale}
    project = Project.load(CONFIG, general)
    for run in project.all_runs():
        settings = project.settings(run)
        with torch.device("meta"):
            network = build(run.network, **settings.arguments)
        for size in (settings.canvas, settings.augment.crop):
            assert all(side > 0 for side in network.output_size(size))


@pytest.mark.parametrize(
    ("file", "keys", "value", "sentence"),
    [
        ("config.yaml", ("sed",), 1, r"config\.yaml: unknown key 'sed' \(value 1\); did you mean 'seeds'\?"),
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
        ("scales/demo.yaml", ("networks", "resnet"), {}, r"demo\.yaml: unknown network 'resnet'; did you mean 'resunet'\?"),
        ("scales/demo.yaml", ("datasets", "cvpp"), {}, r"demo\.yaml: unknown data set 'cvpp'; did you mean 'cvppp'\?"),
        ("scales/demo.yaml", ("datasets", "cvppp", "canva"), [1, 1], r"unknown key 'cvppp\.canva' .* did you mean 'canvas'\?"),
        ("datasets.yaml", ("cvppp", "augment", "flp"), 1, r"unknown key 'cvppp\.augment\.flp' .* did you mean 'flip'\?"),
        ("datasets.yaml", ("cvppp", "augment", "flip"), 3, r"'cvppp\.augment\.flip' has value 3; .* less than or equal to 1"),
        ("datasets.yaml", ("cvppp",), "gone", r"datasets\.yaml: 'cvppp' expects a mapping, found 'gone'"),
        ("experiments.yaml", ("table1", "datasets"), ["bbbc39"], r"table1: unknown data set 'bbbc39'; did you mean 'bbbc039'"),
        ("datasets.yaml", ("ac34", "segmenters", "waterz", "treshold"), 1, r"waterz\.treshold' .* did you mean 'threshold'\?"),
        ("datasets.yaml", ("ac34", "segmenters", "multicut", "solver"), "gac", r"solver' has value 'gac'; input should be 'ker"),
        ("datasets.yaml", ("ac34", "segmenters", "waterz", "algorithm"), "watrz", r"waterz' has value .*watrz"),
        ("datasets.yaml", ("ac34", "augment", "cutout"), 0.5, "scale and cutout are for images; leave them out for volumes"),
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
        (
            "experiments.yaml",
            ("table1", "runs"),
            [{"net": "resunet"}],
            r"unknown key 'table1\.runs\.0\.net'|'table1\.runs\.0\.network' is missing",
        ),
    ],
)
def test_a_fault_is_one_sentence(config, file, keys, value, sentence):
    edit(config / file, *keys, value=value)
    with pytest.raises(GrdError, match=sentence) as caught:
        Project.load(config)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_broken_yaml_are_named(config):
    (config / "datasets.yaml").write_text("cvppp: [")
    with pytest.raises(GrdError, match=r"datasets\.yaml: not valid YAML"):
        Project.load(config)
    (config / "datasets.yaml").unlink()
    with pytest.raises(GrdError, match=r"datasets\.yaml: expected a configuration file, found none"):
        Project.load(config)


def test_a_scale_is_laid_over_the_data_sets_key_by_key(config):
    project = Project.load(config)
    demo = project.dataset("cvppp")
    assert demo.augment.crop == (48, 48) and demo.augment.flip == 0.5
    assert demo.segmenters["mutex_truth_foreground"].foreground == "truth"


def test_tables_2_and_3_unfold_into_100_runs_and_the_others_share_theirs(config):
    project = Project.load(config)
    table2 = project.runs("table2")
    assert len(table2) == len({(run.dataset, run.name) for run in table2}) == 72
    table3 = project.runs("table3")
    assert len(table3) == 28
    assert set(project.runs("table1", "figure2", "figure3", "figure4", "figure5")) <= {*table2, *table3}
    assert len(project.all_runs()) == 72 + 28


def test_students_of_a_teacher_are_one_group(config):
    groups = Project.load(config).groups()
    assert [len(group.students) for group in groups] == [10] * 6 + [5] * 4
    assert {run.taught_by for run in groups[0].students} == {groups[0].teacher}


@pytest.mark.parametrize("table", ["table2", "table3"])
def test_every_row_of_a_published_table_has_a_run_and_the_reverse(config, table):
    project = Project.load(config)
    for dataset in project.experiments[table].datasets:
        stems = {run.stem for run in project.runs(table) if run.dataset == dataset}
        assert stems == set(project.published[table][dataset])


def test_seeds_multiply_the_runs(config):
    edit(config / "config.yaml", "seeds", value=[0, 1, 2])
    assert len(Project.load(config).all_runs()) == 3 * 100


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (Run("cvppp", "resunet"), "resunet-s0"),
        (Run("cvppp", "resunet_tiny", "grd", "nested_unet", 2), "resunet_tiny-grd-nested_unet-s2"),
    ],
)
def test_a_run_s_name_says_what_it_is(run, name):
    assert run.name == name
    assert Run.named("cvppp", name) == run


def test_a_name_that_says_no_run_is_refused():
    with pytest.raises(GrdError, match="expected NETWORK-sSEED"):
        Run.named("cvppp", "resunet")
    with pytest.raises(GrdError, match="unknown network 'resnet'"):
        Run.named("cvppp", "resnet-s0")


def test_the_digest_follows_what_decides_the_result_and_nothing_else(config):
    run = Run("cvppp", "resunet_tiny")
    before = Project.load(config).settings(run).digest
    edit(config / "datasets.yaml", "cvppp", "segmenters", "mutex_truth_foreground", "strides", value=[4, 4])
    edit(config / "config.yaml", "device", value="cpu")
    assert Project.load(config).settings(run).digest == before
    edit(config / "scales/demo.yaml", "training", "learning_rate", value=0.02)
    assert Project.load(config).settings(run).digest != before


def test_paper_scale_is_the_paper_s_training():
    general = yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": "paper"}
    settings = Project.load(CONFIG, general).settings(Run("cvppp", "resunet_tiny", "grd", "resunet"))
    training = settings.training
    assert (training.iterations, training.batch_size, training.learning_rate) == (300_000, 2, 1e-4)
    assert settings.arguments == {"widths": [4, 8, 16, 32, 64]} and settings.shifts == ((1, 3, 5, 9, 27),) * 2
