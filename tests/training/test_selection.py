"""The weights of a training are those with the best score, the lowest loss, or the last."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from projects import settings, squares, train_into, write_squares

from grd.config.segmenters import as_segmenter
from grd.data.batches import Batch
from grd.errors import GrdError
from grd.losses.affinity import affinity_targets
from grd.metrics.scoring import mean_scores
from grd.project.project import Project
from grd.project.run import Run, Selection
from grd.training import selection
from grd.training.history import History, read_history
from grd.training.selection import MEASURES, describe, segment_batch, selection_value

CONFIG = Path(__file__).parents[2] / "config"
MUTEX = as_segmenter({"algorithm": "mutex", "foreground": "truth", "strides": (1, 1), "merge_passes": ()})


def chosen(select, metric="pq"):
    selection = Selection(name="mutex", segmenter=MUTEX, metric=metric) if select == "score" else None
    found = settings(Run("cvppp", "resunet_tiny"), iterations=8, validate_every=2, select=select)
    return found.model_copy(update={"selection": selection})


@pytest.mark.parametrize(
    ("select", "metric", "best"),
    [("score", "pq", 1), ("score", "dic", 0), ("loss", "pq", 2), ("last", "pq", 2)],
)
def test_the_best_is_by_score_by_loss_or_the_last(select, metric, best):
    found = [{"validation": 0.7, "validation_score": 0.1}, {"validation": 0.5, "validation_score": 0.9}]
    found += [{"validation": 0.3, "validation_score": 0.4}]
    merits = [selection_value(measures, chosen(select, metric), step) for step, measures in enumerate(found)]
    assert merits.index(max(merits)) == best


def test_a_training_keeps_the_weights_with_the_best_score_and_says_so(tmp_path, monkeypatch):
    scores = iter([0.2, 0.8, 0.5, 0.8])
    monkeypatch.setitem(MEASURES, "score", lambda *_: {"validation": 1.0, "validation_score": next(scores)})
    train_into([chosen("score")], write_squares(tmp_path / "s.h5"), [tmp_path / "run"], tmp_path / "state")
    files = [torch.load(tmp_path / "run" / name, weights_only=True) for name in ("weights.pt", "last.pt")]
    assert [file["card"]["selection"] for file in files] == [
        "step 4 of 8: highest pq by segmenter mutex on validation images",
        "step 8: the last",
    ]
    assert not all(torch.equal(a, b) for a, b in zip(*(file["weights"].values() for file in files), strict=True))
    recorded = [record["validation_score"] for record in read_history(tmp_path / "run/history.jsonl") if "validation" in record]
    assert recorded == [0.2, 0.8, 0.5, 0.8]


def test_the_score_is_that_of_the_segmented_validation_images():
    """Affinities of the truth itself give back the truth, within the foreground and without the padding."""
    split = squares(2, 0)
    run = chosen("score")
    labels = torch.zeros(2, 64, 64, dtype=torch.long)
    labels[:, 8:56, 8:56] = torch.from_numpy(split.labels.astype(int))
    maps = affinity_targets(labels, run.offsets).float() * 2 - 1
    batch = Batch(torch.zeros(2, 3, 64, 64), labels, size=(48, 48))
    found = list(segment_batch(maps, batch, run, run.selection))
    assert [truth.shape for _, truth in found] == [(48, 48)] * 2
    assert mean_scores(found)["pq"] > 0.95


def test_loss_and_score_are_of_one_pass(tmp_path, monkeypatch):
    run, passes = chosen("score"), []
    look = selection.view
    monkeypatch.setattr(selection, "view", lambda *given: (passes.append(given[0].training), look(*given))[1])
    train_into([run], write_squares(tmp_path / "s.h5"), [tmp_path / "run"], tmp_path / "state")
    records = [record for record in read_history(tmp_path / "run/history.jsonl") if "validation" in record]
    assert [record["step"] for record in records] == [2, 4, 6, 8] and passes == [False] * 4  # all images are one batch
    assert all(0 <= record["validation_score"] <= 1 for record in records)


def test_batches_count_by_their_samples_and_a_record_is_the_mean_of_its_window():
    assert selection._mean(iter([(torch.tensor(1.0), 2), (torch.tensor(4.0), 1)])) == 2
    history = History("run", [])
    for step, loss in enumerate((1.0, 3.0)):
        history.add(step, {"loss": torch.tensor(loss)})
    history.flush(0.1)
    assert history.records == [{"step": 2, "learning_rate": 0.1, "loss": 2.0}]


def test_an_image_without_an_instance_has_no_say_where_scores_choose():
    truth, empty = np.zeros((8, 8), int), np.zeros((8, 8), int)
    truth[:4] = 1
    speck = empty.copy()
    speck[0, 0] = 1
    assert mean_scores([(truth, truth), (speck, empty)]) == mean_scores([(truth, truth)])
    with pytest.raises(GrdError, match="expected validation images with instances, found none"):
        mean_scores([(speck, empty), (empty, empty)])


def project(**training):
    general = yaml.safe_load((CONFIG / "config.yaml").read_text()) | {"scale": "trial"}
    found = Project.load(CONFIG, general)
    changed = found.scale.training.model_copy(update=training)
    return Project(
        found.config, found.scale.model_copy(update={"training": changed, "volumes": {}}), *list(vars(found).values())[2:]
    )


def test_images_are_selected_by_the_first_metric_of_the_first_segmenter():
    selection = project(select="score").settings(Run("bbbc039", "resunet_tiny")).selection
    assert (selection.name, selection.metric, selection.segmenter.foreground) == ("mutex", "aji", "corner")
    assert project(select="loss").settings(Run("bbbc039", "resunet_tiny")).selection is None


def test_volumes_cannot_be_selected_by_score():
    with pytest.raises(GrdError, match=r"training\.select: expected `loss` or `last` for ac34, found `score`"):
        project(select="score").settings(Run("ac34", "mala_tiny"))


def test_every_way_to_select_is_described():
    assert describe(chosen("loss"), 4) == "step 4 of 8: lowest L_aff on validation data"
    assert describe(chosen("last"), 8) == "step 8 of 8: the last"
    assert "lowest dic" in describe(chosen("score", "dic"), 2)
