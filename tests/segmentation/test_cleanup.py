import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grd.data.ids import relabel_consecutive
from grd.errors import GrdError
from grd.segmentation.cleanup import drop_background, merge_small_segments

LABELS = hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 6))


def halves(speck_row=5, speck_column=5):
    """10 x 10, the left six columns 1, the right four 2, and one pixel of 3."""
    labels = np.ones((10, 10), dtype=np.int32)
    labels[:, 6:] = 2
    labels[speck_row, speck_column] = 3
    return labels


def merge_slowly(labels, passes):
    """The rule of the docstring, one sentence at a time."""
    labels = labels.copy()
    for max_size, window in passes:
        for label in [i for i in np.unique(labels) if i and (labels == i).sum() <= max_size]:
            row, column = (int(np.floor(axis.mean())) - window // 2 for axis in np.nonzero(labels == label))
            inside = labels[max(row, 0) : row + window, max(column, 0) : column + window]
            counts = {int(i): int((inside == i).sum()) for i in np.unique(inside)}
            if len(counts) <= 2:
                continue
            ranked = sorted(counts, key=lambda i: (-counts[i], i))
            others = [i for i in ranked if i not in (0, label)]
            labels[labels == label] = others[0] if ranked[0] == 0 else ranked[0]
    return labels


def test_a_speck_on_the_border_of_two_instances_goes_to_the_one_that_fills_more_of_its_window():
    merged = merge_small_segments(halves(), [(5, 5)])
    np.testing.assert_array_equal(merged, np.where(halves() == 3, 1, halves()))


def test_a_speck_inside_one_instance_stays_because_its_window_holds_two_labels_only():
    merged = merge_small_segments(halves(speck_column=2), [(5, 5)])
    np.testing.assert_array_equal(merged, halves(speck_column=2))


def test_a_small_instance_alone_on_the_background_stays():
    labels = np.zeros((9, 9), dtype=int)
    labels[4, 4] = 1
    np.testing.assert_array_equal(merge_small_segments(labels, [(5, 5)]), labels)


def test_a_segment_above_the_size_limit_stays():
    labels = halves()
    labels[4, 5] = 3
    np.testing.assert_array_equal(merge_small_segments(labels, [(1, 5)]), labels)


def test_a_segment_that_fills_most_of_its_window_stays():
    labels = np.ones((9, 9), dtype=int)
    labels[:, 5:], labels[2:7, 2:7] = 2, 3
    np.testing.assert_array_equal(merge_small_segments(labels, [(25, 5)]), labels)


def test_a_speck_in_a_window_full_of_background_goes_to_the_instance_there_not_to_the_background():
    labels = np.zeros((9, 9), dtype=int)
    labels[4, 4], labels[2, 2:4] = 1, 2
    np.testing.assert_array_equal(merge_small_segments(labels, [(1, 5)]), np.where(labels > 0, 1, 0))


@pytest.mark.parametrize("row", [0, 1, 9])
def test_a_speck_at_the_border_of_the_image_merges_too_because_the_window_is_clipped(row):
    merged = merge_small_segments(halves(speck_row=row), [(5, 5)])
    np.testing.assert_array_equal(merged, np.where(halves(row) == 3, 1, halves(row)))


def test_a_later_pass_sees_what_an_earlier_one_has_merged():
    labels = halves()
    labels[4, 5] = 4
    merged = merge_small_segments(labels, [(1, 3), (2, 5)])
    assert sorted(np.unique(merged)) == [1, 2]


def test_the_segments_left_are_numbered_without_gaps():
    labels = halves() * 10
    np.testing.assert_array_equal(np.unique(merge_small_segments(labels, [(5, 5)])), [1, 2])


def test_without_passes_only_the_ids_change():
    np.testing.assert_array_equal(merge_small_segments(halves() * 7, []), halves())


@settings(max_examples=150)
@given(LABELS, st.lists(st.tuples(st.integers(1, 12), st.integers(1, 7)), max_size=3))
def test_merging_does_what_its_description_says(labels, passes):
    before = labels.copy()
    merged = merge_small_segments(labels, passes)
    np.testing.assert_array_equal(merged, relabel_consecutive(merge_slowly(labels, passes)))
    np.testing.assert_array_equal(merged == 0, labels == 0)
    np.testing.assert_array_equal(labels, before)


def test_dropping_the_background_removes_the_segment_of_the_corner():
    labels = np.full((4, 4), 5)
    labels[1, 1:], labels[3, 3] = 2, 9
    np.testing.assert_array_equal(drop_background(labels), [[0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 2]])


def test_dropping_the_background_removes_larger_segments_but_keeps_those_of_exactly_the_limit():
    labels = np.array([[1, 2, 2, 2, 3, 3, 3, 3]])
    np.testing.assert_array_equal(drop_background(labels, max_size=3), [[0, 1, 1, 1, 0, 0, 0, 0]])


def test_a_corner_that_is_background_already_drops_nothing_more():
    np.testing.assert_array_equal(drop_background(np.array([[0, 4], [4, 2]])), [[0, 2], [2, 1]])


@given(LABELS, st.none() | st.integers(1, 30))
def test_after_dropping_the_corner_is_background_and_no_segment_exceeds_the_limit(labels, max_size):
    sizes = np.bincount(drop_background(labels, max_size).ravel())[1:]
    assert drop_background(labels, max_size)[0, 0] == 0
    assert (sizes > 0).all() and (sizes <= (max_size or labels.size)).all()


def test_ids_of_any_size_become_consecutive():
    labels = np.array([[2**63, 0], [7, 2**63]], dtype=np.uint64)
    relabelled = relabel_consecutive(labels)
    np.testing.assert_array_equal(relabelled, [[2, 0], [1, 2]])
    assert relabelled.dtype == np.int32


@given(LABELS)
def test_ids_become_the_same_whether_they_are_large_or_small(labels):
    np.testing.assert_array_equal(relabel_consecutive(labels * 10**6), relabel_consecutive(labels))


@pytest.mark.parametrize("labels", [np.array([[-1, 0]]), np.array([[0.5]]), np.array([[True]])])
@pytest.mark.parametrize("cleanup", [relabel_consecutive, drop_background, lambda x: merge_small_segments(x, [(5, 5)])])
def test_what_is_no_label_image_is_refused(cleanup, labels):
    with pytest.raises(GrdError, match="expected non-negative integer labels"):
        cleanup(labels)
