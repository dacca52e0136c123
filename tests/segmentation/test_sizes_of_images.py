"""Images of different sizes are trained on, segmented at their own size, scored and timed; their model alone does the same."""

import numpy as np
import pandas as pd
import pytest
import torch
from projects import settings, squares, train_into

from grd.config.segmenters import as_segmenter
from grd.data.store import Split, read_labels, read_split, write_samples
from grd.inference.predict import load_predictor
from grd.metrics.score_file import write_score_file
from grd.project.run import Run, Selection
from grd.segmentation.run_files import Evaluation, segment_run, segment_sample
from grd.segmentation.timing import write_timing_file

CPU = torch.device("cpu")
CANVAS = (96, 96)
SIZES = {"training": (48, 64), "validation": (40, 48), "test": (48, 70, 33)}
LEARNED = {"algorithm": "mutex", "foreground": "learned", "strides": "validation", "merge_passes": [], "min_size": 5}
CORNER = {"algorithm": "mutex", "foreground": "corner", "strides": (2, 2)}


def of_sizes(sizes, seed):
    """A split with an image of each size, the last one not square."""
    found = [squares(1, seed + number, size) for number, size in enumerate(sizes)]
    found[-1] = Split(found[-1].names, found[-1].images[:, :-5], found[-1].labels[:, :-5])
    return Split([split.names[0] for split in found], [split.images[0] for split in found], [split.labels[0] for split in found])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("run")
    splits = {name: of_sizes(sizes, 10 * number) for number, (name, sizes) in enumerate(SIZES.items())}
    write_samples(folder / "samples.h5", splits)
    chosen = settings(Run("own", "resunet_tiny"), iterations=40).model_copy(update={"canvas": CANVAS, "padding": "reflect"})
    train_into([chosen], folder / "samples.h5", [folder], folder / "state")
    segmenters = {"learned": as_segmenter(LEARNED), "mutex": as_segmenter(CORNER)}
    evaluation = Evaluation(canvas=CANVAS, segmenters=segmenters, metric="aji", data={})
    paths = (folder / "labels.h5", folder / "model.pt")
    segment_run(folder / "weights.pt", folder / "samples.h5", evaluation, *paths, CPU, threads=2)
    return folder


def test_every_image_has_labels_of_its_size_and_scores(run):
    test = read_split(run / "samples.h5", "test")
    for segmenter in ("learned", "mutex"):
        names, labels = read_labels(run / "labels.h5", segmenter)
        assert names == test.names and [each.shape for each in labels] == [(48, 48), (70, 70), (28, 33)]
    write_score_file(run / "labels.h5", run / "samples.h5", run / "scores.csv")
    scores = pd.read_csv(run / "scores.csv")
    assert scores["image"].tolist() == 2 * test.names and scores["pq"].notna().all()


def test_the_model_alone_gives_the_same_labels(run):
    predictor, test = load_predictor(run / "model.pt", CPU), read_split(run / "samples.h5", "test")
    use = predictor.card.required_use(run / "model.pt")
    assert (use.canvas, use.shape) == ((80, 80), (70, 70))
    for name in ("learned", "mutex"):
        found = [segment_sample(predictor.offsets, use.segmenter(name), predictor.predict(image)) for image in test.images]
        for one, other in zip(found, read_labels(run / "labels.h5", name)[1], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_pass_over_images_of_different_sizes_is_timed(run):
    write_timing_file(run / "model.pt", run / "samples.h5", "learned", run / "timing.csv", CPU)
    assert (pd.read_csv(run / "timing.csv")["images"] == 3).all()


def test_a_validation_score_is_that_of_each_image_at_its_size(run):
    chosen = settings(Run("own", "resunet_tiny"), iterations=2, select="score", validate_every=2)
    chosen = chosen.model_copy(
        update={"canvas": CANVAS, "selection": Selection(name="mutex", segmenter=as_segmenter(CORNER), metric="aji")}
    )
    [trained] = train_into([chosen], run / "samples.h5", [run / "scored"], run / "state")
    assert not trained.failure and "highest aji by segmenter mutex" in (run / "scored/training.json").read_text()
