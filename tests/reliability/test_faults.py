"""A loss that diverges, memory and disks that do not suffice, a GPU that is not there: a sentence each, and nothing is lost."""

import errno
import json
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from pipelines import Pipeline
from projects import settings, squares, write_squares

import grd.distillation.at
from grd.apply import label_files
from grd.apply.origin import Origin
from grd.apply.outputs import Outputs
from grd.apply.segment import disk_array
from grd.data import store
from grd.distillation import method_class
from grd.errors import GrdError
from grd.networks import build
from grd.networks.model_file import ModelCard, save_model
from grd.project.run import Run
from grd.system.devices import explain_memory_errors
from grd.system.files import atomic_write, write_text
from grd.system.gpu_turns import claim_device
from grd.system.logs import log_to
from grd.training.checkpoint import Checkpoints
from grd.training.fit import train
from grd.training.student import Student

CPU = torch.device("cpu")
FORK = multiprocessing.get_context("fork")  # a process that has torch already
STUDENT = settings(Run("cvppp", "resunet_tiny"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_squares(tmp_path_factory.mktemp("world") / "samples.h5")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("needs to mount a small file system, which root alone may")
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"needs to mount a small file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """Leave no room; returns what to remove to have it again."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


def as_a_job(log, action, *arguments):
    """Do something as a script of the workflow does; its exit code."""

    def script():
        with log_to(log):
            action(*arguments)

    process = FORK.Process(target=script)
    process.start()
    process.join()
    return process.exitcode


def go_on(samples, state):
    """Train a student on the CPU, saving after every step."""
    with claim_device("training resunet_tiny-s0 on cvppp", "cpu") as device:
        train([STUDENT], ["code"], samples, state, device, save_every=0)


def result(state):
    """Weights and history of the one training that there is."""
    (folder,) = state.iterdir()
    return torch.load(folder / "weights.pt", weights_only=True)["weights"], (folder / "history.jsonl").read_text()


def same(one, other):
    return one[1] == other[1] and all(torch.equal(one[0][name], other[0][name]) for name in one[0])


def saved(state):
    """The step of the newest checkpoint."""
    (folder,) = state.iterdir()
    return int(Checkpoints(folder).all()[0].stem.partition("-")[0])


def at_step(number, harm):
    """Student.advance, with harm done before a step."""
    advance = Student.advance

    def harmed(self, *arguments):
        if self.step == number:
            harm()
        advance(self, *arguments)

    return harmed


# Memory


def test_a_training_that_runs_out_of_memory_says_so_and_goes_on_from_its_checkpoint(samples, tmp_path, monkeypatch, capfd):
    go_on(samples, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(Student, "advance", at_step(5, lambda: torch.empty(10**15)))
        assert as_a_job(tmp_path / "log", go_on, samples, tmp_path / "cut") == 2
    (sentence,) = capfd.readouterr().err.splitlines()
    assert "training resunet_tiny-s0 on cvppp: expected enough memory on CPU" in sentence and "smaller batch_size" in sentence
    assert "can't allocate memory" in (tmp_path / "log").read_text()
    assert saved(tmp_path / "cut") == 5
    go_on(samples, tmp_path / "cut")
    assert same(result(tmp_path / "cut"), result(tmp_path / "whole"))


def test_too_large_a_batch_is_too_little_memory(samples, tmp_path, capfd):
    def greedy():
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
        large = STUDENT.training.model_copy(update={"batch_size": 10_000})
        with claim_device("training", "cpu") as device:
            train([STUDENT.model_copy(update={"training": large})], ["code"], samples, tmp_path / "state", device)

    assert as_a_job(tmp_path / "log", greedy) == 2
    assert "expected enough memory on CPU" in capfd.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.18 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_every_library_s_words_for_too_little_memory_are_understood(error):
    with pytest.raises(GrdError, match="figure5: expected enough memory on CPU"), explain_memory_errors("figure5", CPU):
        raise error


def test_other_errors_while_computing_stay_what_they_are():
    with pytest.raises(RuntimeError, match="size mismatch"), explain_memory_errors("figure5", CPU):
        raise RuntimeError("size mismatch")


# Full disks


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before_and_training_goes_on_when_there_is_room(
    samples, small_disk, tmp_path, monkeypatch, capfd
):
    go_on(samples, tmp_path / "whole")
    state = small_disk / "state"
    with monkeypatch.context() as patch:
        patch.setattr(Student, "advance", at_step(5, lambda: fill(small_disk)))
        assert as_a_job(small_disk / "log", go_on, samples, state) == 2  # the log has no room, either
    (sentence,) = capfd.readouterr().err.splitlines()
    assert str(state) in sentence and "00000006-" in sentence and "free some space and run again" in sentence
    assert saved(state) == 5 and not list(state.rglob(".*"))
    (small_disk / "filler").unlink()
    go_on(samples, state)
    assert same(result(state), result(tmp_path / "whole"))


def write_model(path):
    network = build("resunet_tiny", widths=[32, 64, 64, 128, 128])
    save_model(path, ModelCard("cvppp", "resunet_tiny-s0", "resunet_tiny", {}, "unit", "zero", []), network.state_dict())


def write_noise(path):
    images = np.random.default_rng(0).integers(0, 256, (9, 800, 800), np.uint8)
    store.write_samples(path, {"training": store.Split(list("abcdefghi"), images, images.astype(np.uint16))})


def write_many_labels(path):
    labels = np.random.default_rng(0).integers(0, 2**31, (3, 800, 800), np.int32)
    store.write_labels(path, list("abc"), {"one": labels, "other": labels})


def write_label_image(path):
    label_files.write_labels(path, np.random.default_rng(0).integers(0, 60000, (10, 800, 800)), Origin("volume.tif"))


def write_large_label_image(path):
    label_files.AT_ONCE = 0
    write_label_image(path)


@pytest.mark.parametrize("room", [0, 6000, 400_000])
@pytest.mark.parametrize(
    "write",
    [
        *(write_noise, write_many_labels, write_model, write_label_image, write_large_label_image),
        lambda path: write_text(path, "x" * 5_000_000),
    ],
    ids=["samples", "segmentations", "model", "labels", "large labels", "text"],
)
def test_a_file_that_does_not_fit_is_not_there_at_all(small_disk, capfd, write, room):
    os.truncate(fill(small_disk), (4 << 20) - room)
    assert as_a_job(small_disk.parent / "log", write, small_disk / "file") == 2
    (sentence,) = capfd.readouterr().err.splitlines()
    assert sentence.startswith(f"error: {small_disk}/file: expected room to write")
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_labels_on_the_disk_that_do_not_fit_are_one_sentence_and_leave_no_file(small_disk, capfd):
    def write():
        with disk_array(small_disk, (2000, 2000)) as labels:
            labels[:] = 1

    assert as_a_job(small_disk.parent / "log", write) == 2
    assert capfd.readouterr().err.startswith(f"error: {small_disk}: expected room to write")
    assert not list(small_disk.iterdir())


@contextmanager
def small_files():
    """Within this context no file may grow beyond 2000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_labels_that_do_not_fit_leave_no_file(tmp_path):
    labels = np.random.default_rng(0).integers(0, 2**31, (3, 400, 400), np.int32)
    with pytest.raises(OSError, match="too large"), small_files():
        store.write_labels(tmp_path / "file", list("abc"), {str(number): labels for number in range(20)})
    assert not list(tmp_path.iterdir())


def test_a_file_that_fits_holds_what_was_written(tmp_path):
    split = squares(3, 0)
    store.write_samples(tmp_path / "ours.h5", {"test": split})
    with h5py.File(tmp_path / "ours.h5") as file:
        assert np.array_equal(file["test/images"], split.images) and np.array_equal(file["test/labels"], split.labels)


def test_a_folder_without_permission_is_refused_before_anything_is_segmented(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may write everywhere
    with pytest.raises(GrdError, match="labels: expected permission to write there, found none; choose another folder"):
        Outputs(tmp_path / "labels").check_names([Path("a.tif")])


def test_an_error_of_the_file_beside_it_names_the_file_that_is_meant(tmp_path):
    with pytest.raises(PermissionError) as caught, atomic_write(tmp_path / "a.csv") as part:
        raise PermissionError(errno.EACCES, "Permission denied", str(part))
    assert caught.value.filename == str(tmp_path / "a.csv")


def test_a_file_that_may_not_be_written_is_one_sentence(capfd, tmp_path):
    def fails():
        raise PermissionError(errno.EACCES, "Permission denied", "results/table.csv")

    assert as_a_job(tmp_path / "log", fails) == 2
    assert capfd.readouterr().err.startswith("error: results/table.csv: expected permission to read and write it")


def test_a_log_without_room_hides_no_reason_and_shows_no_traceback(capfd):
    def fails():
        for _ in range(100):
            logging.getLogger("grd").info("x" * 1000)
        raise GrdError("the reason")

    assert as_a_job("/dev/full", fails) == 2
    assert capfd.readouterr().err == "error: the reason\n"


# Code of one's own


def test_a_method_whose_class_has_another_name_is_told_the_name(monkeypatch):
    monkeypatch.delattr(grd.distillation.at, "AT")
    with pytest.raises(GrdError, match=r"at\.py: expected a class AT, found none"):
        method_class("at")


# Whole pipelines

RUNS = "results/demo/runs"
AT, GRD, ALONE = (f"{RUNS}/cvppp/resunet_tiny{name}-s0" for name in ("-at-resunet", "-grd-resunet", ""))
GROUP_LOG = "results/demo/logs/distil/cvppp_resunet_s0_table2.log"
SCALE = "config/scales/demo.yaml"


@pytest.fixture
def pipeline(tmp_path):
    return Pipeline(tmp_path)


def failed(pipeline, *arguments):
    """Call Snakemake, which must fail without a traceback; the sentences that it printed."""
    result = pipeline.run("--cores", "2", *arguments)
    assert result.returncode == 1 and "Traceback" not in result.stdout, result.stdout[-5000:]
    return [line for line in result.stdout.splitlines() if line.startswith("error: ")], result.stdout


@pytest.mark.slow
def test_one_student_s_diverging_loss_stops_what_needs_it_alone_until_a_setting_is_changed(pipeline):
    pipeline.edit(SCALE, "  validate_every: 3\n", "  validate_every: 3\n  weights: {attention: 1.0e+39}\n")
    scores = [f"{run}/scores.csv" for run in (AT, GRD)]
    targets = [*scores, f"{ALONE}/weights.pt"]
    (sentence,), printed = failed(pipeline, *targets)
    assert "resunet_tiny-at-resunet-s0: loss term 'loss' became" in sentence and "lower training.learning_rate" in sentence
    assert "exit status 2" in printed and "Execute 2 jobs" in printed  # both trainings without teacher: no GPU, no limit
    assert [(pipeline.folder / target).exists() for target in targets] == [False, True, True]

    before = (pipeline.folder / GROUP_LOG).stat().st_mtime_ns
    assert failed(pipeline, *targets)[0] == [sentence]
    assert (pipeline.folder / GROUP_LOG).stat().st_mtime_ns == before

    pipeline.edit(SCALE, "attention: 1.0e+39", "attention: 1.0")
    pipeline.build(f"{AT}/weights.pt")
    log = (pipeline.folder / GROUP_LOG).read_text()
    assert "resunet_tiny-at-resunet-s0: step 3 of 3" in log


@pytest.mark.slow
def test_a_teacher_s_diverging_loss_stops_its_students_alone(pipeline):
    pipeline.edit(SCALE, "  learning_rate: 0.02\n", "  learning_rate: 1.0e+38\n")  # of images
    targets = [f"{AT}/weights.pt", f"{RUNS}/cremi_c/mala_tiny-s0/weights.pt"]
    (sentence,), printed = failed(pipeline, *targets)
    assert "resunet-s0: loss term 'affinity' became" in sentence and "exit status 2" in printed
    assert [(pipeline.folder / target).exists() for target in targets] == [False, True]


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_without_the_gpu_that_is_asked_for_all_is_made_that_needs_none(pipeline):
    targets = [f"{ALONE}/weights.pt", "results/demo/data/cremi_c.h5"]
    (sentence,), printed = failed(pipeline, *targets, "--config", "device=cuda")
    assert "device 'cuda': expected a GPU, found 0; set `device: auto`" in sentence and "exit status 2" in printed
    assert (pipeline.folder / targets[1]).exists()


@pytest.mark.slow
def test_files_of_another_version_are_named_and_old_states_let_be(pipeline):
    pipeline.build(f"{ALONE}/weights.pt")
    results = pipeline.folder / "results/demo"
    old = results / "state/0123456789abcdef.pt"  # checkpoints lay so once
    old.write_bytes(b"an old state")
    (results / "groups").mkdir(exist_ok=True)
    (results / "groups/cvppp_resunet_s0.json").write_text('{"an": "old record"}')
    target = f"{ALONE}/scores.csv"
    with h5py.File(results / "data/cvppp.h5", "r+") as file:
        file.attrs["format_version"] = 1
    (sentence,), _ = failed(pipeline, target)
    assert "data/cvppp.h5: expected" in sentence and "delete it and rerun" in sentence
    (results / "data/cvppp.h5").unlink()
    assert "Preparing the samples of cvppp" in pipeline.planned(target)
    assert old.read_bytes() == b"an old state"


# Two pipelines


class Call:
    """A call of Snakemake that goes on meanwhile, with its jobs in a process group of its own."""

    def __init__(self, pipeline, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=pipeline.folder,
            env=os.environ | {"PYTHONPATH": str(pipeline.folder / "src"), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )

    def send(self, number):
        """A signal to Snakemake and its jobs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill_snakemake(self):
        """End Snakemake alone, as the system does when memory is short; its jobs live on."""
        self.process.kill()
        self.process.wait()


def until(happened):
    for _ in range(6000):
        if happened():
            return
        time.sleep(0.1)
    pytest.fail("it did not happen in ten minutes")


@pytest.fixture
def call(pipeline):
    """Calls Snakemake on the pipeline; what is left of the calls is killed afterwards."""
    calls = []

    def call(*arguments):
        calls.append(Call(pipeline, *arguments))
        return calls[-1]

    yield call
    for each in calls:
        each.send(signal.SIGKILL)
        each.process.wait()


@pytest.mark.slow
def test_a_second_pipeline_is_turned_away_and_after_a_kill_the_next_one_goes_on(pipeline, call):
    pipeline.edit(SCALE, "  iterations: 3\n", "  iterations: 400\n", first=True)
    model, other = f"{ALONE}/weights.pt", "results/demo/data/cremi_c.h5"
    arguments = (model, "--config", "checkpoint_minutes=0.002")
    results = pipeline.folder / "results/demo"

    def checkpoints():
        return set(results.glob("state/*/*-*.pt"))

    first = call(*arguments)
    until(checkpoints)
    first.send(signal.SIGSTOP)
    (sentence,), printed = failed(pipeline, other)
    assert f"found another pipeline at work (process {first.process.pid} on" in sentence
    assert "Obtaining" not in printed and not (pipeline.folder / other).exists()
    assert "Preparing the samples of cremi_c" in pipeline.planned(other)
    (sentence,), _ = failed(pipeline, "--delete-all-output", "table2")
    assert "found another pipeline at work" in sentence and checkpoints()
    first.send(signal.SIGKILL)
    first.process.wait()

    before = checkpoints()
    second = call(*arguments)
    until(lambda: checkpoints() - before)
    second.kill_snakemake()
    second.send(signal.SIGSTOP)  # its training is now an orphan, which has not ended
    third = call(*arguments)
    until(lambda: any("waiting for it" in log.read_text() for log in results.glob("logs/train/cvppp/*.log")))
    second.send(signal.SIGCONT)
    assert third.process.wait() == 0
    (account,) = results.glob("state/*/training.json")
    assert json.loads(account.read_text())["sessions"] == 2  # the third took what the orphan made


# Mistyped targets


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("tabel2", "unknown target 'tabel2'; did you mean 'table2'?"),
        (f"{RUNS}/cvppp/resunet_tiny-rekd-resunet-s0/weights.pt", "unknown student 'resunet_tiny-rekd-resunet-s0'; did you mean"),
    ],
)
def test_a_mistyped_target_is_one_sentence_with_the_nearest_name(pipeline, target, sentence):
    result = pipeline.run("-n", target)
    assert result.returncode == 1
    assert sentence in result.stdout.splitlines()[-1] and "Building DAG" not in result.stdout
