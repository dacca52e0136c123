"""Frequencies of the parts of the augmentation, against the released code's probabilities."""

from collections import Counter
from math import sqrt
from pathlib import Path

import pytest
import torch

from grd.config.datasets import Augment
from grd.data.augment import Draws, augment, augment_sections, window_size
from grd.data.randomness import generator
from grd.project.project import Project

CONFIG = Path(__file__).parents[2] / "config"
CPU = torch.device("cpu")
DRAWS = 3000
PARTS = ("flip", "transpose", "rotate", "elastic", "grayscale", "noise", "blur", "intensity", "cutout")


def settings(dataset, scale="paper", **changes):
    """The augmentation of a data set, with other parts than those named in `changes` as it is."""
    found = Project.load(CONFIG, {"scale": scale, "seeds": [0]}).dataset(dataset).augment
    return found.model_copy(update=changes)


def alone(found, *parts):
    """Settings in which only these parts happen."""
    return found.model_copy(update={part: 0 for part in PARTS if part not in parts})


def is_near(count, probability, draws=DRAWS):
    """True if a binomial count lies within 4.5 standard deviations."""
    return abs(count - draws * probability) <= 4.5 * sqrt(draws * probability * (1 - probability))


def picture(sides=(6, 6)):
    """An image without symmetry, (1, 1, *sides) or as sections (1, *sides)."""
    values = torch.rand(sides, generator=generator(0, "picture")) * 0.8 + 0.1
    return values.view(1, -1, *sides[-2:])


def crops(found, seed=0):
    """Crops (DRAWS, 1, 6, 6) of one image of that size."""
    images = picture().repeat(DRAWS, 1, 1, 1)
    return augment(images, torch.ones(DRAWS, 6, 6, dtype=torch.int32), found, generator(seed, "augment"))[0]


def sections(found, seed=0):
    """Crops (DRAWS, 3, 6, 6) of one volume of that size."""
    volumes = picture((3, 6, 6)).repeat(DRAWS, 1, 1, 1)
    return augment_sections(volumes, torch.ones(DRAWS, 3, 6, 6), found, generator(seed, "augment"), (6, 6))[0]


def differ(found, original):
    """Mask (DRAWS,) of crops that are not the original."""
    return ((found - original).abs() > 1e-5).flatten(1).any(1)


def axes_mirrored(found, original):
    """Number of crops by the axes in which they are the original mirrored, e.g. '-2' or '-2 -1'."""
    axes = [(), (-1,), (-2,), (-2, -1), (1,), (1, -1), (1, -2), (1, -2, -1)][: 8 if len(original[0]) > 1 else 4]
    return Counter({which: int((~differ(found, original.flip(which))).sum()) for which in axes})


@pytest.mark.parametrize("dataset", ["celegans", "bbbc039"])
def test_images_are_mirrored_in_a_fifth_of_all_draws_per_axis(dataset):
    found = axes_mirrored(crops(alone(settings(dataset, crop=(6, 6)), "flip")), picture())
    assert sum(found.values()) == DRAWS
    assert is_near(found[()], 1 - 0.8 * 0.5 * 0.75)
    assert all(is_near(found[axes], 0.8 * 0.5 * 0.25) for axes in found if axes)
    assert all(is_near(sum(n for axes, n in found.items() if axis in axes), 0.2) for axis in (-1, -2))


def test_volumes_are_mirrored_in_an_eighth_of_all_draws_per_axis_sections_included():
    found = axes_mirrored(sections(alone(settings("ac34", crop=(3, 6, 6)), "flip")), picture((3, 6, 6)))
    assert sum(found.values()) == DRAWS
    assert is_near(found[()], 1 - 0.5 * 0.5 * 0.875)
    assert all(is_near(sum(n for axes, n in found.items() if axis in axes), 0.125) for axis in (1, -1, -2))


@pytest.mark.parametrize(
    ("part", "probability"),
    [
        ("transpose", 0.8 * 0.5 * 0.5),
        *((part, 0.8 * 0.5) for part in ("rotate", "elastic", "grayscale")),
        *((part, 0.3) for part in ("noise", "intensity")),
        ("blur", 0.3 * 0.79),  # a sigma below 0.21 pixels changes nothing
        ("cutout", 0.3 * (1 - 1 / 20)),  # none or empty squares: Σ (1/21)^(n+1) over n = 0 … 20
    ],
)
def test_parts_of_microscopy_happen_as_often_as_in_the_released_code(part, probability):
    changed = differ(crops(alone(settings("bbbc039", crop=(6, 6)), part)), picture())
    assert is_near(int(changed.sum()), probability)


@pytest.mark.parametrize(
    ("part", "probability"), [("transpose", 0.5**3), *((part, 0.25) for part in ("rotate", "elastic", "grayscale"))]
)
def test_parts_of_volumes_happen_as_often_as_in_the_released_code(part, probability):
    changed = differ(sections(alone(settings("cremi_a", crop=(3, 6, 6)), part)), picture((3, 6, 6)))
    assert is_near(int(changed.sum()), probability)


def test_images_of_cvppp_are_mirrored_in_half_of_all_draws_and_cut_out_and_nothing_else():
    found = settings("cvppp")
    assert (found.block, found.mirror, found.scale) == (1, 1, (0.7, 1.0)) and found == alone(found, "flip")
    mirrored = axes_mirrored(crops(found.model_copy(update={"crop": (6, 6), "scale": None})), picture())
    assert sum(mirrored.values()) == DRAWS and all(is_near(count, 0.25) for count in mirrored.values())


def test_parts_happen_only_where_the_shared_draws_did():
    common = {"crop": (6, 6), "block": 0.5, "mirror": 0.5, "flip": 0}
    draws = Draws(DRAWS, CPU, generator(7, "augment"), 0.5, 0.5)
    for part in ("rotate", "elastic", "grayscale"):
        assert torch.equal(differ(crops(Augment(**common, **{part: 1}), 7), picture()), draws.block)
    for part in ({"transpose": 1}, {"flip": 1}):
        assert torch.equal(differ(crops(Augment(**common | part), 7), picture()), draws.mirror)
    assert differ(crops(Augment(**common, noise=1), 7), picture()).all()
    assert is_near(int(draws.block.sum()), 0.5) and is_near(int(draws.mirror.sum()), 0.25) and (draws.mirror <= draws.block).all()


def test_sections_are_mirrored_only_where_rows_and_columns_may_be():
    found = Augment(crop=(3, 6, 6), block=0.5, mirror=0.5, flip=1)
    every = axes_mirrored(sections(found), picture((3, 6, 6)))
    assert every[()] + every[1, -2, -1] == DRAWS and is_near(every[1, -2, -1], 0.25)


@pytest.mark.parametrize("scale", ["demo", "trial"])
def test_small_scales_draw_each_part_by_itself(scale):
    found = [settings(dataset, scale) for dataset in ("cvppp", "celegans", "bbbc039")]
    assert {(each.block, each.mirror, each.flip) for each in found} == {(1, 1, 0.5)}


def test_windows_fit_into_the_room_or_fill_it():
    room, draws = torch.tensor([100.0, 100.0]), Draws(DRAWS, CPU, generator(0, "w"))
    sizes = window_size(room, (0.7, 1.0), (0.75, 4 / 3), draws)
    full = (sizes == 100).all(1)
    assert full.float().mean() < 0.01 and not (sizes[~full] == 100).any() and (sizes <= 100).all()
    area, aspect = sizes.prod(1), sizes[:, 1] / sizes[:, 0]
    assert area.min() >= 7000 - 1 and aspect.min() >= 0.75 - 1e-5 and aspect.max() <= 4 / 3 + 1e-5


def test_without_a_window_that_fits_all_of_the_room_is_taken():
    sizes = window_size(torch.tensor([10.0, 10.0]), (0.99, 1.0), (2.0, 2.5), Draws(4, CPU, generator(0, "w")))
    assert (sizes == 10).all()
