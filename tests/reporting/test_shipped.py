"""The models that ship: the best by validation is taken, and its card says what a user has to know."""

import hashlib
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
import yaml
from projects import write_squares

from grd.data.store import read_split, write_labels
from grd.metrics.score_file import write_score_file
from grd.networks import build
from grd.networks.model_file import ModelCard, Use, load_model, save_model
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.shipped import best_run, write_shipped_model

CONFIG = Path(__file__).parents[2] / "config"
METRICS = ("aji", "dice", "f1", "pq")


@pytest.fixture(scope="module")
def laptop():
    return Project.load(CONFIG, yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": "laptop"})


@pytest.fixture
def trained(laptop, tmp_path):
    """Models of all runs of `model_nuclei`: the validation score of the n-th is n / 100 but for the fifth, which is best."""
    layout, runs = Layout(tmp_path, tmp_path), laptop.runs("model_nuclei")
    samples = layout.samples("bbbc039")
    samples.parent.mkdir()
    test = read_split(write_squares(samples), "test")
    weights = build("resunet_tiny").state_dict()
    for number, run in enumerate(runs):
        layout.run(run).mkdir(parents=True)
        better = dict.fromkeys(METRICS, 0.9 if number == 4 else number / 100)
        use = Use(
            (48, 48), (48, 48), 144.0, None, {}, {"mutex": dict.fromkeys(METRICS, 1 - number / 100), "learned": better},
            {"title": "BBBC039V1", "cite": "Caicedo", "licence": "CC0", "page": "https://bbbc"}, {},
        )  # fmt: skip
        card = ModelCard(run.dataset, run.name, "resunet_tiny", {}, "unit", "zero", [(-1, 0), (0, -1)], use=use)
        save_model(layout.model(run), card, weights)
        labels = test.labels * (number == 4)
        write_labels(layout.labels(run), test.names, {"mutex": labels, "learned": labels})
        write_score_file(layout.labels(run), samples, layout.scores(run))
    return layout, runs


def test_the_best_by_the_validation_score_that_needs_no_ground_truth_is_taken(laptop, trained):
    layout, runs = trained
    assert best_run(laptop, layout, "model_nuclei") == runs[4]


def test_model_card_and_picture_are_written(laptop, trained):
    layout, runs = trained
    model, card, picture = (layout.results / name for name in ("nuclei.pt", "nuclei.md", "nuclei.png"))
    write_shipped_model("model_nuclei", laptop, layout, model, card, picture)
    assert load_model(model, torch.device("cpu"))[1].run == runs[4].name
    text = card.read_text()
    chosen = (f"Of {len(runs)} trainings (alone, with AT", "with GRD; seeds 0, 1, 2) the one")
    for expected in (*chosen, "CC0", "Caicedo", "14 pixels wide", "(nuclei.png)", "--model nuclei"):
        assert expected in text
    assert hashlib.sha256(model.read_bytes()).hexdigest() in text
    assert "| validation images, segmenter learned | 0.900 | 0.900 | 0.900 | 0.900 |" in text
    assert "| 3 test images, segmenter learned | 1.000 | 1.000 | 1.000 | 1.000 |" in text
    assert plt.imread(picture).shape[1] == 900
