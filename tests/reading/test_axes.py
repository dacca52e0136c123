"""Axes are named by the file or by the user; where neither does, one sentence asks."""

import numpy as np
import pytest

from grd.errors import GrdError
from grd.reading.axes import Choice, frames
from grd.reading.stored import Stored


def stored(shape, axes, **facts):
    return Stored("a.tif", np.arange(np.prod(shape), dtype=np.int64).reshape(shape), axes, **facts)


@pytest.mark.parametrize(
    ("shape", "axes", "rank", "expected"),
    [
        ((4, 5), "YX", 2, (4, 5)),
        ((4, 5), "QQ", 2, (4, 5)),
        ((1, 4, 5), "QQQ", 2, (4, 5)),
        ((4, 5, 1), "QQQ", 2, (4, 5)),
        ((1, 1, 4, 5, 1), "TZYXS", 2, (4, 5)),
        ((4, 1), "QQ", 2, (4, 1)),
        ((4, 5, 3), "QQQ", 2, (4, 5, 3)),
        ((4, 5, 4), "YXS", 2, (4, 5, 3)),  # alpha
        ((4, 5, 2), "YXS", 2, (4, 5)),  # grey and alpha
        ((3, 4, 5), "SYX", 2, (4, 5, 3)),  # colours apart
        ((3, 4, 5), "QQQ", 3, (3, 4, 5)),
        ((3, 4, 5), "QYX", 3, (3, 4, 5)),
        ((1, 4, 5), "ZYX", 3, (1, 4, 5)),
        ((3, 4, 5, 1), "QQQQ", 3, (3, 4, 5)),
        ((1, 3, 1, 4, 5), "TZCYX", 3, (3, 4, 5)),
        ((5, 4, 3), "XYZ", 3, (3, 4, 5)),
    ],
)
def test_axes_that_leave_no_choice_are_put_in_order(shape, axes, rank, expected):
    found = frames(stored(shape, axes), rank)
    assert (found.samples[0].shape, found.along) == (expected, "")
    assert found.samples[0][...].shape == expected


def test_rows_and_columns_are_exchanged_where_the_file_says_so():
    (sample,) = frames(stored((3, 2), "XY"), 2).samples
    assert sample[...].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert sample[1:, :2].tolist() == [[1, 3]]


def test_planar_colours_become_the_last_axis():
    (sample,) = frames(stored((3, 1, 2), "SYX"), 2).samples
    assert sample[...].tolist() == [[[0, 2, 4], [1, 3, 5]]]
    assert sample[:, 1:].tolist() == [[[1, 3, 5]]]


@pytest.mark.parametrize(
    ("shape", "axes", "rank", "sentence"),
    [
        ((3, 4, 5), "QQQ", 2, "expected an image, found shape (3, 4, 5) with axes without names; name them with --axes"),
        ((5, 4, 5), "QYX", 2, "with axes ?YX; name them with --axes, such as TYX, CYX or YXS"),
        ((3, 4, 5), "CYX", 2, "expected one channel, found 3; choose one with --channel 0 to 2"),
        ((3, 4, 5), "ZYX", 2, "3 sections; with --axes, T in place of Z, each section is segmented by itself"),
        ((4, 5), "YX", 3, "expected a volume, found shape (4, 5) with axes YX, without Z"),
        ((4, 5, 3), "YXS", 3, "expected a volume, found shape (4, 5, 3) with axes YXS, without Z"),
        ((2, 4, 5, 3), "ZYXS", 3, "expected one channel, found 3"),
        ((2, 3, 4, 5), "QQQQ", 3, "such as TZYX or CZYX"),
        ((0, 5), "YX", 2, "expected pixels, found shape (0, 5)"),
        ((4, 5, 5), "YXS", 2, "expected one channel, found 5"),
        ((2, 2, 4, 5), "TNYX", 2, "expected one axis of moments or images"),
    ],
)
def test_a_choice_is_asked_for_in_one_sentence(shape, axes, rank, sentence):
    with pytest.raises(GrdError) as caught:
        frames(stored(shape, axes), rank)
    assert str(caught.value).startswith("a.tif: expected ")
    assert sentence in str(caught.value)


def test_channels_are_listed_by_name():
    with pytest.raises(GrdError, match=r"found 2 \(DAPI, GFP\); choose one with --channel 0 to 1"):
        frames(stored((2, 4, 5), "CYX", channels=["DAPI", "GFP"]), 2)


def test_the_user_chooses_channel_moment_and_axes():
    image = stored((2, 3, 4, 5), "TCYX")
    (sample,) = frames(image, 2, Choice(channel=1, time=1)).samples
    np.testing.assert_array_equal(sample[...], image.array[1, 1])
    (sample,) = frames(stored((4, 5, 3), "YXS"), 2, Choice(channel=2)).samples
    np.testing.assert_array_equal(sample[...], np.arange(60).reshape(4, 5, 3)[..., 2])
    assert len(frames(stored((3, 4, 5), "ZYX"), 2, Choice(axes="tyx")).samples) == 3
    assert frames(stored((3, 4, 5), "CYX"), 2, Choice(axes="SYX")).samples[0].shape == (4, 5, 3)
    assert frames(stored((1, 3, 4, 5), "QQQQ"), 3, Choice(axes="ZYX")).samples[0].shape == (3, 4, 5)


@pytest.mark.parametrize("axes", ["YX", "ZZYX", "ABC", "TZYX", "ZY?"])
def test_axes_that_do_not_fit_are_refused(axes):
    with pytest.raises(GrdError, match="expected a letter of TZCYXS for each axis, found"):
        frames(stored((3, 4, 5), "QQQ"), 2, Choice(axes=axes))


@pytest.mark.parametrize(
    ("choice", "what"), [(Choice(channel=3), "channel from 0 to 2"), (Choice(channel=-1), "channel from 0 to 2")]
)
def test_a_channel_that_is_not_there_is_refused(choice, what):
    with pytest.raises(GrdError, match=f"expected a {what}, found --channel"):
        frames(stored((3, 4, 5), "CYX"), 2, choice)


def test_without_channels_or_moments_there_is_only_the_first():
    grey = stored((4, 5), "YX")
    assert len(frames(grey, 2, Choice(channel=0, time=0)).samples) == 1
    with pytest.raises(GrdError, match=r"expected a channel from 0 to 0, found --channel 1 for shape \(4, 5\) with axes YX"):
        frames(grey, 2, Choice(channel=1))
    with pytest.raises(GrdError, match="expected a moment from 0 to 0, found --time 2"):
        frames(grey, 2, Choice(time=2))


def test_of_channels_in_colours_the_channel_is_chosen_and_the_colours_stay():
    both = stored((2, 4, 5, 3), "CYXS")
    (sample,) = frames(both, 2, Choice(channel=1)).samples
    (measured,) = frames(both, 2, Choice(channel=1), every_channel=True).samples
    np.testing.assert_array_equal(sample[...], both.array[1])
    np.testing.assert_array_equal(measured[...], both.array[1])
    (red,) = frames(stored((1, 4, 5, 3), "CYXS"), 2, Choice(channel=2)).samples
    assert red.shape == (4, 5)


def test_values_are_measured_as_they_are_stored_also_where_0_is_white():
    image = Stored("a.tif", np.array([[0, 255]], np.uint8), "YX", inverted=True)
    assert frames(image, 2).samples[0][...].tolist() == [[255, 0]]
    assert frames(image, 2, every_channel=True).samples[0][...].tolist() == [[0, 255]]


@pytest.mark.parametrize(("kind", "read"), [(bool, np.uint8), (np.longdouble, np.float64)])
def test_unusual_types_are_read_as_usual_ones(kind, read):
    (sample,) = frames(Stored("a.npy", np.ones((2, 3), kind), "YX"), 2).samples
    assert sample.dtype == sample[...].dtype == read and sample[...].tolist() == [[1, 1, 1]] * 2


def test_axes_that_do_not_fit_the_array_are_a_damaged_file():
    with pytest.raises(GrdError, match=r"a\.tif: expected a letter for each axis, found shape \(3, 4, 5\) with axes YX"):
        frames(Stored("a.tif", np.ones((3, 4, 5)), "YX"), 2)


def test_moments_and_images_are_samples_of_their_own():
    found = frames(stored((3, 4, 5), "TYX"), 2)
    assert (found.along, found.names, len(found.samples)) == ("T", ["0", "1", "2"], 3)
    np.testing.assert_array_equal(found.samples[2][1:3, :2], np.arange(60).reshape(3, 4, 5)[2, 1:3, :2])
    named = frames(stored((2, 4, 5), "NYX", names=["A", "B"]), 2)
    assert (named.along, named.names) == ("N", ["A", "B"])


def test_0_is_bright_where_the_file_says_that_0_is_white():
    image = Stored("a.tif", np.array([[0, 255]], np.uint8), "YX", inverted=True)
    assert frames(image, 2).samples[0][...].tolist() == [[255, 0]]


def test_a_palette_gives_colours_unless_it_only_tints_grey_values():
    numbers = np.array([[0, 1, 2]], np.uint8)
    colours = np.array([[9, 0, 0], [0, 9, 0], [0, 0, 9]], np.uint8)
    assert frames(Stored("a.png", numbers, "YX", palette=colours), 2).samples[0][...].tolist() == [
        [[9, 0, 0], [0, 9, 0], [0, 0, 9]]
    ]
    blue = np.array([[0, 0, 0], [0, 0, 99], [0, 0, 255]], np.uint8)
    assert frames(Stored("a.tif", numbers, "YX", palette=blue), 2).samples[0][...].tolist() == [[0, 1, 2]]
    mixed_greys = np.array([[5, 5, 5], [3, 3, 3], [4, 4, 4]], np.uint8)
    assert frames(Stored("a.png", numbers, "YX", palette=mixed_greys), 2).samples[0][...].tolist() == [[5, 3, 4]]


def test_planes_of_16_bits_that_a_file_calls_colours_are_warned_of(caplog):
    frames(Stored("a.tif", np.zeros((3, 4, 5), np.uint16), "SYX"), 2)
    assert "its planes are taken for colours. If they are not, name the axes: --axes" in caplog.text
