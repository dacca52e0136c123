import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from grd.config.segmenters import MutexSegmenter
from grd.errors import GrdError
from grd.metrics import score_instances
from grd.segmentation import segment
from grd.segmentation.mutex import mutex_watershed

PAPER_OFFSETS = [(-shift, 0) if axis == 0 else (0, -shift) for shift in (1, 3, 5, 9, 27) for axis in (0, 1)]
PAPER_STRIDES = (5, 5)


def perfect_affinities(labels, offsets):
    """1 where p and p + offset carry the same label, else -1; edges that leave the image are -1, and to be ignored."""
    reach = int(np.abs(offsets).max())
    padded = np.pad(labels, reach, constant_values=-1)
    windows = [tuple(slice(reach + o, reach + o + n) for o, n in zip(offset, labels.shape, strict=True)) for offset in offsets]
    return np.stack([np.where(padded[window] == labels, 1, -1) for window in windows]).astype(np.float32)


def bricks(rows, columns, height=12, width=15):
    """A wall of touching rectangles, labelled 1 ... rows * columns."""
    return np.kron(np.arange(1, rows * columns + 1).reshape(rows, columns), np.ones((height, width), dtype=np.int32))


def mutex(**settings):
    return MutexSegmenter(algorithm="mutex", **settings)


def two_leaves():
    """Two leaves that touch along a vertical line, on background."""
    truth = np.zeros((40, 50), dtype=np.int32)
    truth[10:30, 10:25], truth[10:30, 25:40] = 1, 2
    return truth


def test_perfect_affinities_give_the_label_image_back():
    truth = bricks(3, 3)
    labels = mutex_watershed(perfect_affinities(truth, PAPER_OFFSETS), PAPER_OFFSETS, PAPER_STRIDES)
    assert labels.dtype == np.int32
    assert score_instances(labels, truth)["sbd"] == 1


@settings(max_examples=15)
@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(8, 20),
    st.integers(8, 20),
    st.sampled_from([(1, 1), (2, 3), (5, 5)]),
)
def test_any_wall_of_bricks_comes_back_for_any_strides(rows, columns, height, width, strides):
    truth = bricks(rows, columns, height, width)
    labels = mutex_watershed(perfect_affinities(truth, PAPER_OFFSETS), PAPER_OFFSETS, strides)
    assert score_instances(labels, truth)["sbd"] == 1


def test_a_volume_comes_back_too():
    truth = np.repeat(bricks(2, 2, 6, 6)[None], 6, axis=0)
    truth[3:] += 4
    offsets = [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (-3, 0, 0), (0, -3, 0), (0, 0, -3)]
    labels = mutex_watershed(perfect_affinities(truth, offsets), offsets, strides=(1, 1, 1))
    assert score_instances(labels, truth)["sbd"] == 1


def test_affinities_of_the_wrong_sign_do_not_give_the_label_image_back():
    truth = bricks(3, 3)
    labels = mutex_watershed(-perfect_affinities(truth, PAPER_OFFSETS), PAPER_OFFSETS, PAPER_STRIDES)
    assert score_instances(labels, truth)["sbd"] < 0.5


def test_offsets_of_the_wrong_sign_shift_the_border():
    truth = bricks(1, 2)
    turned = [(-y, -x) for y, x in PAPER_OFFSETS]
    labels = mutex_watershed(perfect_affinities(truth, PAPER_OFFSETS), turned, strides=(1, 1))
    assert (labels != truth).any()


def test_offsets_of_positive_sign_are_as_good_as_negative_ones():
    truth = bricks(2, 2)
    turned = [(-y, -x) for y, x in PAPER_OFFSETS]
    labels = mutex_watershed(perfect_affinities(truth, turned), turned, PAPER_STRIDES)
    assert score_instances(labels, truth)["sbd"] == 1


def test_the_affinities_are_left_as_they_were():
    affinities = perfect_affinities(bricks(2, 2), PAPER_OFFSETS)
    before = affinities.copy()
    mutex_watershed(affinities, PAPER_OFFSETS, PAPER_STRIDES)
    np.testing.assert_array_equal(affinities, before)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_zero_is_exactly_what_lies_outside_the_foreground_and_ids_are_consecutive(dtype):
    truth = two_leaves()
    labels = mutex_watershed(
        perfect_affinities(truth, PAPER_OFFSETS), PAPER_OFFSETS, PAPER_STRIDES, foreground=(truth > 0).astype(dtype)
    )
    np.testing.assert_array_equal(labels, truth)


def test_without_a_foreground_every_pixel_belongs_to_a_segment():
    labels = mutex_watershed(perfect_affinities(two_leaves(), PAPER_OFFSETS), PAPER_OFFSETS, PAPER_STRIDES)
    assert sorted(np.unique(labels)) == [1, 2, 3]


def test_an_empty_foreground_gives_an_empty_image():
    affinities = perfect_affinities(two_leaves(), PAPER_OFFSETS)
    labels = mutex_watershed(affinities, PAPER_OFFSETS, PAPER_STRIDES, foreground=np.zeros((40, 50), dtype=bool))
    assert not labels.any()


AFFINITIES = np.zeros((10, 8, 9), dtype=np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"offsets": PAPER_OFFSETS[:9]}, r"expected 10 offsets of 2 integers .* \(10, 8, 9\)"),
        ({"offsets": [(0, *offset) for offset in PAPER_OFFSETS]}, "expected 10 offsets of 2 integers"),
        ({"offsets": PAPER_OFFSETS[2:] + PAPER_OFFSETS[:2]}, "first 2 offsets to be unit steps"),
        ({"offsets": [(-1, 0), (1, 0), *PAPER_OFFSETS[2:]]}, "first 2 offsets to be unit steps"),
        ({"foreground": np.ones((9, 8), dtype=bool)}, r"mask of shape \(8, 9\), found \(9, 8\)"),
        ({"affinities": AFFINITIES[0]}, r"found float32 of shape \(8, 9\)"),
        ({"affinities": AFFINITIES.astype(int)}, "found int64"),
        ({"affinities": np.full_like(AFFINITIES, np.nan)}, "expected finite affinities"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_what_was_expected_and_found(arguments, message):
    with pytest.raises(GrdError, match=message):
        mutex_watershed(**{"affinities": AFFINITIES, "offsets": PAPER_OFFSETS, "strides": PAPER_STRIDES} | arguments)


def test_segment_with_the_true_foreground_finds_the_leaves():
    truth = two_leaves()
    labels = segment(perfect_affinities(truth, PAPER_OFFSETS), PAPER_OFFSETS, mutex(foreground="truth"), truth)
    np.testing.assert_array_equal(labels, truth)


def test_segment_with_the_corner_rule_finds_the_leaves_without_the_truth():
    truth = two_leaves()
    labels = segment(
        perfect_affinities(truth, PAPER_OFFSETS),
        PAPER_OFFSETS,
        mutex(foreground="corner", max_size=500),
    )
    np.testing.assert_array_equal(labels, truth)


def test_segment_asks_for_the_truth_that_its_settings_need():
    with pytest.raises(GrdError, match="expected a ground truth, found none"):
        segment(AFFINITIES, PAPER_OFFSETS, mutex(foreground="truth"))


@pytest.mark.parametrize(
    "typo",
    [
        {"foreground": "corners"},
        {"foreground": "corner", "stride": (5, 5)},
        {"foreground": "corner", "strides": (5, 0)},
        {"foreground": "truth", "max_size": 2000},
        {},
    ],
)
def test_settings_without_a_meaning_are_refused(typo):
    with pytest.raises(ValidationError):
        mutex(**typo)


@pytest.mark.parametrize("strides", [(1, 1), (5, 5)])
@pytest.mark.parametrize("masked", [False, True])
def test_the_backend_is_called_as_elf_calls_it(strides, masked):
    from elf.segmentation.mutex_watershed import mutex_watershed as elf_mutex_watershed

    rng = np.random.default_rng(0)
    offsets = [(-1, 0), (0, -1), (-3, 0), (0, -3), (-9, 0), (0, -9)]
    affinities = rng.uniform(-1, 1, (6, 40, 52)).astype(np.float32)
    mask = rng.random((40, 52)) > 0.2 if masked else None
    ours = mutex_watershed(affinities, offsets, strides, mask)
    theirs = elf_mutex_watershed(1 - affinities, [list(offset) for offset in offsets], list(strides), mask=mask)
    if mask is not None:
        theirs = np.where(mask, theirs, 0)
    pairs = np.unique(np.stack([ours.ravel(), theirs.ravel().astype(np.int64)]), axis=1).shape[1]
    assert pairs == len(np.unique(ours)) == len(np.unique(theirs))
