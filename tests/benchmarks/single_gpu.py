"""What a GPU does with scale single-gpu in ten minutes, without a network: one command, one folder of results.

    python tests/benchmarks/single_gpu.py SAMPLES OUT [--minutes 9]

SAMPLES is the prepared BBBC039 (results/<scale>/data/bbbc039.h5). In this order:

1. `grd benchmark`: seconds and peak memory of a step of ResUNet, and of ResUNet-tiny taught by each method, at full width.
2. float32 against bfloat16: ResUNet-tiny twice for `--parity` steps; losses and validation score of both.
3. The pipeline: the teacher, the student alone and its five taught copies, for as many steps as fit into what is left of
   `--minutes` by step 1; scores, and the table `table_nuclei`.

OUT gets summary.json (machine, steps, times, losses and scores of step 2), benchmark.json (seconds and memory of step 1) and the
table. `--rehearse` does all of it in minutes on a CPU: narrow networks, small crops, 3 steps, 3 images of each split.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
import yaml

from grd.cli import main as grd
from grd.config.parsing import read_yaml
from grd.data.store import SPLITS, read_split, write_samples
from grd.planning.estimate import cost_key, read_benchmark
from grd.project.groups import groups_of
from grd.project.project import Project
from grd.project.run import Run
from grd.system.hardware import hardware
from grd.training.fit import train

ROOT = Path(__file__).parents[2]
SCALE, TABLE, DATASET = "single-gpu", "table_nuclei", "bbbc039"
SAMPLES = Path("results") / SCALE / "data" / f"{DATASET}.h5"
RULES = ("train", "collect_student", "segment", "score", TABLE)
SHARE = 0.7  # of the time that is left, for training steps: the rest is for validations, segmentation and starts


def main(chosen: argparse.Namespace) -> None:
    began = time.monotonic()
    place(chosen.samples.resolve(), chosen.out, chosen.rehearse)
    device, (timed, compared) = ("cpu", (1, 3)) if chosen.rehearse else ("cuda", (5, 200))
    summary: dict[str, Any] = {"machine": hardware(), "torch": torch.__version__, "device": device}
    grd(["benchmark", TABLE, "--scale", SCALE, "--device", device, "--steps", str(timed)])
    shutil.copy(Path("results") / SCALE / "benchmark.json", chosen.out)
    summary["parity"] = parity(compared, device)
    note(chosen, summary)
    fitting = steps_that_fit(60 * chosen.minutes - (time.monotonic() - began))
    steps = min(fitting, 3) if chosen.rehearse else fitting
    summary |= {"steps": steps, "seconds_before_training": round(time.monotonic() - began)}
    change_scale(training={"iterations": steps, "validate_every": max(1, steps // 4)})
    note(chosen, summary)
    groups = [f"distil_{group.name}" for group in groups_of(project(), project().runs(TABLE))]
    settings = ["--config", f"scale={SCALE}", f"device={device}"]
    command = [sys.executable, "-m", "snakemake", "--cores", "all", *settings, "--allowed-rules", *RULES, *groups, "--", TABLE]
    if subprocess.run(command).returncode:
        sys.exit(f"{TABLE}: expected a table, found that the pipeline failed; see its messages above")
    for path in (Path("results") / SCALE / "tables").glob(f"{TABLE}.*"):
        shutil.copy(path, chosen.out)
    summary["seconds"] = round(time.monotonic() - began)
    note(chosen, summary)


def place(samples: Path, out: Path, rehearse: bool) -> None:
    """Make a project of its own in OUT/project, which has the prepared data, and work there."""
    folder = out / "project"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "results" / SCALE / "data").mkdir(parents=True)
    shutil.copytree(ROOT / "config", folder / "config")
    for name in ("workflow", "envs"):
        (folder / name).symlink_to(ROOT / name)
    os.environ["PYTHONPATH"] = str(ROOT / "src")
    os.chdir(folder)
    if rehearse:
        write_samples(SAMPLES, {split: read_split(samples, split).spread(3) for split in SPLITS})
        change_scale(networks={"resunet": {"widths": [8, 16, 32, 64, 128]}}, datasets={DATASET: {"augment": {"crop": [64, 64]}}})
    else:
        SAMPLES.symlink_to(samples)


def project() -> Project:
    return Project.load(config=read_yaml(Path("config/config.yaml")) | {"scale": SCALE})


def change_scale(**changes: dict[str, Any]) -> None:
    """Lay changes over the blocks of this project's scale."""
    path = Path("config/scales") / f"{SCALE}.yaml"
    content = read_yaml(path)
    for block, values in changes.items():
        content[block] = content.get(block, {}) | values
    path.write_text(yaml.safe_dump(content))


def steps_that_fit(seconds: float) -> int:
    """Steps of the teacher, then of the student alone, then of the group, that fit; by the measured seconds of each."""
    measured = read_benchmark(Path("results") / SCALE / "benchmark.json")
    assert measured is not None
    step = {run.stem: measured.measurements[cost_key(project(), run)] for run in project().runs(TABLE)}
    taught = [found for stem, found in step.items() if "-" in stem]
    shared = max(found.step - found.own for found in taught)
    once = step["resunet"].step + step["resunet_tiny"].step + shared + sum(found.own for found in taught)
    return max(1, int(SHARE * seconds / once))


def parity(steps: int, device: str) -> dict[str, Any]:
    """Losses, validation score and seconds of ResUNet-tiny in float32 and in bfloat16, from the same seed."""
    found = {}
    for precision in ("float32", "bfloat16"):
        settings = project().settings(Run(DATASET, "resunet_tiny"))
        changes = {"precision": precision, "iterations": steps, "validate_every": steps, "log_every": 10}
        settings = settings.model_copy(update={"training": settings.training.model_copy(update=changes)})
        began = time.monotonic()
        [trained] = train([settings], [precision], SAMPLES, Path("parity"), torch.device(device))
        seconds = time.monotonic() - began
        history = (trained.folder(Path("parity")).path / "history.jsonl").read_text().splitlines()
        found[precision] = {"seconds": round(seconds, 1), "history": [json.loads(line) for line in history]}
    return found


def note(chosen: argparse.Namespace, summary: dict[str, Any]) -> None:
    (chosen.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("samples", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--rehearse", action="store_true")
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    main(arguments)
