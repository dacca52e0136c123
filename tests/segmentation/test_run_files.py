import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from segmentation.neurite_volumes import NEAREST, add_noise, affinities_of, neurites_with_membranes

from grd.config.segmenters import as_segmenter
from grd.data.store import Split, chosen_numbers, read_labels, write_labels, write_samples
from grd.errors import GrdError
from grd.inference.predict import Prediction
from grd.metrics import score_partition
from grd.metrics.score_file import write_score_file
from grd.segmentation import agglomerate, best_threshold, segment
from grd.segmentation.choice import Held, candidates, choose
from grd.segmentation.run_files import Evaluation, calibrate, median_object_size, segment_split

GRID = (0.1, 0.4, 0.6)
WATERZ, MULTICUT = {"algorithm": "waterz", "thresholds": GRID}, {"algorithm": "multicut"}


class Oracle:
    """A predictor that knows the affinities of two volumes, and counts its predictions."""

    offsets = NEAREST

    def __init__(self, maps):
        self.maps, self.calls = maps, 0
        self.card, self.network = SimpleNamespace(run="oracle"), SimpleNamespace(rank=3)

    def predict(self, sample):
        self.calls += 1
        return Prediction(self.maps[len(sample)], sample.shape)


@pytest.fixture(scope="module")
def world():
    """Splits of one volume each, and a predictor of their affinities."""
    truths = {"validation": neurites_with_membranes((3, 96, 96), seed=1), "test": neurites_with_membranes((4, 96, 96))}
    splits = {name: Split([f"{name}-0"], np.zeros((1, *truth.shape), np.uint8), truth[None]) for name, truth in truths.items()}
    return splits, {len(truth): add_noise(affinities_of(truth)) for truth in truths.values()}


def segment_test(world, **segmenters):
    """Labels and settings by segmenter, and the number of volumes that were predicted."""
    splits, maps = world
    predictor = Oracle(maps)
    wanted = {name: as_segmenter(settings) for name, settings in segmenters.items()}
    evaluation = Evaluation(canvas=(4, 96, 96), segmenters=wanted, metric="voi", data={})
    learnt = calibrate(predictor, splits["validation"], splits["validation"], evaluation)
    return segment_split(predictor, learnt.segmenters, splits["test"], threads=2), learnt, predictor.calls


def test_the_threshold_comes_from_the_validation_volume_and_the_labels_from_the_test_volume(world, caplog):
    with caplog.at_level(logging.INFO, "grd"):
        labels, learnt, _ = segment_test(world, waterz=WATERZ)
    splits, maps = world
    best, scores = best_threshold([maps[3]], NEAREST, splits["validation"].labels, GRID)
    [(_, expected)] = agglomerate(maps[4], NEAREST, [best])
    assert learnt.segmenters["waterz"].threshold == best and learnt.scores["waterz"] == {"voi": scores[best]}
    np.testing.assert_array_equal(labels["waterz"], expected[None])
    assert f"threshold {best:g}" in caplog.text
    assert all(f"{threshold:g}: {score:.4f}" in caplog.text for threshold, score in scores.items())


def test_a_threshold_that_is_given_is_the_one_used_and_needs_no_validation_volume(world):
    labels, learnt, calls = segment_test(world, waterz={"algorithm": "waterz", "threshold": 0.2}, multicut=MULTICUT)
    [(_, expected)] = agglomerate(world[1][4], NEAREST, [0.2])
    assert calls == 1 and learnt.scores == {}
    np.testing.assert_array_equal(labels["waterz"], expected[None])
    np.testing.assert_array_equal(labels["multicut"], segment(world[1][4], NEAREST, as_segmenter(MULTICUT))[None])


def test_numbers_that_validation_data_have_to_choose_cannot_be_used_before(world):
    with pytest.raises(GrdError, match="waterz: expected values for threshold, found 'validation'"):
        segment(world[1][4], NEAREST, as_segmenter(WATERZ))


def test_a_labels_file_says_what_was_chosen(tmp_path):
    write_labels(tmp_path / "l.h5", ["a"], {"waterz": np.zeros((1, 2, 2, 2))}, {"waterz": {"threshold": 0.4}})
    assert chosen_numbers(tmp_path / "l.h5", "waterz") == {"threshold": 0.4}
    with pytest.raises(GrdError, match=r"l\.h5.*'waters'.*'waterz'"):
        read_labels(tmp_path / "l.h5", "waters")


LEARNED = {"algorithm": "mutex", "foreground": "corner", "strides": "validation", "merge_passes": "validation"}


def test_for_nuclei_of_600_pixels_the_papers_strides_and_passes_are_the_first_candidate():
    first = candidates(as_segmenter(LEARNED), 600)[0]
    assert first.strides == (5, 5) and first.merge_passes == ((5, 5), (18, 11), (48, 11), (300, 21))


def test_candidates_are_in_proportion_to_the_objects():
    small, large = (candidates(as_segmenter(LEARNED), size)[0] for size in (150, 2400))
    assert (small.strides, large.strides) == ((2, 2), (10, 10))
    assert (small.merge_passes[-1], large.merge_passes[-1]) == ((75, 11), (1200, 42))


@pytest.mark.parametrize("metric", ["pq", "dic"])  # higher is better, lower is better
def test_the_candidate_with_the_best_score_is_chosen(metric):
    """Two objects of 8 pixels and two of 40: passes that merge up to half of the median swallow the small ones."""
    truth = np.zeros((20, 20), int)
    truth[2:4, 2:6], truth[4:6, 2:6], truth[8:13, 2:10], truth[13:18, 2:10] = 1, 2, 3, 4
    offsets = [(-1, 0), (0, -1), (-2, 0), (0, -2)]
    maps = np.stack([np.roll(truth, (-dy, -dx), (0, 1)) == truth for dy, dx in offsets]).astype(np.float32)
    prediction = Prediction(maps, truth.shape)
    settings = as_segmenter(LEARNED | {"strides": (1, 1)})
    best, scores = choose(settings, Held([prediction], [truth], offsets, 40, metric))
    assert best.merge_passes == () or best.merge_passes[-1][0] < 8
    assert (scores["pq"], scores["dic"]) == (1, 0)
    worst = candidates(settings, 40)[0]
    assert len(np.unique(segment(maps, offsets, worst))) < 5


def test_the_median_object_is_counted_over_all_samples():
    labels = np.zeros((2, 4, 4), np.uint16)
    labels[0, 0, :3], labels[1, 0, :2], labels[1, 2:, :] = 1, 1, 2
    assert median_object_size(labels) == 3
    assert median_object_size(np.zeros((1, 4, 4), np.uint16)) == 0


def test_volumes_are_scored_by_their_partition(world, tmp_path):
    splits, _ = world
    labels, _, _ = segment_test(world, multicut=MULTICUT)
    write_samples(tmp_path / "samples.h5", splits)
    write_labels(tmp_path / "labels.h5", ["test-0"], labels)
    write_score_file(tmp_path / "labels.h5", tmp_path / "samples.h5", tmp_path / "scores.csv")
    table = pd.read_csv(tmp_path / "scores.csv", index_col="image").drop(columns="segmenter")
    expected = score_partition(labels["multicut"][0], splits["test"].labels[0])
    assert table.loc["test-0"].to_dict() == pytest.approx(expected, abs=1e-6)
