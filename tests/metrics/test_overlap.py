import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.metrics import contingency_table

from grd.errors import GrdError
from grd.metrics import overlap
from grd.metrics.overlap import overlap_table

TRUTH = np.array([[0, 0, 1, 1], [0, 4, 4, 1]])
PREDICTION = np.array([[0, 2, 2, 2], [0, 3, 3, 2]])

PAIRS_OF_IMAGES = hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(1, 8), st.integers(1, 8)), elements=st.integers(0, 5))


def pairs(table):
    """The table as {(truth id, prediction id): pixels}."""
    truth, prediction = table.truth_ids[table.pair_truth], table.prediction_ids[table.pair_prediction]
    return dict(zip(zip(truth.tolist(), prediction.tolist(), strict=True), table.pair_counts.tolist(), strict=True))


def test_every_pair_of_labels_that_overlaps_is_counted_background_included():
    table = overlap_table(PREDICTION, TRUTH)
    assert pairs(table) == {(0, 0): 2, (0, 2): 1, (1, 2): 3, (4, 3): 2}


def test_sizes_are_those_of_the_labels():
    table = overlap_table(PREDICTION, TRUTH)
    assert dict(zip(table.truth_ids.tolist(), table.truth_sizes.tolist(), strict=True)) == {0: 3, 1: 3, 4: 2}
    assert dict(zip(table.prediction_ids.tolist(), table.prediction_sizes.tolist(), strict=True)) == {0: 2, 2: 4, 3: 2}


def test_the_table_of_instances_has_no_background_but_whole_sizes():
    instances = overlap_table(PREDICTION, TRUTH).instances
    assert pairs(instances) == {(1, 2): 3, (4, 3): 2}
    assert instances.prediction_sizes.tolist() == [4, 2]


def test_images_without_background_have_nothing_to_exclude():
    table = overlap_table(PREDICTION + 1, TRUTH + 1)
    assert pairs(table.instances) == pairs(table)


def test_iou_and_dice_of_a_pair():
    instances = overlap_table(PREDICTION, TRUTH).instances
    assert instances.pair_iou.tolist() == [3 / 4, 1]
    assert instances.pair_dice.tolist() == [6 / 7, 1]


@given(PAIRS_OF_IMAGES)
def test_the_counts_are_those_of_skimage(images):
    prediction, truth = images
    dense = contingency_table(truth, prediction).toarray()
    assert pairs(overlap_table(prediction, truth)) == {
        (int(t), int(p)): int(dense[t, p]) for t, p in zip(*np.nonzero(dense), strict=True)
    }


@given(PAIRS_OF_IMAGES)
def test_counting_and_sorting_give_the_same_table(images):
    counted = pairs(overlap_table(*images))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "_BINCOUNT_CELLS", 0)
        assert pairs(overlap_table(*images)) == counted


@given(PAIRS_OF_IMAGES, st.integers(1, 20))
def test_an_image_may_be_counted_in_chunks_of_any_size(images, chunk):
    counted = pairs(overlap_table(*images))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "_CHUNK", chunk)
        assert pairs(overlap_table(*images)) == counted


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.uint64])
def test_any_integer_type_gives_the_same_table(dtype):
    assert pairs(overlap_table(PREDICTION.astype(dtype), TRUTH)) == pairs(overlap_table(PREDICTION, TRUTH))


def test_ids_too_large_for_a_common_key_are_counted_as_well():
    huge = np.where(TRUTH == 4, np.uint64(2**64 - 1), TRUTH.astype(np.uint64))
    assert pairs(overlap_table(PREDICTION + 2**40, huge)) == {
        (0, 2**40): 2,
        (0, 2**40 + 2): 1,
        (1, 2**40 + 2): 3,
        (2**64 - 1, 2**40 + 3): 2,
    }


def test_volumes_and_lines_have_tables_too():
    volume = overlap_table(PREDICTION.reshape(2, 2, 2), TRUTH.reshape(2, 2, 2))
    assert pairs(volume) == pairs(overlap_table(PREDICTION.ravel(), TRUTH.ravel()))


def test_an_image_without_pixels_has_an_empty_table():
    empty = np.zeros((0, 3), dtype=int)
    assert pairs(overlap_table(empty, empty)) == {}


def test_different_shapes_are_refused_with_both_shapes():
    with pytest.raises(GrdError, match=r"\(4, 2\) and \(2, 4\)"):
        overlap_table(PREDICTION.T, TRUTH)


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (PREDICTION.astype(float), "found a prediction of float64"),
        (PREDICTION > 0, "found a prediction of bool"),
        (PREDICTION - 1, "found -1 in the prediction"),
    ],
)
def test_arrays_that_hold_no_labels_are_refused(prediction, message):
    with pytest.raises(GrdError, match=message):
        overlap_table(prediction, TRUTH)
