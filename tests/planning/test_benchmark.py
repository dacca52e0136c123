import json
from pathlib import Path

import pytest
import torch
import yaml
from projects import settings, volume_settings
from torch import nn

from grd.cli import main
from grd.errors import GrdError
from grd.networks import build
from grd.planning import benchmark as module
from grd.planning.benchmark import described, measure, measure_all, noise
from grd.planning.estimate import Work, all_work, estimate, read_benchmark
from grd.planning.memory import TensorMeter
from grd.project.project import Project
from grd.project.run import Run
from grd.system.devices import device_name

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]
METHODS = ("at", "spkd", "rekd", "biskd", "grd")


def work(kind, network="resunet_tiny", method="none", teacher=None, configure=settings, **training):
    run = Run("cvppp", network, method, teacher)
    sample = (48, 44) if configure is settings else (8, 60, 60)
    taught = None if run.taught_by is None else configure(run.taught_by, **training)
    return Work(kind, configure(run, **training), taught, sample, ("cvppp",))


def parameters(network, configure=settings):
    built = build(network, **configure(Run("cvppp", network)).arguments)
    return sum(parameter.nbytes for parameter in built.parameters())


def test_a_meter_counts_each_storage_once_until_it_is_freed():
    with TensorMeter() as meter:
        one = torch.zeros(1000)
        same = one.view(10, 100)[2:].add_(1)
        assert meter.allocated() == 4000
        begin = meter.mark()
        other = one * 2
        del other
        assert (begin, meter.allocated(), meter.peak()) == (4000, 4000, 8000)
        del one
        assert meter.allocated() == 4000
        del same
        assert meter.allocated() == 0


def test_a_meter_sees_what_is_kept_for_the_backward_pass_and_gradients():
    layers = nn.Sequential(*(nn.Linear(10, 10, bias=False) for _ in range(3)))
    image = torch.zeros(25, 10)
    with TensorMeter() as meter, torch.no_grad():
        layers(image)
        assert (meter.allocated(), meter.peak()) == (0, 2 * 1000)  # a layer's input and output
    with TensorMeter() as meter:
        total = layers(image).square().sum()
        assert meter.allocated() == 3 * 1000 + 4  # of each layer the output: the next one's input
        total.backward()
        del total
        assert meter.allocated() == 3 * 400  # gradients


def test_a_step_without_teacher_holds_weights_gradients_adam_s_moments_and_the_best_weights():
    found = measure(work("plain"), 1, CPU)
    weights = parameters("resunet_tiny")
    assert found.seconds > 0 and (found.kind, found.work) == ("plain", "cvppp: resunet_tiny")
    assert 5 * weights < found.held < 6 * weights + 10_000
    assert found.peak > 2 * 32 * 32 * 16 * 4  # more than the embedding of a batch
    moments = found.checkpoint - 2 * found.model
    assert weights < found.model and 2 * weights < moments < 2 * weights + 1000  # Adam counts its steps, too
    more = measure(work("plain", amsgrad=True), 1, CPU)
    assert more.held - found.held == more.checkpoint - found.checkpoint == pytest.approx(weights, rel=0.01)  # some are unused


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_measured_beside_its_teacher(method):
    found = measure(work("student", method=method, teacher="resunet"), 1, CPU)
    assert found.seconds > 0 and found.held > parameters("resunet_tiny") * 5 and found.peak > 0
    assert found.work == f"cvppp: resunet_tiny-{method}-resunet"


def test_a_teacher_holds_its_weights_and_what_it_says_of_a_batch():
    found = measure(work("teacher", "resunet"), 2, CPU)
    view = 2 * 32 * 32 * (2 * 16 + 6) * 4  # embeddings, the same at unit length, six affinities
    assert found.seconds > 0 and found.held > parameters("resunet") + view and found.model == 0


def test_a_validation_takes_whole_images():
    found = measure(work("validation"), 1, CPU)
    assert found.seconds > 0 and found.output == (48, 48)
    assert found.peak > 2 * 48 * 48 * 16 * 4


@pytest.mark.parametrize(("kind", "method", "teacher"), [("plain", "none", None), ("student", "grd", "mala")])
def test_volumes_are_measured_too(kind, method, teacher):
    found = measure(work(kind, "mala_tiny", method, teacher, volume_settings), 1, CPU)
    assert found.seconds > 0 and found.held > 5 * parameters("mala_tiny", volume_settings)


def test_tiles_of_volumes_are_validated_one_per_sample():
    found = measure(work("validation", "mala_tiny", configure=volume_settings), 1, CPU)
    assert found.output == build("mala_tiny", **volume_settings(Run("ac34", "mala_tiny")).arguments).output_size((12, 40, 40))


def test_noise_has_labels_in_blocks():
    split = noise(2, (40, 50, 3), 2)
    assert split.images.shape == (2, 40, 50, 3) and split.labels.shape == (2, 40, 50)
    assert len(set(split.labels[0, :16, :16].flat)) == 1 and len(set(split.labels.flat)) > 10


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.chdir(ROOT)
    return Project.load(ROOT / "config", yaml.safe_load((ROOT / "config/config.yaml").read_text()) | {"scale": "demo"})


def test_a_benchmark_is_written_and_gives_an_estimate(demo, tmp_path):
    students = [Run("bbbc039", "mobilenet_v2", method, "resunet") for method in ("at", "grd")]
    measured = measure_all(demo, students, 1, CPU, tmp_path / "benchmark.json")
    assert read_benchmark(tmp_path / "benchmark.json") == measured and set(measured.measurements) == set(all_work(demo, students))
    assert (measured.memory, measured.steps, measured.device) == ("estimated", 1, device_name(torch.device("cpu")))
    found = estimate(demo, students, measured)
    assert 0 < found.step_seconds < 60 and found.memory > 2 * parameters("mobilenet_v2")
    assert "celegans" not in described(measured) and "student" in described(measured) and "estimated" in described(measured)


class Quick:
    """In place of a bench: nothing is computed, and some work does not fit."""

    fits = True

    def __init__(self, work, device):
        self.work = work

    def start(self):
        if not self.fits and self.work.kind == "validation":
            raise torch.OutOfMemoryError

    def step(self):
        return lambda: None

    def described(self):
        return {}


@pytest.fixture
def quick(monkeypatch):
    kind = type("Quick", (Quick,), {})
    monkeypatch.setattr(module, "BENCHES", dict.fromkeys(module.BENCHES, kind))
    return kind


def test_what_was_measured_before_in_the_same_way_is_kept(demo, tmp_path, quick):
    path, one, other = tmp_path / "benchmark.json", [Run("cvppp", "resunet")], [Run("cvppp", "resunet_tiny")]
    measure_all(demo, one, 2, CPU, path)
    assert len(measure_all(demo, other, 2, CPU, path).measurements) == 4
    assert len(measure_all(demo, other, 1, CPU, path).measurements) == 2
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"measurements": {"of old settings": next(iter(content["measurements"].values()))}}))
    assert set(measure_all(demo, one, 1, CPU, path).measurements) == set(all_work(demo, one))


def test_work_that_does_not_fit_is_named_after_the_rest_is_written(demo, tmp_path, quick):
    quick.fits = False
    with pytest.raises(GrdError, match=r"too little memory for validation cvppp: resunet; lower training\.batch_size"):
        measure_all(demo, [Run("cvppp", "resunet")], 1, CPU, tmp_path / "benchmark.json")
    assert [each.kind for each in read_benchmark(tmp_path / "benchmark.json").measurements.values()] == ["plain"]


def test_the_command_line_measures_a_target_and_all_that_shares_its_jobs(demo, tmp_path, monkeypatch, capsys, quick):
    (tmp_path / "config").symlink_to(ROOT / "config")
    monkeypatch.chdir(tmp_path)
    main(["benchmark", "figure2", "--scale", "demo", "--steps", "1", "--device", "cpu"])
    assert capsys.readouterr().out.splitlines()[-1] == "results/demo/benchmark.json"
    main(["plan", "figure2", "--scale", "demo"])
    out = capsys.readouterr().out
    assert "not measured" not in out and "estimated" in out
    with pytest.raises(SystemExit):
        main(["benchmark", "tabel1", "--scale", "demo"])
    assert "did you mean 'table1'" in capsys.readouterr().err
