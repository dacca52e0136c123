"""Costs of training jobs, against numbers worked out by hand for the shipped configuration at scale demo.

`training_hours` is 1 there, `training_gb` 1.5.
"""

from dataclasses import replace

import pytest
import yaml
from fake_benchmarks import ROOT, measured, shipped, without_memory

from grd.data.splits import split_names
from grd.errors import GrdError
from grd.planning import estimate as module
from grd.planning.estimate import (
    Estimate,
    Resources,
    cost_key,
    cut_shape,
    estimate,
    image_bytes,
    pixels,
    read_benchmark,
    sample_shape,
    split_shapes,
    training_resources,
)
from grd.project.groups import all_groups
from grd.project.run import Run

GRD = Run("cvppp", "mobilenet_v2", "grd", "resunet")
RUNS = [Run("cvppp", "resunet")]


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(ROOT)  # split files are named relative to the repository


def test_an_estimate_is_steps_and_validations_of_all_students_and_the_shared_part_once():
    demo = shipped()
    (group,) = [group for group in all_groups(demo) if group.name == "cvppp_resunet_s0_table5"]
    found = estimate(demo, group.students, measured(demo))
    assert found.step_seconds == 10 + 10 * 2
    validated = 10 * 3 * 0.5  # once, at the end: 5 images in batches of 2, for each of 10 students
    assert found.hours * 3600 == pytest.approx(demo.scale.training.iterations * 30 + validated)
    data = (98 + 5) * 160 * 152 * (3 + 4)  # images of three channels, labels of four bytes
    assert found.memory == data + 10 * 100 + 1017


def test_an_estimate_of_a_run_by_itself_is_its_whole_steps():
    demo = shipped()
    steps = demo.scale.training.teacher_iterations
    assert estimate(demo, RUNS, measured(demo)).hours * 3600 == pytest.approx(steps * 1 + 3 * 0.5)  # validated once


def test_an_estimate_of_a_network_of_volumes_counts_tiles():
    demo = shipped()
    found = estimate(demo, [Run("ac34", "mala")], measured(demo))
    tiles = 3 * 2 * 2  # 20 x 96 x 96 in outputs of 8 x 48 x 48
    assert found.hours * 3600 == pytest.approx(demo.volume_training.teacher_iterations * 1 + tiles / 2 * 0.5)
    assert found.memory == (80 + 20) * 96 * 96 * (1 + 4) + 100 + 10


def test_an_estimate_from_a_cpu_has_no_memory():
    demo = shipped()
    on_gpu, on_cpu = (estimate(demo, [GRD], benchmark) for benchmark in (measured(demo), without_memory(measured(demo))))
    assert on_cpu.memory == 0 and on_cpu.hours == on_gpu.hours


def test_an_estimate_of_a_run_that_was_not_measured_is_none():
    demo = shipped()
    benchmark = measured(demo, RUNS)
    assert estimate(demo, [Run("cvppp", "resunet", seed=3)], benchmark) is not None
    assert estimate(demo, [Run("cvppp", "resunet_tiny")], benchmark) is None
    assert estimate(demo, [GRD, replace(GRD, method="at")], measured(demo, [GRD])) is None


def test_runs_share_a_measurement_if_they_differ_in_nothing_that_costs_time():
    demo = shipped()
    changed = Run("cvppp", "mobilenet_v2", "grd", "resunet", 5, (("node", 1.0),))
    assert cost_key(demo, changed) == cost_key(demo, GRD)
    assert cost_key(demo, Run("celegans", "resunet")) == cost_key(demo, Run("bbbc039", "resunet"))
    variants = [replace(GRD, method="at"), replace(GRD, teacher="nested_unet"), replace(GRD, dataset="celegans")]
    assert len({cost_key(demo, run) for run in (GRD, *variants, Run("cvppp", "mobilenet_v2"))}) == 5
    assert cost_key(shipped("trial"), GRD) != cost_key(demo, GRD)
    for costs, update in [(False, {"iterations": 7, "learning_rate": 1.0}), (True, {"batch_size": 3}), (True, {"amsgrad": True})]:
        training = demo.scale.training.model_copy(update=update)
        other = replace(demo, scale=demo.scale.model_copy(update={"training": training}))
        assert (cost_key(other, GRD) != cost_key(demo, GRD)) == costs


def test_a_file_that_is_no_benchmark_is_refused_by_name(tmp_path):
    assert read_benchmark(tmp_path / "benchmark.json") is None
    old = '{"machine": {}, "device": "", "torch": "", "steps": 3, "memory": "estimated", "measurements": {}}'
    for content in ("[", "[]", '{"steps": 3}', old):
        (tmp_path / "benchmark.json").write_text(content)
        with pytest.raises(GrdError, match=r"benchmark\.json: expected what `grd benchmark` writes, .* delete it and measure"):
            read_benchmark(tmp_path / "benchmark.json")


def estimated(monkeypatch, hours, memory):
    monkeypatch.setattr(module, "estimate", lambda project, runs, benchmark: Estimate(1, hours, memory))


def test_a_job_that_was_not_measured_asks_for_what_the_scale_says_and_more_memory_at_every_attempt():
    demo, empty = shipped(), measured(shipped(), measurements={})
    assert training_resources(demo, RUNS, None) == Resources(60, 1500)
    assert training_resources(demo, RUNS, None, attempt=3) == Resources(60, 3000)
    assert training_resources(demo, RUNS, empty) == Resources(60, 1500)


def test_a_measured_job_asks_for_half_as_much_again_and_a_start(monkeypatch):
    demo = shipped()
    estimated(monkeypatch, hours=0.2, memory=2_000_000_000)
    assert training_resources(demo, RUNS, measured(demo)) == Resources(15 + 18, 4000 + 3000)
    assert training_resources(demo, RUNS, measured(demo), attempt=2) == Resources(50, 10500)


def test_a_job_that_was_measured_on_a_cpu_asks_for_the_scale_s_memory(monkeypatch):
    demo = shipped()
    estimated(monkeypatch, hours=0.2, memory=0)
    assert training_resources(demo, RUNS, measured(demo)) == Resources(15 + 18, 1500)


def test_no_training_asks_for_longer_than_the_scale_allows(monkeypatch):
    demo = shipped()
    estimated(monkeypatch, hours=100, memory=0)
    assert training_resources(demo, RUNS, measured(demo), attempt=4).minutes == 60


def test_samples_are_counted_by_the_split_file_or_as_the_archive_lists_them():
    paper = shipped("paper")
    counts = {name: [len(shapes) for shapes in split_shapes(paper, name).values()] for name in paper.datasets}
    assert counts["cvppp"] == [98, 10, 20] and counts["celegans"] == [40, 10, 50] and counts["bbbc039"] == [100, 50, 50]
    assert counts["cremi_b"] == [1, 1, 1]
    assert list(split_shapes(paper, "bbbc039")) == list(split_names(paper.dataset("cvppp"), {}))


def test_a_part_of_a_volume_has_the_size_of_the_part(tmp_path):
    paper = shipped("paper")
    assert split_shapes(paper, "ac34")["validation"] == [(20, 1024, 1024)]
    split = tmp_path / "split.yaml"
    custom = replace(paper, datasets={"ac34": paper.dataset("ac34").model_copy(update={"split": split})})
    split.write_text('training: ["AC4[0:10, 0:400, 0:220]"]\nvalidation: [AC3]\ntest: ["AC4[50:90]"]\n')
    assert list(split_shapes(custom, "ac34").values()) == [[(10, 400, 220)], [(100, 1024, 1024)], [(40, 1024, 1024)]]
    split.write_text('training: ["AC4[0:9]"]\nvalidation: [AC3]\ntest: [AC5]\n')
    assert split_shapes(custom, "ac34")["training"] == [(9, 1024, 1024)]  # a changed file is read again


def test_a_twin_has_sections_of_its_own_size():
    twins = yaml.safe_load((ROOT / "config/scales/demo.yaml").read_text())["twins"]
    assert sample_shape(shipped(), "cremi_a") == (125, *twins["cremi_a"]["size"])
    assert sample_shape(shipped(), "cvppp") == tuple(twins["cvppp"]["size"])
    assert sample_shape(shipped("paper"), "cvppp") == (530, 500)


def test_crops_are_cut_from_whole_images_and_from_as_many_sections_as_they_have():
    assert cut_shape(shipped(), "cvppp") == (160, 152, 3)
    assert cut_shape(shipped(), "cremi_a") == (12, 96, 96)


def test_pixels_and_bytes_are_those_of_all_samples_of_the_splits():
    paper = shipped("paper")
    assert pixels(paper, "cvppp", ["training", "validation"]) == 108 * 530 * 500
    assert image_bytes(paper, "cvppp", ["training", "test"]) == 118 * 530 * 500 * 3
    assert image_bytes(paper, "cremi_c", ["training", "validation"]) == 75 * 1024 * 1024
