import re

import numpy as np
import pytest
import torch
from projects import settings, train_into, write_squares

from grd.config.segmenters import MutexSegmenter
from grd.data.store import read_labels, read_split, write_labels
from grd.errors import GrdError
from grd.inference.predict import load_predictor
from grd.metrics.score_file import read_scores, write_score_file
from grd.networks.model_file import load_model
from grd.project.run import Run
from grd.segmentation.run_files import Evaluation, segment_run
from grd.segmentation.timing import write_timing_file

CPU = torch.device("cpu")
TRUTH = MutexSegmenter(algorithm="mutex", foreground="truth", merge_passes=())
CORNER = MutexSegmenter(algorithm="mutex", foreground="corner", strides=(2, 2), max_size=400)
LEARNED = MutexSegmenter(
    algorithm="mutex", foreground="learned", strides="validation", merge_passes="validation", min_size="validation"
)
EVALUATION = Evaluation(
    canvas=(64, 64),
    segmenters={"truth": TRUTH, "corner": CORNER, "learned": LEARNED},
    metric="pq",
    data={"title": "Squares", "licence": "CC0"},
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A network trained on squares, its labels file and its model."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("world")
    samples = write_squares(folder / "samples.h5")
    train_into([settings(Run("cvppp", "resunet_tiny"), iterations=60)], samples, [folder], folder / "state")
    segment_run(folder / "weights.pt", samples, EVALUATION, folder / "labels.h5", folder / "model.pt", CPU)
    return folder


def test_affinities_are_float32_cosines_on_the_canvas(world):
    predictor = load_predictor(world / "weights.pt", CPU, (64, 64))
    image = read_split(world / "samples.h5", "test").images[0]
    prediction = predictor.predict(image)
    assert predictor.offsets == [(-1, 0), (0, -1), (-3, 0), (0, -3), (-9, 0), (0, -9)]
    assert prediction.size == (48, 48) and prediction.background is None
    assert prediction.affinities.shape == (6, 64, 64) and prediction.affinities.dtype == np.float32
    assert np.abs(prediction.affinities).max() <= 1 + 1e-6
    assert len(np.unique(prediction.affinities)) > 1000  # neither clipped nor quantised


def test_an_image_of_any_size_is_padded_to_one_that_fits_and_its_embedding_cut_back(world):
    predictor = load_predictor(world / "weights.pt", CPU)
    image = np.random.default_rng(0).integers(0, 256, (37, 50)).astype(np.uint8)
    assert predictor.embedding(image).shape == (16, 37, 50)
    assert predictor.predict(np.stack([image] * 3, -1)).affinities.shape == (6, 48, 64)
    assert torch.allclose(predictor.embedding(image).norm(dim=0), torch.ones(1), atol=1e-5)


def test_an_image_of_the_evaluated_size_is_padded_as_it_was_there_and_others_as_little_as_possible(world):
    predictor = load_predictor(world / "model.pt", CPU)
    assert predictor.canvas_of((48, 48)) == (64, 64)
    assert predictor.canvas_of((40, 48)) == (48, 48)


def test_a_run_is_segmented_by_every_segmenter_and_scored(world, tmp_path):
    samples = world / "samples.h5"
    segment_run(world / "weights.pt", samples, EVALUATION, tmp_path / "l2.h5", tmp_path / "m2.pt", CPU, threads=2)
    for segmenter in EVALUATION.segmenters:
        names, labels = read_labels(world / "labels.h5", segmenter)
        assert names == read_split(samples, "test").names
        assert np.array_equal(labels, read_labels(tmp_path / "l2.h5", segmenter)[1])
    assert (world / "model.pt").read_bytes() == (tmp_path / "m2.pt").read_bytes()
    _, labels = read_labels(world / "labels.h5", "truth")
    assert ((labels > 0) == (read_split(samples, "test").labels > 0)).all()
    write_score_file(world / "labels.h5", samples, tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text().splitlines()[0] == "segmenter,image,sbd,dic,aji,f1,pq,dice"
    scores = read_scores(tmp_path / "s.csv", "truth")
    assert list(scores.index) == names and (scores["dice"] == 1).all()  # the foreground was given


def test_the_card_holds_all_that_turns_the_output_into_instances(world):
    _, card = load_model(world / "model.pt", CPU)
    assert re.fullmatch(r"step \d+ of 60: lowest L_aff on validation data", card.selection)
    assert (card.use.canvas, card.use.shape, card.use.size) == ((64, 64), (48, 48), (48, 48))
    assert 60 < card.use.object_size <= 144
    assert card.use.segmenter("corner") == CORNER
    assert card.use.segmenter().foreground == "learned"
    assert "validation" not in card.use.segmenter().model_dump().values()
    assert set(card.use.scores) == {"truth", "corner", "learned"} and set(card.use.scores["corner"]) >= {"pq", "aji"}
    assert card.use.data["licence"] == "CC0" and "torch" in card.use.versions
    assert np.linalg.norm(card.use.background.direction) == pytest.approx(1)


def test_weights_without_a_card_know_no_segmenter(world):
    assert load_model(world / "weights.pt", CPU)[1].use is None


def test_a_segmenter_that_the_card_lacks_is_named(world):
    with pytest.raises(GrdError, match=r"the model's card: .* 'korner'.* 'corner'"):
        load_model(world / "model.pt", CPU)[1].use.segmenter("korner")


def test_scores_of_other_images_are_refused(world, tmp_path):
    write_labels(tmp_path / "l.h5", ["x"], {"mutex": np.zeros((1, 48, 48), np.int32)})
    with pytest.raises(GrdError, match=r"l\.h5: expected the 3 images of .*, test, found others"):
        write_score_file(tmp_path / "l.h5", world / "samples.h5", tmp_path / "s.csv")


def test_timing_has_a_row_per_pass_of_both_kinds(world, tmp_path):
    write_timing_file(world / "model.pt", world / "samples.h5", "corner", tmp_path / "t.csv", CPU)
    lines = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()]
    assert lines[0] == ["forward", "end_to_end", "images", "device"] and 2 <= len(lines) <= 4
    assert all(float(forward) > 0 and float(whole) > 0 for forward, whole, *_ in lines[1:])
