import shutil
from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest
import torch
from projects import settings, train_into, write_squares

from grd.config.general import Fidelity
from grd.errors import GrdError
from grd.networks.model_file import load_model
from grd.project.run import Run
from grd.training import fit as fit_module
from grd.training.history import read_history
from grd.training.schedule import learning_rate
from grd.training.selection import MEASURES
from grd.training.student import Student

CPU = torch.device("cpu")
TEACHER = Run("cvppp", "resunet")
METHODS = ("at", "spkd", "rekd", "biskd", "grd")


def student(method, network="resunet_tiny"):
    return Run("cvppp", network, method, "resunet")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Prepared samples and a trained teacher."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("world")
    samples = write_squares(folder / "samples.h5")
    train_into([settings(TEACHER)], samples, [folder / "teacher"], folder / "state")
    return folder


def run_group(world, folder, runs, **training):
    folders = [folder / run.name for run in runs]
    chosen = [settings(run, **training) for run in runs]
    teacher = world / "teacher/weights.pt" if runs[0].teacher else None
    trained = train_into(chosen, world / "samples.h5", folders, folder / "state", teacher)
    return trained if any(each.failure for each in trained) else folders


def weights(folder, name="weights.pt"):
    return torch.load(folder / name, weights_only=True)["weights"]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_leaves_a_model_and_a_history_of_every_term(world, tmp_path):
    (folder,) = run_group(world, tmp_path, [student("grd")])
    _, card = load_model(folder / "weights.pt", CPU)
    assert (card.network, card.run, card.offsets[-1]) == ("resunet_tiny", "resunet_tiny-grd-resunet-s0", (0, -9))
    records = read_history(folder / "history.jsonl")
    steps = [record for record in records if "loss" in record]
    assert [record["step"] for record in steps] == [2, 4, 6, 8]
    assert [record["step"] for record in records if "validation" in record] == [4, 8]
    terms = {"affinity", "node", "edge", "affinity_graph", "inter_edge", "inter_affinity"}
    assert terms | {"loss", "step", "learning_rate"} == set(steps[0])
    weighted = sum({"node": 0.1, "edge": 0.1, "affinity_graph": 10}.get(name, 1) * steps[-1][name] for name in terms)
    assert steps[-1]["loss"] == pytest.approx(weighted, rel=1e-5)


def test_training_brings_the_loss_down(world, tmp_path):
    (folder,) = run_group(world, tmp_path, [Run("cvppp", "resunet_tiny")], iterations=60, log_every=10)
    losses = [record["loss"] for record in read_history(folder / "history.jsonl") if "loss" in record]
    assert losses[-1] < 0.7 * losses[0]


def test_without_the_terms_between_images_grd_is_biskd_to_the_bit(world, tmp_path):
    runs = [student("biskd"), replace(student("grd"), changes=(("inter_affinity", 0.0), ("inter_edge", 0.0)))]
    assert same(*map(weights, run_group(world, tmp_path, runs)))


def test_a_changed_weight_changes_the_loss_and_a_scale_s_weight_gives_way_to_it(world, tmp_path):
    changed = replace(student("grd"), changes=(("node", 3.0),))
    folders = run_group(world, tmp_path, [student("grd"), changed], weights={"node": 0.5, "attention": 7})
    for folder, factor in zip(folders, (0.5, 3.0), strict=True):
        first = read_history(folder / "history.jsonl")[0]
        terms = {"affinity": 1, "node": factor, "edge": 0.1, "affinity_graph": 10, "inter_edge": 1, "inter_affinity": 1}
        assert first["loss"] == pytest.approx(sum(weight * first[name] for name, weight in terms.items()), rel=1e-5)


def test_students_have_the_same_bits_alone_and_in_company(world, tmp_path):
    together = run_group(world, tmp_path / "together", [student(method) for method in METHODS])
    for method, folder in zip(METHODS, together, strict=True):
        (alone,) = run_group(world, tmp_path / "alone", [student(method)])
        assert same(weights(folder), weights(alone)), method
        assert (folder / "history.jsonl").read_text() == (alone / "history.jsonl").read_text()


def test_only_the_new_member_of_a_group_trains_when_the_group_runs_again(world, tmp_path, monkeypatch):
    first = run_group(world, tmp_path, [student("at"), student("biskd")])
    before = [weights(folder) for folder in first]
    for folder in first:
        (folder / "weights.pt").unlink()
    advanced, advance = [], Student.advance
    monkeypatch.setattr(
        Student, "advance", lambda self, *arguments: (advanced.append(self.settings.method), advance(self, *arguments))[1]
    )
    again = run_group(world, tmp_path, [student("at"), student("biskd"), student("grd")])
    assert set(advanced) == {"grd"}
    assert all(same(old, weights(folder)) for old, folder in zip(before, again, strict=False))
    (alone,) = run_group(world, tmp_path / "alone", [student("grd")])
    assert same(weights(again[2]), weights(alone))


def test_other_settings_never_resume_a_state(world, tmp_path, monkeypatch):
    run_group(world, tmp_path, [student("at")])
    steps, advance = [], Student.advance
    monkeypatch.setattr(Student, "advance", lambda self, *arguments: (steps.append(self.step), advance(self, *arguments))[1])
    run_group(world, tmp_path, [student("at")], learning_rate=0.02)
    assert steps == list(range(8))


@pytest.mark.parametrize("changed", ["samples.h5", "teacher/weights.pt"])
def test_other_samples_or_another_teacher_never_resume_a_state(world, tmp_path, monkeypatch, changed):
    copy = Path(shutil.copytree(world, tmp_path / "world"))
    run_group(copy, tmp_path, [student("at")])
    if changed == "samples.h5":
        write_squares(copy / changed, seed=10)
    else:
        train_into([settings(TEACHER, learning_rate=0.02)], copy / "samples.h5", [copy / "teacher"], copy / "state")
    steps, advance = [], Student.advance
    monkeypatch.setattr(Student, "advance", lambda self, *arguments: (steps.append(self.step), advance(self, *arguments))[1])
    run_group(copy, tmp_path, [student("at")])
    assert steps == list(range(8))


def test_a_loss_that_is_not_finite_ends_that_run_with_step_and_term_and_spares_the_others(world, tmp_path, monkeypatch):
    from grd.distillation.at import AT

    terms = AT.terms

    def poisoned(self, ours, theirs, moment):
        found = terms(self, ours, theirs, moment)
        return {"attention": found["attention"] * float("nan")} if moment.step == 3 else found

    monkeypatch.setattr(AT, "terms", poisoned)
    trained = run_group(world, tmp_path, [student("at"), student("biskd")])
    with pytest.raises(GrdError, match="resunet_tiny-at-resunet-s0: loss term 'attention' became nan at step 3"):
        trained[0].folder(tmp_path / "state")
    assert not (tmp_path / student("at").name / "weights.pt").exists()
    assert (tmp_path / student("biskd").name / "weights.pt").exists()


@pytest.mark.parametrize("select", ["loss", "last"])
def test_weights_that_the_last_step_spoilt_are_no_result(world, tmp_path, monkeypatch, select):
    advance = Student.advance

    def spoiling(self, *arguments):
        advance(self, *arguments)
        if self.finished:
            next(self.network.parameters()).data.fill_(float("nan"))

    monkeypatch.setattr(Student, "advance", spoiling)
    (trained,) = run_group(world, tmp_path, [student("at")], select=select)
    assert "resunet_tiny-at-resunet-s0: validation became nan after step 8; lower training.learning_rate" in trained.failure


@pytest.mark.parametrize("value", [torch.ones(2), 0.5])
def test_a_loss_term_that_is_no_scalar_tensor_ends_that_run_with_its_name(world, tmp_path, monkeypatch, value):
    from grd.distillation.at import AT

    monkeypatch.setattr(AT, "terms", lambda self, ours, theirs, moment: {"attention": value})
    (trained,) = run_group(world, tmp_path, [student("at")])
    assert "method at: expected scalar tensors from `terms`, found attention to be other values; take" in trained.failure


def test_the_weights_with_the_lowest_validation_loss_are_kept(world, tmp_path, monkeypatch):
    losses = iter([{"validation": 0.5}, {"validation": 0.9}])
    seen = []

    def fake(network, validation, chosen, geometry, pause):
        seen.append({name: tensor.clone() for name, tensor in network.state_dict().items()})
        return next(losses)

    monkeypatch.setitem(MEASURES, "loss", fake)
    (folder,) = run_group(world, tmp_path, [Run("cvppp", "resunet_tiny")])
    assert same(weights(folder), seen[0])
    assert not same(seen[0], seen[1])
    assert same(weights(folder, "last.pt"), seen[1])


def test_one_teacher_pass_serves_all_students(world, tmp_path, monkeypatch):
    passes, view = [], fit_module.view
    monkeypatch.setattr(fit_module, "view", lambda *arguments: (passes.append(1), view(*arguments))[1])
    run_group(world, tmp_path, [student("at"), student("grd"), student("grd", "mobilenet_v2")])
    assert len(passes) == 8


def test_different_seeds_give_different_weights(world, tmp_path):
    (zero,) = run_group(world, tmp_path, [Run("cvppp", "resunet_tiny", seed=0)])
    (one,) = run_group(world, tmp_path, [Run("cvppp", "resunet_tiny", seed=1)])
    assert not same(weights(zero), weights(one))


@pytest.mark.parametrize(("precision", "allowed"), [("float32", False), ("bfloat16", False), ("tf32", True)])
def test_only_a_training_in_tf32_lets_a_gpu_round_its_products(world, tmp_path, monkeypatch, precision, allowed):
    seen = set()
    for name in ("advance", "validate"):
        plain = getattr(Student, name)

        def spy(*arguments, plain=plain):
            seen.add((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
            return plain(*arguments)

        monkeypatch.setattr(Student, name, spy)
    run_group(world, tmp_path, [Run("cvppp", "resunet_tiny")], precision=precision)
    assert seen == {(allowed, allowed)}
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(
    ("options", "dtype", "last"),
    [
        ({}, torch.float32, False),
        ({"precision": "bfloat16"}, torch.bfloat16, False),
        ({"channels_last": True}, torch.float32, True),
    ],
)
def test_precision_and_memory_layout_are_those_of_student_and_teacher(world, tmp_path, monkeypatch, options, dtype, last):
    found, convolve = set(), torch.nn.Conv2d.forward

    def spy(self, images):
        output = convolve(self, images)
        if output.device.type != "meta":  # on which shapes of features are tried
            found.add((output.dtype, output.is_contiguous(memory_format=torch.channels_last)))
        return output

    monkeypatch.setattr(torch.nn.Conv2d, "forward", spy)
    (folder,) = run_group(world, tmp_path, [student("grd")], **options)
    assert found == {(dtype, last)}
    losses = [record["loss"] for record in read_history(folder / "history.jsonl") if "loss" in record]
    assert losses and all(map(isfinite, losses))


def test_the_optimiser_has_the_settings_and_the_rate_of_each_step(world, tmp_path, monkeypatch):
    seen, advance = [], Student.advance

    def advance_and_keep(self, *given):
        advance(self, *given)
        seen.append(dict(self.optimiser.param_groups[0]))

    monkeypatch.setattr(Student, "advance", advance_and_keep)
    said = {"schedule": "one_cycle", "betas": (0.8, 0.99), "eps": 0.02, "weight_decay": 1e-3, "amsgrad": True}
    alone = Run("cvppp", "resunet_tiny")
    run_group(world, tmp_path, [alone], **said)
    wanted = settings(alone, **said).training
    assert [group["lr"] for group in seen] == pytest.approx([learning_rate(wanted, step) for step in range(8)])
    assert all(seen[0][name] == said[name] for name in ("betas", "eps", "weight_decay", "amsgrad"))


def test_the_supervised_loss_is_read_as_fidelity_says(world, tmp_path):
    first = {}
    for reading in ("paper", "released"):
        run = settings(Run("cvppp", "resunet_tiny"), log_every=1).model_copy(update={"fidelity": Fidelity(supervised=reading)})
        train_into([run], world / "samples.h5", [tmp_path / reading], tmp_path / "state")
        first[reading] = read_history(tmp_path / reading / "history.jsonl")[0]["affinity"]
    assert first["released"] > 5.9 * first["paper"] > 0  # six channels are summed, and weights are at least 1
