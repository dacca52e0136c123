"""Clean-up on the canvas, and what is background."""

import numpy as np
import pytest

from grd.config.segmenters import as_segmenter
from grd.errors import GrdError
from grd.segmentation import segment
from grd.segmentation.background import best_cosine
from grd.segmentation.images import Surroundings, clean_up

OFFSETS = [(-1, 0), (0, -1), (-2, 0), (0, -2)]
PLAIN = {"algorithm": "mutex", "strides": (1, 1), "merge_passes": ()}
CORNER = as_segmenter(PLAIN | {"foreground": "corner", "max_size": 12})
LEARNED = as_segmenter(PLAIN | {"foreground": "learned"})


def affinities_of(labels):
    """Affinities that are 1 within a label and -1 between labels."""
    maps = -np.ones((4, *labels.shape), np.float32)
    for channel, (dy, dx) in enumerate(OFFSETS):
        same = labels[-dy:, -dx:] == labels[: labels.shape[0] + dy, : labels.shape[1] + dx]
        maps[channel, -dy:, -dx:] = np.where(same, 1, -1)
    return maps


def test_sizes_are_those_of_the_canvas_which_is_cropped_afterwards():
    """An object of 15 pixels shows 6 in the image; on the canvas it is larger than 12, so it is dropped, as by the authors."""
    canvas = np.zeros((9, 9), int)
    canvas[0:5, 3:6] = 1
    canvas[6, 3:6] = 2
    labels = segment(affinities_of(canvas), OFFSETS, CORNER, size=(3, 3))
    assert labels.shape == (3, 3) and labels.max() == 0
    canvas[0:3] = 0
    assert segment(affinities_of(canvas), OFFSETS, CORNER, size=(5, 5)).tolist()[1] == [0, 1, 1, 1, 0]


def test_the_corner_is_that_of_the_image_not_of_the_canvas():
    canvas = np.zeros((6, 6), int)
    canvas[1:3, 1:3], canvas[3:5, 3:5] = 1, 2
    labels = segment(affinities_of(canvas), OFFSETS, CORNER, size=(4, 4))
    assert labels.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


def test_a_true_foreground_lies_in_the_middle_of_the_canvas():
    truth = np.array([[1, 1], [0, 2]])
    settings = as_segmenter(PLAIN | {"foreground": "truth"})
    labels = segment(affinities_of(np.zeros((6, 6), int)), OFFSETS, settings, truth, size=(2, 2))
    assert ((labels > 0) == (truth > 0)).all()


def test_a_segment_whose_mean_embedding_looks_like_background_is_dropped():
    """Segment 1 has a pixel that looks like background, segment 2 one that does not."""
    canvas = np.array([[1, 1, 1, 2, 2, 2]])
    similarity = np.array([[-0.5, -0.5, 0.2, 0.5, 0.5, -0.2]], np.float32)
    labels = clean_up(canvas, LEARNED, Surroundings(None, None, similarity))
    assert labels.tolist() == [[1, 1, 1, 0, 0, 0]]


def test_without_the_backgrounds_direction_nothing_is_guessed():
    with pytest.raises(GrdError, match="expected a model that knows the background's direction, found none"):
        clean_up(np.ones((2, 2), int), LEARNED, Surroundings())


def test_segments_below_the_smallest_size_are_dropped():
    settings = as_segmenter(PLAIN | {"foreground": "learned", "min_size": 3})
    canvas, similarity = np.array([[1, 1, 2, 2, 2, 3]]), -np.ones((1, 6), np.float32)
    assert clean_up(canvas, settings, Surroundings(None, None, similarity)).tolist() == [[0, 0, 1, 1, 1, 0]]


def test_the_threshold_on_cosines_lies_between_background_and_foreground():
    truth = np.array([[0, 0, 0, 1]])
    assert best_cosine([np.array([[0.9, 0.8, 0.7, 0.1]])], [truth]) == pytest.approx(0.4, abs=0.002)


def test_of_two_ranges_of_thresholds_that_are_equally_good_the_first_counts():
    """The foreground is at -0.8 and 0, the background at -0.5 and 0.5; between -0.5 and 0 two pixels are on the wrong side."""
    truth, cosines = np.array([[1, 0, 1, 0]]), np.array([[-0.8, -0.5, 0, 0.5]])
    assert best_cosine([cosines], [truth]) == pytest.approx(-0.65, abs=0.002)


def test_the_threshold_weighs_background_and_foreground_alike():
    """One of two foreground pixels is wrong above 0.5; below it, one of ten background pixels."""
    truth = np.array([[0] * 10 + [1] * 2])
    cosines = np.array([[0.8] * 9 + [0.2] + [0.1, 0.5]])
    assert 0.5 <= best_cosine([cosines], [truth]) < 0.8
