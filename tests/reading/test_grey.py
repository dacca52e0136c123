"""Grey values of any type become 0..255 by one rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grd.errors import GrdError
from grd.reading.grey import grey_rule, regions


def to_uint8(image):
    return grey_rule(image)(image)


def test_grey_values_are_stretched_to_the_full_range():
    assert to_uint8(np.array([[100, 151, 610]], np.uint16)).tolist() == [[0, 26, 255]]  # 51 of 510 is 25.5, rounded to even


def test_a_constant_image_becomes_zeros():
    assert not to_uint8(np.full((2, 2), 4095, np.uint16)).any()


def test_uint8_colour_is_left_alone():
    image = np.full((2, 2, 3), 7, np.uint8)
    assert to_uint8(image) is image


@given(hnp.arrays(np.uint16, (3, 4), elements=st.integers(0, 65535)))
def test_rounding_is_off_by_at_most_one_in_510_of_the_range(image):
    low, extent = int(image.min()), int(image.max()) - int(image.min())
    restored = low + to_uint8(image) / 255 * extent
    assert np.abs(restored - image).max() <= extent / 510 + 1e-6


@pytest.mark.parametrize("shape", [(16, 16), (4, 8, 8)])
def test_an_image_has_the_same_grey_values_whatever_type_holds_it(shape):
    counts = np.random.default_rng(0).integers(0, 65536, shape, dtype=np.uint16)
    expected = to_uint8(counts)
    assert expected.max() == 255
    for same in (counts.astype(np.int64), counts / 65535, (counts / 65535).astype(np.float32), counts / 131070, counts - 40000.0):
        np.testing.assert_array_equal(to_uint8(same), expected)


def test_whole_numbers_up_to_255_of_a_volume_are_taken_as_they_are_in_any_type():
    volume = np.arange(3, 27, dtype=np.uint8).reshape(2, 3, 4)
    for same in (volume, volume.astype(np.uint16), volume.astype(np.float32)):
        np.testing.assert_array_equal(to_uint8(same), volume)
    assert to_uint8(volume.astype(np.float32) + 0.5).max() == 255  # no whole numbers: stretched


def test_a_picture_of_two_values_is_stretched():
    assert to_uint8(np.array([[False, True]])).tolist() == [[0, 255]]


def test_percentiles_clip_what_lies_outside():
    ramp = np.arange(101, dtype=np.uint8)[None]
    assert grey_rule(ramp, (10, 90))(ramp)[0, [0, 10, 50, 90, 100]].tolist() == [0, 0, 128, 255, 255]


def test_percentiles_of_a_volume_too_large_to_sort_come_from_a_part_of_it(monkeypatch):
    monkeypatch.setattr("grd.reading.grey.SAMPLED", 100)
    volume = np.tile(np.arange(100, dtype=np.uint16), (4, 50, 1))
    assert 40 < 255 / grey_rule(volume, (0, 50))(np.array([[[1]]], np.uint16)).item() < 60  # 50 of 100 values, about


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_with_values_that_are_no_numbers_is_refused(value):
    with pytest.raises(GrdError, match=r"a\.tif: expected finite grey values, found NaN or infinity"):
        grey_rule(np.array([[0, value]]), where="a.tif")
    with pytest.raises(GrdError, match="expected grey values, found complex128"):
        grey_rule(np.zeros((2, 2), complex))


@given(st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7)), st.integers(1, 60))
def test_regions_cover_an_array_once(shape, most):
    count = np.zeros(shape, int)
    for region in regions(shape, most):
        count[region] += 1
        assert count[region].size <= max(most, shape[2])
    assert (count == 1).all()


@pytest.mark.parametrize("wrong", [(99, 1), (0.01, 0.998), (5, 5), (-1, 99), (1, 101)])
def test_percentiles_that_are_none_are_refused(wrong):
    with pytest.raises(GrdError, match="expected two percentiles, the lower one first"):
        grey_rule(np.zeros((2, 2), np.uint8), wrong)


def test_percentiles_of_colours_too_many_to_sort_come_from_all_colours(monkeypatch):
    monkeypatch.setattr("grd.reading.grey.SAMPLED", 300)
    image = np.zeros((60, 50, 3), np.uint8)
    image[..., 1] = 200
    assert set(grey_rule(image, (1, 99))(image).ravel().tolist()) == {0, 255}
