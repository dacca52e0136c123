"""Pictures show the image and the outlines of its instances."""

import numpy as np
import pytest
from skimage.io import imread

from grd.apply import overlay as module
from grd.apply.overlay import COLOURS, overlay, thickness, write_overlay
from grd.errors import GrdError


def square(side=60, within=slice(20, 40)):
    labels = np.zeros((side, side), np.uint16)
    labels[within, within] = 1
    return labels


def coloured(picture):
    """Pixels in a colour of outlines."""
    return (picture[..., None, :] == COLOURS).all(axis=-1).any(axis=-1)


def test_an_outline_is_the_border_of_an_instance_and_lies_within_it():
    labels = square()
    picture = overlay(labels, np.zeros((60, 60), np.uint16))
    border = labels.astype(bool)
    border[21:39, 21:39] = False
    np.testing.assert_array_equal(coloured(picture), border)
    assert (picture[~border] == 0).all()


def test_numbers_of_instances_may_be_large():
    labels = square().astype(np.int64)
    np.testing.assert_array_equal(overlay(labels * 2**40, labels), overlay(labels, labels))


def test_touching_instances_have_different_colours():
    labels = np.arange(1, 37).reshape(6, 6).repeat(10, axis=0).repeat(10, axis=1)
    picture = overlay(labels, np.zeros((60, 60), np.uint8))
    near = [9, 19, 29, 39, 49, 50]  # a pixel of each row of squares, on the side of the middle
    colours = picture[np.ix_(near, near)]
    assert coloured(colours).all()
    assert (colours[1:] != colours[:-1]).any(axis=-1).all()
    assert (colours[:, 1:] != colours[:, :-1]).any(axis=-1).all()


def test_colours_of_outlines_are_distinct():
    distances = np.abs(COLOURS[:, None].astype(int) - COLOURS).sum(axis=-1)
    assert distances[~np.eye(8, dtype=bool)].min() > 100


@pytest.mark.parametrize(("side", "width", "expected"), [(60, 20, 1), (2100, 100, 6), (2100, 30, 3), (2100, 2, 1)])
def test_outlines_are_thicker_in_large_pictures_but_never_than_a_tenth_of_an_object(side, width, expected):
    assert thickness(square(side, slice(10, 10 + width))[None]) == expected


def test_the_outlines_of_sections_fit_the_row_of_them():
    assert thickness(np.stack([square(700, slice(10, 110))] * 3)) == 6


def test_the_brightest_and_darkest_percentiles_are_white_and_black():
    image = np.arange(10000).reshape(100, 100)[::-1].astype(np.float32)
    picture = overlay(np.zeros((100, 100), np.uint16), image)
    assert ((picture == 0).all(axis=-1)).sum() == pytest.approx(100, abs=25)
    assert ((picture == 255).all(axis=-1)).sum() == pytest.approx(20, abs=25)
    assert abs(int(picture[50, 0, 0]) - 127) < 4


def test_a_few_bright_pixels_on_black_are_seen():
    image = np.zeros((100, 100))
    image[0, 0] = 0.01
    assert overlay(np.zeros((100, 100), int), image)[0, 0].tolist() == [255, 255, 255]


def test_a_constant_image_is_black():
    assert not overlay(np.zeros((5, 5), int), np.full((5, 5), 7)).any()


def test_8_bit_rgb_is_shown_as_it_is():
    image = np.random.default_rng(0).integers(50, 60, (9, 9, 3), np.uint8)
    before = image.copy()
    np.testing.assert_array_equal(overlay(np.zeros((9, 9), int), image), image)
    overlay(np.ones((9, 9), int) * np.arange(9), image)
    np.testing.assert_array_equal(image, before)


def test_three_channels_are_red_green_blue_and_of_two_the_brightest_is_grey():
    values = np.zeros((10, 10, 3), np.uint16)
    values[:5, :, 0] = values[5:, :, 1] = 1000
    picture = overlay(np.zeros((10, 10), int), values)
    assert [picture[0, 0].tolist(), picture[9, 0].tolist()] == [[255, 0, 0], [0, 255, 0]]
    assert (overlay(np.zeros((10, 10), int), values[..., :2]) == 255).all()


def test_a_large_picture_is_reduced_to_every_second_or_third_pixel(monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 50)
    assert overlay(square(50), square(50)).shape == (50, 50, 3)
    assert overlay(square(51), square(51)).shape == (26, 26, 3)
    picture = overlay(square(120), square(120))
    assert picture.shape == (40, 40, 3)
    assert coloured(picture)[7:13, 7:13].any()


@pytest.mark.parametrize(("depth", "sections"), [(8, (2, 4, 6)), (2, (0, 1)), (1, (0,))])
def test_a_volume_is_a_row_of_sections_in_which_an_instance_has_one_colour(depth, sections):
    labels = np.zeros((depth, 30, 40), np.uint32)
    labels[:, 10:20, 10:20] = 1
    labels[:, 10:20, 20:30] = 2
    image = np.broadcast_to(np.arange(depth)[:, None, None], labels.shape)
    picture = overlay(labels, image)
    assert picture.shape == (30, 40 * len(sections) + 8 * (len(sections) - 1), 3)
    panels = [picture[:, 48 * number : 48 * number + 40] for number in range(len(sections))]
    assert len({tuple(panel[15, 10]) for panel in panels}) == 1
    greys = [int(panel[0, 0, 0]) for panel in panels]
    assert greys == sorted(greys)
    assert all((picture[:, 48 * number - 8 : 48 * number] == 255).all() for number in range(1, len(sections)))


def test_a_row_of_sections_fits_the_longest_side(monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 50)
    for width in range(1, 80):
        labels = np.zeros((4, 3, width), np.uint8)
        assert overlay(labels, labels).shape[1] <= 50


def test_the_file_is_a_png_of_the_picture(tmp_path):
    labels = square()
    write_overlay(tmp_path / "a.png", labels, labels)
    np.testing.assert_array_equal(imread(tmp_path / "a.png")[..., :3], overlay(labels, labels))


def test_an_image_of_another_size_is_refused():
    with pytest.raises(GrdError, match=r"the labels' size \(60, 60\), found \(59, 60\)"):
        overlay(square(), square()[1:])
