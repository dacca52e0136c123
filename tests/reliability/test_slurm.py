"""The pipeline on a real Slurm: a throw-away cluster of one node on this machine (one_node_slurm.sh)."""

import json
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile
import torch
import yaml
from pipelines import ROOT, Pipeline
from random_models import write_random_model

SCRIPT = Path(__file__).with_name("one_node_slurm.sh")
PROFILES = ROOT / "workflow/profiles"
TEACHER, ALONE = (f"results/demo/runs/cvppp/{name}-s0" for name in ("resunet", "resunet_tiny"))
STUDENTS = [f"results/demo/runs/cvppp/resunet_tiny-{method}-resunet-s0" for method in ("at", "grd")]
LOG = "results/demo/logs/train/cvppp/resunet_tiny-s0.log"
STEPS = 60


class Job(NamedTuple):
    """What Slurm knows of a job."""

    number: int
    what: str
    state: str
    gpus: str
    cpus: int
    memory: str


def jobs(after=0):
    """All jobs that were submitted, ended ones too."""
    form = "JobID:10,Comment:150,State:15,tres-per-job:15,NumCPUs:6,MinMemory:10"
    command = ["squeue", "--noheader", "--states=all", "--sort=i", f"--Format={form}"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [(int(number), what, state, gpus, int(cpus), mb) for number, what, state, gpus, cpus, mb in map(str.split, lines)]
    return [Job(*row) for row in rows if row[0] > after]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    try:
        started = subprocess.run([SCRIPT, "up", folder], stderr=subprocess.PIPE, text=True, timeout=120)
        if started.returncode:
            pytest.skip(f"no Slurm: {started.stderr.strip()}")
        yield
    finally:
        subprocess.run([SCRIPT, "down", folder], check=True, timeout=120)


@pytest.fixture(scope="module")
def pipeline(cluster, tmp_path_factory):
    """A pipeline with two networks trained; in a training's first session steps take STEP_SECONDS of the environment longer."""
    pipeline = Pipeline(tmp_path_factory.mktemp("project"))
    pipeline.edit(
        "src/grd/training/fit.py",
        "                    self._step(step)\n",
        "                    self._step(step)\n"
        "                    if not self.first:\n"
        "                        time.sleep(float(__import__('os').environ.get('STEP_SECONDS', '0')))\n",
    )
    demo = pipeline.folder / "config/scales/demo.yaml"
    content = yaml.safe_load(demo.read_text())
    content["training"] |= {"iterations": STEPS, "teacher_iterations": STEPS, "validate_every": STEPS}
    demo.write_text(yaml.safe_dump(content))
    pipeline.build(f"{TEACHER}/weights.pt", f"{ALONE}/weights.pt")
    return pipeline


@pytest.fixture(scope="module")
def undisturbed(pipeline):
    """Weights and history of the training that nothing has stopped."""
    return outcome(pipeline)


@pytest.fixture
def untrained(pipeline, undisturbed):
    """The pipeline without that training."""
    shutil.rmtree(pipeline.folder / ALONE)
    shutil.rmtree(pipeline.folder / "results/demo/state")
    (pipeline.folder / LOG).unlink()
    return pipeline


def outcome(pipeline):
    weights = torch.load(pipeline.folder / ALONE / "weights.pt", weights_only=True)["weights"]
    return {name: weight.numpy().tobytes() for name, weight in weights.items()}, (
        pipeline.folder / ALONE / "history.jsonl"
    ).read_text()


def sessions(pipeline):
    return json.loads((pipeline.folder / ALONE / "training.json").read_text())["sessions"]


def steps_in_log(pipeline):
    """The steps that the last job of the training has reported."""
    log = pipeline.folder / LOG
    return [int(step) for step in re.findall(r"step (\d+) of", log.read_text())] if log.exists() else []


def submit(pipeline, *arguments, **environment):
    """Call Snakemake with the profile; without Slurm's accounting, and asking soon whether jobs have ended."""
    here = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "5", "--latency-wait", "5")
    return pipeline.run("--workflow-profile", "workflow/profiles/slurm", *here, *arguments, **environment)


def test_the_profile_has_all_that_the_default_one_has():
    default, slurm = (yaml.safe_load((PROFILES / name / "config.yaml").read_text()) for name in ("default", "slurm"))
    assert default.pop("resources") == ["gpu=1"]  # of one machine; a cluster knows its own
    assert {key: slurm.get(key) for key in default} == default


@pytest.mark.slow
def test_a_table_and_a_distillation_are_jobs_of_the_cluster_with_a_gpu_where_networks_compute(pipeline):
    before = max((job.number for job in jobs()), default=0)
    scores = [f"{run}/scores.csv" for run in STUDENTS]
    result = submit(pipeline, "--config", "scale=demo", "--", "table1", *scores)
    assert result.returncode == 0, result.stdout[-5000:]
    done = {job.what: job for job in jobs(before)}
    assert {job.state for job in done.values()} == {"COMPLETED"}
    on_gpu = {
        "rule_distil_cvppp_resunet_s0_table2",
        "rule_time_inference_wildcards_cvppp_resunet_tiny-s0",
        "rule_segment_cvppp_segment",
    }
    scored = "rule_score_cvppp_score"
    assert set(done) == on_gpu | {scored}
    assert {what for what, job in done.items() if job.gpus == "gres:gpu:1"} == on_gpu
    assert (done[scored].cpus, done[scored].memory) == (1, "2000M")  # of the largest in the group
    assert (pipeline.folder / "results/demo/tables/table1.csv").exists()
    assert not list((pipeline.folder / "results/slurm-logs").rglob("*.log"))  # none has failed


@pytest.mark.slow
def test_a_training_whose_time_is_up_is_saved_and_its_retry_ends_with_the_same_bits(untrained, undisturbed):
    before = max((job.number for job in jobs()), default=0)
    result = submit(untrained, "--set-resources", "train:runtime=2", "--", f"{ALONE}/weights.pt", STEP_SECONDS="1")
    assert result.returncode == 0, result.stdout[-5000:]
    states = [job.state for job in jobs(before)]
    assert states[0] == "FAILED" and states[-1] == "COMPLETED"
    assert "stopped by SIGTERM; the next call resumes it" in result.stdout
    assert sessions(untrained) == len(states) and steps_in_log(untrained)[0] > 1
    assert outcome(untrained) == undisturbed


@pytest.mark.slow
def test_a_cancelled_training_goes_on_at_the_next_call_to_the_same_bits(untrained, undisturbed):
    before = max((job.number for job in jobs()), default=0)
    results = []
    target = ("--retries", "0", "--", f"{ALONE}/weights.pt")
    call = threading.Thread(target=lambda: results.append(submit(untrained, *target, STEP_SECONDS="1")))
    call.start()
    while call.is_alive() and len(steps_in_log(untrained)) < 3:
        time.sleep(0.5)
    subprocess.run(["scancel", str(jobs(before)[0].number)], check=True)
    call.join()
    assert results[0].returncode != 0
    assert jobs(before)[0].state == "CANCELLED"
    result = submit(untrained, *target)
    assert result.returncode == 0, result.stdout[-5000:]
    assert sessions(untrained) == 2 and steps_in_log(untrained)[0] > 1
    assert outcome(untrained) == undisturbed


@pytest.mark.slow
def test_images_are_segmented_by_jobs_of_the_cluster_batch_by_batch(pipeline, tmp_path):
    for number, image in enumerate(np.random.default_rng(0).integers(0, 4000, (3, 40, 48), np.uint16)):
        tifffile.imwrite(tmp_path / f"a{number}.tif", image)
    model, out, before = (
        write_random_model(tmp_path / "model.pt", "resunet_tiny"),
        tmp_path / "out",
        max((job.number for job in jobs()), default=0),
    )
    said = (f"images='{tmp_path}/a?.tif'", f"model={model}", f"out={out}", "batch=2", "options=--table")
    result = submit(pipeline, "--snakefile", "workflow/apply.smk", "--config", *said)
    assert result.returncode == 0, result.stdout[-5000:]
    assert sorted(job.what for job in jobs(before)) == ["rule_segment_0", "rule_segment_1"]
    assert len(list(out.glob("*-labels.tif"))) == 3 and (out / "all-objects.csv").exists()
