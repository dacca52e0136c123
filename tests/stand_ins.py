"""Stand-ins for Snakemake's jobs, and a miniature results folder that such jobs make."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from projects import WIDTHS, write_squares

from grd.data import store
from grd.jobs import record_job
from grd.networks import build
from grd.networks.model_file import ModelCard, save_model
from grd.provenance.manifest import MANIFEST, record_archive
from grd.reporting.figures.panels import write_figure
from grd.reporting.table import Cell, Column, Table
from grd.reporting.tables import write_table
from grd.system.files import write_text
from grd.training.checkpoint import Checkpoints

RESULTS = Path("results/demo")
RUN = RESULTS / "runs/cvppp/resunet_tiny-s0"


def job(rule, inputs=(), outputs=(), **params):
    """A job; its log lies in the working directory."""
    place = Path(next(iter(outputs), "")).parent
    return SimpleNamespace(
        rule=rule,
        input=list(map(str, inputs)),
        output=list(map(str, outputs)),
        params=params,
        wildcards={"dataset": place.parent.name, "run": place.name} if "runs" in place.parts else {"dataset": "cvppp"},
        threads=1,
        log=[f"{rule}.log"],
        config={"device": "cpu", "jobs_per_gpu": 1},
        scriptdir=str(Path(__file__).parents[1] / "workflow/scripts"),
    )


def run_job(rule, inputs, outputs, action, **params):
    """Run a job, then set the times of its outputs, as Snakemake does."""
    for path in outputs:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    with record_job(job(rule, inputs, outputs, **params)):
        action(*map(Path, outputs))
    for path in outputs:
        os.utime(path)


def make_archives(record):
    folder = RESULTS / "data/archives/cvppp"
    folder.mkdir(parents=True)
    (folder / "A1.zip").write_bytes(np.random.default_rng(0).bytes(500))
    record_archive(folder, "A1.zip", "twin")
    write_text(record, (folder / MANIFEST).read_text())


def make_model(seed):
    def action(weights, history):
        torch.manual_seed(seed)
        card = ModelCard("cvppp", "resunet_tiny-s0", "resunet_tiny", WIDTHS["resunet_tiny"], "unit", "zero", [(0, 1)])
        save_model(weights, card, build("resunet_tiny", **WIDTHS["resunet_tiny"]).state_dict())
        write_text(history, "".join(json.dumps({"step": step, "loss": 0.5}) + "\n" for step in range(9)))

    return action


def make_labels(model, labels):
    shutil.copy(RUN / "weights.pt", model)
    store.write_labels(labels, list("abc"), {"mutex": np.random.default_rng(0).integers(0, 9, (3, 48, 48))})


def make_scores(path):
    write_text(path, pd.DataFrame({"segmenter": "mutex", "image": list("abc"), "sbd": 0.5}).to_csv(index=False))


def make_table(*paths):
    cells = {"ResUNet-tiny": [Cell(50.0, None, 60.0, 1)]}
    write_table(Table("Table II.", [Column("CVPPP", "SBD ↑")], cells, ["A note."]), *paths)


def make_figure(*paths):
    figure = Figure()
    figure.subplots().plot([1, 3, 2])
    write_figure(figure, pd.DataFrame({"a": [1, 2]}), *paths)


def make_results(seed=0):
    """All kinds of files of results/demo, each from those before it."""
    record, samples = RESULTS / "data/cvppp.archives.json", RESULTS / "data/cvppp.h5"
    weights, history, model = RUN / "weights.pt", RUN / "history.jsonl", RUN / "model.pt"
    labels, scores = RUN / "labels.h5", RUN / "scores.csv"
    table = [RESULTS / f"tables/table2.{ending}" for ending in ("csv", "tex", "md", "html")]
    figure = [RESULTS / f"figures/figure2.{ending}" for ending in ("pdf", "png", "csv", "tex")]
    run_job("obtain_archives", [], [record], make_archives, folder=str(RESULTS / "data/archives/cvppp"))
    run_job("prepare_samples", [record], [samples], write_squares)
    run_job("train", [samples], [weights, history], make_model(seed), run={"seed": seed}, code="c0de")
    run_job("segment", [weights, samples], [model, labels], make_labels)
    run_job("score", [labels, samples], [scores], make_scores)
    run_job("table2", [scores], table, make_table)
    run_job("figure2", [labels, scores], figure, make_figure)
    Checkpoints(RESULTS / "state/0123456789abcdef").save(40, {"step": 40, "weights": torch.arange(99)})


def flip(path, place=None, keep_time=True):
    """Flip a bit of a file, in the middle or at `place`; its time stays, or changes by a second."""
    path, before = Path(path), Path(path).stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + (0 if keep_time else 10**9)))
