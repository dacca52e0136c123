"""Jobs take turns on GPUs. The GPUs are stand-ins, which are names; the processes and their locks are real."""

import logging
import multiprocessing
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from grd.system.gpu_turns import claim_device, occupy_gpu, visible_gpus

PROFILE = Path(__file__).parents[2] / "workflow/profiles/default"
FORK = multiprocessing.get_context("fork")
PATIENCE = 60  # seconds after which a test that hangs fails


class Job:
    """A process that works on some GPUs until it is told to end; `places` is where all jobs look for free ones."""

    def __init__(self, places, gpus, jobs_per_gpu=1):
        self.here, there = FORK.Pipe()
        self.process = FORK.Process(target=self._work, args=(there, places, gpus, jobs_per_gpu))
        self.process.start()

    @staticmethod
    def _work(pipe, places, gpus, jobs_per_gpu):
        handler = logging.Handler()
        handler.emit = lambda record: pipe.send(record.getMessage())
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        with occupy_gpu(gpus, jobs_per_gpu, places) as index:
            pipe.send(index)
            pipe.recv()

    def says(self):
        """What comes next from it: the GPU that it has, or a message."""
        assert self.here.poll(PATIENCE), "nothing for a minute"
        return self.here.recv()

    def end(self):
        self.here.send("enough")
        self.process.join()


@pytest.fixture
def start(tmp_path):
    """Starts jobs, and stops those that are left."""
    jobs = []

    def start(gpus, jobs_per_gpu=1):
        jobs.append(Job(tmp_path, gpus, jobs_per_gpu))
        return jobs[-1]

    yield start
    for job in jobs:
        job.process.kill()
        job.process.join()


def test_a_second_job_on_one_gpu_says_once_that_it_waits_and_begins_when_the_first_ends(start):
    first = start({0: "A"})
    assert first.says() == 0
    second = start({0: "A"})
    assert "waiting for a GPU" in second.says()
    assert not second.here.poll(2.5)  # it has looked again, twice
    first.end()
    assert second.says() == 0


def test_four_jobs_spread_over_four_gpus_and_a_fifth_waits(start):
    gpus = dict(enumerate("ABCD"))
    assert {start(gpus).says() for _ in range(4)} == {0, 1, 2, 3}
    assert "waiting" in start(gpus).says()


def test_two_jobs_share_a_gpu_by_a_setting_but_take_an_empty_one_first(start):
    gpus = {0: "A", 1: "B"}
    assert [start(gpus, jobs_per_gpu=2).says() for _ in range(4)] == [0, 1, 0, 1]
    assert "waiting" in start(gpus, jobs_per_gpu=2).says()


def test_the_place_of_a_killed_job_is_free(start):
    first = start({0: "A"})
    first.says()
    first.process.kill()
    first.process.join()
    assert start({0: "A"}).says() == 0


def test_processes_that_number_the_gpus_otherwise_mean_the_same_ones(start):
    assert start({0: "A"}).says() == 0
    assert start({0: "B", 1: "A"}).says() == 0
    assert "waiting" in start({1: "A"}).says()


def test_a_numbered_gpu_is_that_one_and_any_other_name_all_that_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=f"uuid-{index}"))
    assert visible_gpus(torch.device("cuda:1")) == {1: "uuid-1"}
    assert visible_gpus(torch.device("cuda")) == {index: f"uuid-{index}" for index in range(4)}


def test_work_on_the_cpu_claims_nothing(monkeypatch):
    monkeypatch.setattr("grd.system.gpu_turns.occupy_gpu", lambda *_: pytest.fail("claimed a GPU"))
    with claim_device("a test", "cpu") as device:
        assert device == torch.device("cpu")


MEETING = """
rule all:
    input: "0", "1"
rule meet:
    output: "{number}"
    resources: gpu=1
    shell: "touch {output}.here; for _ in $(seq 20); do ls 0.here 1.here && break; sleep 0.1; done > {output} 2>&1 || true"
"""


@pytest.mark.parametrize(("options", "meet"), [([], False), (["--resources", "gpu=4"], True)])
def test_one_job_on_gpus_is_begun_at_a_time_unless_more_are_asked_for(tmp_path, options, meet):
    (tmp_path / "Snakefile").write_text(MEETING)
    command = [sys.executable, "-m", "snakemake", "--cores", "4", "--workflow-profile", str(PROFILE), *options]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE)
    first, second = sorted((tmp_path / name for name in "01"), key=lambda path: path.stat().st_mtime)
    assert first.read_text().endswith("0.here\n1.here\n") == meet
    assert second.read_text().endswith("0.here\n1.here\n")
