import logging

import h5py
import numpy as np
import pandas as pd
import pytest
from grd.segmentation.label_file import write_label_file
from segmentation.neurite_volumes import NEAREST, add_noise, affinities_of, neurites_with_membranes

from grd.config.segmenters import as_segmenter
from grd.data.store import Split, affinity_writer, read_labels, write_samples
from grd.errors import GrdError
from grd.metrics import score_partition
from grd.metrics.score_file import write_score_file
from grd.segmentation import agglomerate, best_threshold, segment

GRID = (0.1, 0.4, 0.6)


@pytest.fixture
def folder(tmp_path):
    """samples.h5 and affinities.h5 with a validation and a test volume, and the two as arrays."""
    truths = {"validation": neurites_with_membranes((3, 96, 96), seed=1), "test": neurites_with_membranes((4, 96, 96))}
    splits = {name: Split([f"{name}-0"], np.zeros((1, *truth.shape), np.uint8), truth[None]) for name, truth in truths.items()}
    write_samples(tmp_path / "samples.h5", splits)
    with affinity_writer(tmp_path / "affinities.h5", NEAREST) as file:
        for name, truth in truths.items():
            maps = add_noise(affinities_of(truth))
            file.add_split(name, [f"{name}-0"], maps.shape, maps.shape)[0] = maps
    return tmp_path


def segment_volume(folder, settings):
    write_label_file(folder / "affinities.h5", folder / "samples.h5", "test", as_segmenter(settings), folder / "labels.h5")
    with h5py.File(folder / "labels.h5") as file:
        attributes = dict(file.attrs)
    return read_labels(folder / "labels.h5")[1], attributes


def volume(folder, split):
    with h5py.File(folder / "affinities.h5") as affinities, h5py.File(folder / "samples.h5") as samples:
        return affinities[f"{split}/affinities"][0], samples[f"{split}/labels"][0]


def test_the_threshold_comes_from_the_validation_volume_and_the_labels_from_the_test_volume(folder, caplog):
    with caplog.at_level(logging.INFO, "grd"):
        labels, attributes = segment_volume(folder, {"algorithm": "waterz", "thresholds": GRID})
    affinities, truth = volume(folder, "validation")
    best, scores = best_threshold([affinities], NEAREST, [truth], GRID)
    [(_, expected)] = agglomerate(volume(folder, "test")[0], NEAREST, [best])
    assert attributes["threshold"] == best
    np.testing.assert_array_equal(labels, expected[None])
    assert f"threshold {best:g} has the lowest VOI" in caplog.text
    assert all(f"{threshold:g}: {score:.4f}" in caplog.text for threshold, score in scores.items())


def test_a_threshold_that_is_given_is_the_one_used(folder):
    labels, attributes = segment_volume(folder, {"algorithm": "waterz", "threshold": 0.2})
    [(_, expected)] = agglomerate(volume(folder, "test")[0], NEAREST, [0.2])
    assert attributes["threshold"] == 0.2
    np.testing.assert_array_equal(labels, expected[None])


def test_a_multicut_needs_no_validation_volume(folder):
    with h5py.File(folder / "affinities.h5", "r+") as file:
        del file["validation"]
    labels, attributes = segment_volume(folder, {"algorithm": "multicut"})
    expected = segment(volume(folder, "test")[0], NEAREST, as_segmenter({"algorithm": "multicut"}))
    assert "threshold" not in attributes
    np.testing.assert_array_equal(labels, expected[None])


def test_affinities_without_a_validation_part_cannot_choose_a_threshold(folder):
    with h5py.File(folder / "affinities.h5", "r+") as file:
        del file["validation"]
    with pytest.raises(GrdError, match="validation"):
        segment_volume(folder, {"algorithm": "waterz", "thresholds": GRID})


def test_volumes_are_scored_by_their_partition(folder):
    labels, _ = segment_volume(folder, {"algorithm": "multicut"})
    write_score_file(folder / "labels.h5", folder / "samples.h5", "test", folder / "scores.csv")
    table = pd.read_csv(folder / "scores.csv", index_col="image")
    expected = score_partition(labels[0], volume(folder, "test")[1])
    assert table.loc["test-0"].to_dict() == pytest.approx(expected, abs=1e-6)
