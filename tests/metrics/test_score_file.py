"""Score files come back as they were written."""

import numpy as np
import pytest

from grd.data import store
from grd.metrics.score_file import read_scores, write_score_file


@pytest.mark.parametrize("name", ["1", "NA", "None", "mutex"])
def test_segmenters_and_images_may_have_names_that_look_like_numbers_or_like_nothing(tmp_path, name):
    labels = np.zeros((2, 8, 8), np.uint16)
    labels[:, 2:5, 2:5] = 1
    split = store.Split(["1", "nan"], np.zeros_like(labels, np.uint8), labels)
    store.write_samples(tmp_path / "samples.h5", {name: split for name in store.SPLITS})
    store.write_labels(tmp_path / "labels.h5", split.names, {name: list(labels)})
    write_score_file(tmp_path / "labels.h5", tmp_path / "samples.h5", tmp_path / "scores.csv")
    scores = read_scores(tmp_path / "scores.csv", name)
    assert list(scores.index) == split.names and (scores["pq"] == 1).all()
