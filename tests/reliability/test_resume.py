"""Trainings that are killed, told to stop, or find their last checkpoint damaged end with the bits of one that was not."""

import json
import logging
import multiprocessing
import os
import random
import signal
import sys
import time

import pytest
import torch
from projects import settings, train_into, write_squares

from grd.distillation.grd import GRD
from grd.errors import GrdError, UnfinishedError
from grd.project.run import Run
from grd.provenance.verify import survey
from grd.system.files import write_text
from grd.training import checkpoint
from grd.training.checkpoint import Checkpoints
from grd.training.fit import train
from grd.training.folder import TrainingFolder
from grd.training.student import Student

CPU = torch.device("cpu")
FORK = multiprocessing.get_context("fork")  # a process that has torch already
GROUP = [Run("cvppp", "resunet_tiny", method, "resunet") for method in ("grd", "rekd")]  # a memory bank; adapters
KILLS = 20


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Prepared samples and a trained teacher."""
    folder = tmp_path_factory.mktemp("world")
    samples = write_squares(folder / "samples.h5")
    train_into([settings(Run("cvppp", "resunet"))], samples, [folder / "teacher"], folder / "state")
    return folder


def go(world, folder, save_every=0.0, **training):
    """Train both students, saving after every step."""
    runs = [settings(run, **training) for run in GROUP]
    return train(
        runs, ["code"] * len(runs), world / "samples.h5", folder, CPU, world / "teacher/weights.pt", save_every=save_every
    )


def outcome(world, folder, **training):
    """Weights and history of each student, trained to the end."""
    trained = go(world, folder, **training)
    homes = [each.folder(folder) for each in trained]
    return [(torch.load(home.weights, weights_only=True)["weights"], home.history.read_text()) for home in homes]


def same(one, other):
    return all(
        mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine) and history == other_history
        for (mine, history), (theirs, other_history) in zip(one, other, strict=True)
    )


def newest(folder):
    """The steps of the newest checkpoints, a line per training."""
    return [int(found[0].stem.partition("-")[0]) for path in sorted(folder.glob("*")) if (found := Checkpoints(path).all())]


def test_twenty_kills_at_random_instants_leave_the_final_bits_as_they_are(world, tmp_path, capsys):
    """A training that ends before its kill, on a machine that got faster meanwhile, is followed by another."""
    options = {"iterations": 100, "validate_every": 30, "log_every": 7}
    began = time.monotonic()
    undisturbed = outcome(world, tmp_path / "whole", **options)
    longest = (time.monotonic() - began) / 20
    seed = int(os.environ.get("KILL_SEED", "2026"))
    draw, reached, folders = random.Random(seed), [], [tmp_path / "killed0"]
    while len(reached) < KILLS:
        before = newest(folders[-1])
        process = FORK.Process(target=go, args=(world, folders[-1]), kwargs=options)
        process.start()
        if draw.random() < 0.75:  # not while it starts, which on a busy machine takes most of the time
            while process.is_alive() and newest(folders[-1]) == before:
                time.sleep(0.001)
        process.join(draw.uniform(0, longest))
        process.kill()
        process.join()
        if process.exitcode == 0:
            folders.append(tmp_path / f"killed{len(folders)}")
            continue
        assert process.exitcode == -signal.SIGKILL
        reached.append((folders[-1].name, newest(folders[-1])))
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}: {KILLS} kills; steps that were saved after each: {[steps for _, steps in reached]}\n")
    assert len({(folder, *steps) for folder, steps in reached}) > KILLS / 3
    assert all(same(outcome(world, folder, **options), undisturbed) for folder in folders)


@pytest.mark.parametrize("moment", ["write_bytes", "fsync", "replace"])
def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(world, tmp_path, monkeypatch, moment):
    undisturbed = outcome(world, tmp_path / "whole")

    def kill_at_step_five(*arguments, **_):
        if newest(tmp_path / "killed") == [5, 5]:
            if moment == "write_bytes":  # half of it is on the disk
                original(arguments[0], arguments[1][: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    place = {"write_bytes": checkpoint.Path}.get(moment, os)
    original = getattr(place, moment)
    with monkeypatch.context() as patch:
        patch.setattr(place, moment, kill_at_step_five)
        process = FORK.Process(target=go, args=(world, tmp_path / "killed"))
        process.start()
        process.join()
    assert process.exitcode == -signal.SIGKILL
    assert newest(tmp_path / "killed") == [5, 5]
    assert same(outcome(world, tmp_path / "killed"), undisturbed)
    assert not list((tmp_path / "killed").rglob("*.part"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_next_call_goes_on_from_there(world, tmp_path, monkeypatch, number):
    undisturbed = outcome(world, tmp_path / "whole")
    advance = Student.advance

    def signalled(self, *arguments):
        if self.step == 5:
            os.kill(os.getpid(), number)
        advance(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Student, "advance", signalled)
        with pytest.raises(UnfinishedError, match=f"stopped by {signal.Signals(number).name}"):
            go(world, tmp_path / "cut", save_every=600)
    assert newest(tmp_path / "cut") == [6, 6]
    steps = []
    monkeypatch.setattr(Student, "advance", lambda self, *rest: (steps.append(self.step), advance(self, *rest))[1])
    assert same(outcome(world, tmp_path / "cut", save_every=600), undisturbed)
    assert steps == [6, 6, 7, 7]


def test_going_on_with_other_threads_is_told(world, tmp_path, monkeypatch, caplog):
    advance = Student.advance

    def stopped(self, *arguments):
        if self.step == 5:
            raise UnfinishedError("stopped")
        advance(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Student, "advance", stopped)
        with pytest.raises(UnfinishedError):
            go(world, tmp_path)
    torch.set_num_threads(2)
    go(world, tmp_path)
    capability = torch.backends.cpu.get_cpu_capability()
    assert f"is resumed on CPU ({capability}), 2 threads, was begun on CPU ({capability}), 1 thread: its bits" in caplog.text


def test_a_signal_during_validation_is_heeded_and_the_validation_made_later(world, tmp_path, monkeypatch):
    undisturbed = outcome(world, tmp_path / "whole")
    validate = Student.validate

    def signalled(self, *arguments):
        if self.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return validate(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Student, "validate", signalled)
        with pytest.raises(UnfinishedError):
            go(world, tmp_path / "cut", save_every=600)
    assert newest(tmp_path / "cut") == [4, 4]
    assert same(outcome(world, tmp_path / "cut"), undisturbed)


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "truncated":
        del content[1000:]
    elif how == "flipped":
        content[len(content) // 2] ^= 4
    path.write_bytes(content if how != "empty" else b"")


@pytest.mark.parametrize("how", ["truncated", "flipped", "empty"])
def test_a_damaged_newest_checkpoint_is_reported_and_the_one_before_it_used(world, tmp_path, monkeypatch, caplog, how):
    undisturbed = outcome(world, tmp_path / "whole")
    monkeypatch.setattr(Student, "finish", lambda self, inputs: os._exit(1) if self.step == 8 else None)
    process = FORK.Process(target=go, args=(world, tmp_path / "cut"))
    process.start()
    process.join()
    monkeypatch.undo()
    folders = [path for path in (tmp_path / "cut").iterdir()]
    kept = [[path.name[:8] for path in Checkpoints(folder).all()] for folder in folders]
    assert kept == [["00000007", "00000006"]] * 2
    for folder in folders:
        damage(Checkpoints(folder).all()[0], how)
    steps, advance = [], Student.advance
    monkeypatch.setattr(Student, "advance", lambda self, *rest: (steps.append(self.step), advance(self, *rest))[1])
    with caplog.at_level(logging.WARNING):
        assert same(outcome(world, tmp_path / "cut"), undisturbed)
    assert steps == [6, 6, 7, 7]
    assert "is damaged" in caplog.text and "00000007" in caplog.text


def test_when_all_checkpoints_are_damaged_training_starts_anew(world, tmp_path, monkeypatch, caplog):
    undisturbed = outcome(world, tmp_path / "whole")
    monkeypatch.setattr(Student, "finish", lambda self, inputs: os._exit(1))
    process = FORK.Process(target=go, args=(world, tmp_path / "cut"))
    process.start()
    process.join()
    monkeypatch.undo()
    for path in (tmp_path / "cut").rglob("*.pt"):
        damage(path, "truncated")
    assert same(outcome(world, tmp_path / "cut"), undisturbed)
    assert "or starts anew" in caplog.text


def test_a_finished_training_leaves_no_checkpoints_and_an_account_of_itself(world, tmp_path):
    trained = go(world, tmp_path)
    for key in (each.key for each in trained):
        assert sorted(path.name for path in (tmp_path / key).iterdir()) == [
            "history.jsonl",
            "last.pt",
            "lock",
            "training.json",
            "weights.pt",
        ]
        account = json.loads((tmp_path / key / "training.json").read_text())
        assert account["key"] == key and set(account["inputs"]) == {"samples", "teacher"} and account["sessions"] == 1


def test_a_second_process_waits_for_the_one_that_trains_and_takes_its_result(world, tmp_path):
    processes = [FORK.Process(target=go, args=(world, tmp_path), kwargs={"iterations": 20}) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    accounts = [json.loads(path.read_text()) for path in tmp_path.rglob("training.json")]
    assert [account["sessions"] for account in accounts] == [1, 1]


def test_trainings_whose_state_is_gone_are_taken_back_from_the_runs_folders(world, tmp_path, monkeypatch):
    trained = go(world, tmp_path / "state")
    folders = [tmp_path / run.name for run in GROUP]
    for each, folder in zip(trained, folders, strict=True):
        each.folder(tmp_path / "state").hand_over(folder)
    monkeypatch.setattr(Student, "advance", lambda self, *rest: pytest.fail("trained again"))
    runs = [settings(run) for run in GROUP]
    again = train(runs, ["code"] * 2, world / "samples.h5", tmp_path / "new", CPU, world / "teacher/weights.pt", folders)
    assert again == trained
    for each, folder in zip(again, folders, strict=True):
        assert each.folder(tmp_path / "new").weights.read_bytes() == (folder / "weights.pt").read_bytes()


@pytest.mark.parametrize("file", ["weights.pt", "last.pt", "history.jsonl", "training.json"])
def test_a_finished_training_that_rotted_is_trained_again_to_the_same_bits(world, tmp_path, caplog, file):
    trained = go(world, tmp_path)
    folders = [each.folder(tmp_path) for each in trained]
    before = [folder.weights.read_bytes() for folder in folders]
    (folders[0].path / file).write_bytes(b"rotten")
    assert go(world, tmp_path) == trained
    assert [folder.weights.read_bytes() for folder in folders] == before and all(folder.intact for folder in folders)
    assert f"{folders[0].path} is damaged; it is trained again" in caplog.text


def test_other_code_never_takes_up_a_state(world, tmp_path):
    trained = go(world, tmp_path)
    runs = [settings(run) for run in GROUP]
    other = train(runs, ["code", "other"], world / "samples.h5", tmp_path, CPU, world / "teacher/weights.pt")
    assert [old.key == new.key for old, new in zip(trained, other, strict=True)] == [True, False]


def test_a_finished_training_that_rotted_is_not_handed_over(world, tmp_path):
    [trained, _] = go(world, tmp_path / "state")
    model = trained.folder(tmp_path / "state").weights
    damage(model, "flipped")
    with pytest.raises(GrdError, match=rf"{model}: expected what training wrote, found other bytes; delete .*{trained.key}"):
        trained.folder(tmp_path / "state").hand_over(tmp_path / "run")
    assert not (tmp_path / "run/weights.pt").exists()


@pytest.mark.parametrize("file", ["weights.pt", "last.pt", "history.jsonl", "training.json"])
def test_a_training_that_lacks_a_file_is_not_handed_over(tmp_path, file):
    training = TrainingFolder(tmp_path / "state")
    for path in (training.weights, training.last, training.history):
        write_text(path, path.name)
    training.close({})
    (training.path / file).unlink()
    with pytest.raises(GrdError, match=rf"{training.path}: expected a finished training, found that files of it are missing"):
        training.hand_over(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_training_is_not_handed_over_for_other_samples_or_another_teacher(world, tmp_path):
    [trained, _] = go(world, tmp_path / "state")
    files = {"samples": world / "samples.h5", "teacher": world / "teacher/weights.pt"}
    trained.folder(tmp_path / "state").hand_over(tmp_path / "run", **files)
    for name in files:
        with pytest.raises(GrdError, match=r"expected a training from .*other, found one from another file; delete .* and rerun"):
            (tmp_path / "other").write_text("other")
            trained.folder(tmp_path / "state").hand_over(tmp_path / "run", **{**files, name: tmp_path / "other"})


def test_the_same_training_gives_the_same_file(world, tmp_path):
    models = []
    for folder in ("one", "other"):
        process = FORK.Process(target=go, args=(world, tmp_path / folder))  # torch names what it writes after the process
        process.start()
        process.join()
        models.append([path.read_bytes() for path in sorted((tmp_path / folder).rglob("weights.pt"))])
    assert len(models[0]) == 2 and models[0] == models[1]


def test_a_failed_step_is_not_saved(world, tmp_path, monkeypatch):
    terms = GRD.terms

    def poisoned(self, ours, theirs, moment):
        found = terms(self, ours, theirs, moment)
        return {**found, "node": found["node"] * float("nan")} if moment.step == 5 else found

    monkeypatch.setattr(GRD, "terms", poisoned)
    grd, rekd = go(world, tmp_path, log_every=8, validate_every=8)
    assert "'node' became nan at step 5" in grd.failure and not rekd.failure
    assert newest(tmp_path) == [5]


def test_verify_names_a_finished_training_that_rotted(world, tmp_path):
    [trained, _] = go(world, tmp_path)
    model = trained.folder(tmp_path).weights
    assert not survey([tmp_path]).hash_again()
    damage(model, "flipped")
    (sentence,) = (sentence for sentence in survey([tmp_path]).hash_again() if sentence.startswith(f"{model}: expected sha256"))
    assert f"delete {model.parent} and rerun" in sentence
    (model.parent / "training.json").write_text("{}")
    assert "expected the account of a training, found none" in survey([tmp_path]).hash_again()[0]
