import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_benchmarks import ROOT, measured, shipped

from grd.cli import main
from grd.errors import GrdError
from grd.networks import build
from grd.planning import benchmark as module
from grd.planning.benchmark import Bench, measure, measure_all, noise
from grd.planning.estimate import cost_key, estimate, read_benchmark
from grd.project.run import Run
from grd.system.devices import device_name
from grd.training.student import Student

CPU = torch.device("cpu")
GRD = Run("cvppp", "resunet_tiny", "grd", "resunet")


@pytest.fixture
def demo(monkeypatch):
    """Scale demo with smaller tiles of volumes."""
    monkeypatch.chdir(ROOT)
    project = shipped()
    small = project.dataset("ac34").model_copy(update={"canvas": (12, 44, 44)})
    return replace(project, datasets={**project.datasets, "ac34": small})


def test_a_run_without_teacher_is_measured_on_whole_images(demo):
    found = measure(demo, Run("cvppp", "resunet_tiny", seed=4), 1, CPU)
    assert found.run == "cvppp/resunet_tiny" and found.output == demo.dataset("cvppp").canvas
    assert 0 < found.own <= found.step and found.validation > 0
    assert found.held == found.peak == found.own_peak == 0  # memory is measured on a GPU only


@pytest.mark.parametrize("method", ["at", "spkd", "rekd", "biskd", "grd"])
def test_every_method_is_measured_with_its_teacher(demo, method):
    found = measure(demo, replace(GRD, method=method), 1, CPU)
    assert found.run == f"cvppp/resunet_tiny-{method}-resunet" and 0 < found.own <= found.step


@pytest.mark.parametrize("run", [Run("ac34", "mala_tiny"), Run("ac34", "mala_tiny", "grd", "mala")])
def test_volumes_are_measured_in_tiles(demo, run):
    found = measure(demo, run, 1, CPU)
    network = build("mala_tiny", **demo.settings(run).arguments)
    assert found.step > 0 and found.output == network.output_size((12, 44, 44))


def test_steps_are_measured_in_the_precision_that_they_are_trained_in(demo, monkeypatch):
    seen, advance = [], Student.advance
    monkeypatch.setattr(Student, "advance", lambda *a: (seen.append(torch.backends.cudnn.allow_tf32), advance(*a))[1])
    for precision in ("tf32", "float32"):
        training = demo.scale.training.model_copy(update={"precision": precision})
        measure(replace(demo, scale=demo.scale.model_copy(update={"training": training})), Run("cvppp", "resunet_tiny"), 1, CPU)
    assert seen == [True] * 4 + [False] * 4


def test_the_code_that_trains_is_measured_and_a_second_part_shares_batch_and_teacher_s_outputs(demo, monkeypatch):
    calls = []

    def spy(name, function):
        def called(*arguments, **keywords):
            calls.append((name, arguments))
            return function(*arguments, **keywords)

        return called

    monkeypatch.setattr(module, "shared_part", spy("shared_part", module.shared_part))
    for name in ("advance", "validate"):
        monkeypatch.setattr(Student, name, spy(name, getattr(Student, name)))
    bench = Bench(demo, GRD, CPU)
    bank = bench.student.method.bank
    assert len(bank) == len(bank.nodes)
    bench.round()
    assert [name for name, _ in calls] == ["shared_part", "advance", "advance", "validate"]
    (_, first), (_, second) = calls[1:3]
    assert len(first) == 4 and all(one is other for one, other in zip(first, second, strict=True))
    assert bench.student.step == 2


def test_a_measurement_has_medians_of_seconds_and_the_highest_peaks(demo, monkeypatch):
    rounds = iter(
        [
            [[99, 999], [99, 999], [99, 999]],  # to warm up
            [[3, 50], [1, 40], [7, 10]],
            [[5, 60], [2, 30], [8, 70]],
            [[4, 55], [3, 35], [9, 20]],
        ]
    )
    bench = SimpleNamespace(
        before=1300, teacher_bytes=300, round=lambda: next(rounds), geometry=SimpleNamespace(canvas_output=(112, 112))
    )
    monkeypatch.setattr(module, "Bench", lambda project, run, device: bench)
    monkeypatch.setattr(module, "allocated", lambda device: 1800)
    found = measure(demo, GRD, 3, CPU)
    assert (found.step, found.own, found.validation) == (4, 2, 8)
    assert (found.held, found.peak, found.own_peak) == (500, 300 + 70, 40)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="memory is measured on a GPU only")
def test_on_a_gpu_a_run_holds_weights_gradients_adam_s_moments_and_the_best_weights(demo):
    run, device = Run("cvppp", "resunet_tiny"), torch.device("cuda", 0)
    weights = sum(parameter.nbytes for parameter in build("resunet_tiny", **demo.settings(run).arguments).parameters())
    alone, student = measure(demo, run, 1, device), measure(demo, GRD, 1, device)
    assert 5 * weights < alone.held < 6 * weights + 1_000_000
    assert 2 * 48 * 48 * 16 * 4 < alone.own_peak <= alone.peak < student.peak


def test_noise_has_labels_in_blocks():
    split = noise(2, (40, 50, 3), 2)
    assert split.images.shape == (2, 40, 50, 3) and split.labels.shape == (2, 40, 50)
    assert len(set(split.labels[0, :16, :16].flat)) == 1 and len(set(split.labels.flat)) > 10
    volume = noise(1, (5, 20, 20), 3)
    assert volume.labels.shape == (1, 5, 20, 20) and volume.labels.dtype == np.uint16


def test_a_benchmark_is_written_and_gives_an_estimate(demo, tmp_path):
    students = [Run("bbbc039", "mobilenet_v2", method, "resunet") for method in ("at", "grd")]
    measure_all(demo, students, 1, CPU, tmp_path / "benchmark.json")
    written = read_benchmark(tmp_path / "benchmark.json")
    assert set(written.measurements) == {cost_key(demo, run) for run in students}
    assert (written.steps, written.device) == (1, device_name(CPU))
    found = estimate(demo, students, written)
    assert found.step_seconds > 0 and found.memory == 0


@pytest.fixture
def quick(monkeypatch, demo):
    """Measurements without computing; runs of the networks in this set do not fit."""
    too_large = set()

    def measure(project, run, steps, device):
        if run.network in too_large:
            raise torch.OutOfMemoryError
        return next(iter(measured(project, [run]).measurements.values()))

    monkeypatch.setattr(module, "measure", measure)
    return too_large


def test_earlier_measurements_are_kept_if_they_were_made_in_the_same_way(demo, tmp_path, quick):
    path, one, other = tmp_path / "benchmark.json", [Run("cvppp", "resunet")], [Run("cvppp", "resunet_tiny")]
    measure_all(demo, one, 2, CPU, path)
    measure_all(demo, other, 2, CPU, path)
    assert len(read_benchmark(path).measurements) == 2
    measure_all(demo, other, 1, CPU, path)
    assert len(read_benchmark(path).measurements) == 1
    path.write_text(json.dumps(json.loads(path.read_text()) | {"device": "another"}))
    measure_all(demo, one, 1, CPU, path)
    assert [cost.run for cost in read_benchmark(path).measurements.values()] == ["cvppp/resunet"]


def test_runs_of_the_same_cost_are_measured_once(demo, tmp_path, quick):
    runs = [GRD, replace(GRD, seed=1), replace(GRD, changes=(("node", 1.0),))]
    measure_all(demo, runs, 1, CPU, tmp_path / "benchmark.json")
    (found,) = read_benchmark(tmp_path / "benchmark.json").measurements.values()
    assert found.run == "cvppp/resunet_tiny-grd-resunet"


def test_a_run_that_does_not_fit_is_named_after_the_rest_is_written(demo, tmp_path, quick):
    quick.add("resunet")
    with pytest.raises(GrdError, match=r"too little memory for cvppp/resunet; lower training\.batch_size"):
        measure_all(demo, [Run("cvppp", "resunet"), Run("cvppp", "resunet_tiny")], 1, CPU, tmp_path / "benchmark.json")
    assert [cost.run for cost in read_benchmark(tmp_path / "benchmark.json").measurements.values()] == ["cvppp/resunet_tiny"]


def test_the_command_line_measures_a_target_and_all_that_shares_its_jobs(tmp_path, monkeypatch, capsys, quick):
    (tmp_path / "config").symlink_to(ROOT / "config")
    monkeypatch.chdir(tmp_path)
    main(["benchmark", "figure2", "--scale", "demo", "--steps", "1", "--device", "cpu"])
    assert capsys.readouterr().out == "results/demo/benchmark.json\n"
    main(["plan", "figure2", "--scale", "demo"])
    out = capsys.readouterr().out
    assert "not measured" not in out and "longest job" in out
    with pytest.raises(SystemExit):
        main(["benchmark", "tabel1", "--scale", "demo"])
    assert "did you mean 'table1'" in capsys.readouterr().err
