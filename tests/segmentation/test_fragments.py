import numpy as np
import pytest
from segmentation.neurite_volumes import NEAREST, add_noise, affinities_of, neurites_with_membranes
from skimage.measure import label

from grd.errors import GrdError
from grd.metrics import score_partition
from grd.segmentation.fragments import nearest_affinities, seeded_fragments, smoothed_fragments

BOTH_KINDS = pytest.mark.parametrize("fragments_of", [seeded_fragments, smoothed_fragments])


@BOTH_KINDS
def test_ids_are_consecutive_and_each_lies_in_one_section(fragments_of):
    fragments = fragments_of(affinities_of(neurites_with_membranes()))
    assert fragments.dtype == np.uint64
    np.testing.assert_array_equal(np.unique(fragments), np.arange(1, fragments.max() + 1))
    assert sum(len(np.unique(section)) for section in fragments) == fragments.max()


@BOTH_KINDS
def test_each_fragment_is_connected_by_sides(fragments_of):
    fragments = fragments_of(np.clip(add_noise(affinities_of(neurites_with_membranes())), 0, 1))
    pieces = sum(label(section, connectivity=1, background=-1).max() for section in fragments.astype(np.int64))
    assert pieces == fragments.max()


@BOTH_KINDS
def test_fragments_of_perfect_affinities_lie_within_one_neurite(fragments_of):
    truth = neurites_with_membranes()
    scores = score_partition(fragments_of(affinities_of(truth)), truth)
    assert scores["voi_merge"] < 0.05 and scores["voi_split"] > 1


@BOTH_KINDS
@pytest.mark.parametrize("affinity", [0, 1])
def test_a_section_of_one_affinity_is_one_fragment(fragments_of, affinity):
    fragments = fragments_of(np.full((3, 2, 6, 7), affinity, dtype=np.float32))
    np.testing.assert_array_equal(fragments, np.repeat([1, 2], 42).reshape(2, 6, 7))


@BOTH_KINDS
def test_fragments_do_not_depend_on_the_affinities_between_sections(fragments_of):
    affinities = affinities_of(neurites_with_membranes((4, 64, 64)))
    changed = affinities.copy()
    changed[0] = 1 - changed[0]
    np.testing.assert_array_equal(fragments_of(changed), fragments_of(affinities))


@BOTH_KINDS
def test_fragments_of_a_section_have_no_regard_for_the_other_sections(fragments_of):
    affinities = affinities_of(neurites_with_membranes((4, 64, 64)))
    together, alone = fragments_of(affinities)[2], fragments_of(affinities[:, 2:3])[0]
    np.testing.assert_array_equal(together - together.min(), alone - 1)


def test_seeds_are_the_maxima_of_the_distance_and_the_watershed_floods_to_the_membrane():
    # One row: interiors of 5 and 3 pixels, between them a membrane of one pixel. Each interior has one maximum.
    affinities = np.ones((3, 1, 1, 9), dtype=np.float32)
    affinities[1:, 0, 0, 5] = 0
    fragments = seeded_fragments(affinities)[0, 0]
    assert fragments[:5].tolist() == [1] * 5 and fragments[6:].tolist() == [2] * 3


def test_smoothed_fragments_have_at_least_a_hundred_pixels():
    fragments = smoothed_fragments(np.clip(add_noise(affinities_of(neurites_with_membranes()), 0.2), 0, 1))
    assert np.bincount(fragments.ravel().astype(int))[1:].min() >= 100


def test_the_nearest_channels_are_found_in_any_order_among_others_and_clipped():
    offsets = [(0, 0, -1), (0, -3, 0), (-1, 0, 0), (0, -1, 0)]
    affinities = np.stack([np.full((2, 3, 4), value, dtype=np.float32) for value in (0.3, 9, -0.5, 1.5)])
    nearest = nearest_affinities(affinities, offsets)
    assert nearest.dtype == np.float32
    assert [np.unique(channel).tolist() for channel in nearest] == [[0], [1], [pytest.approx(0.3)]]


def test_the_affinities_are_left_as_they_were():
    affinities = add_noise(affinities_of(neurites_with_membranes((2, 32, 32))))
    before = affinities.copy()
    nearest_affinities(affinities, NEAREST)
    np.testing.assert_array_equal(affinities, before)


VOLUME = np.zeros((3, 4, 5, 6), dtype=np.float32)


@pytest.mark.parametrize(
    ("affinities", "offsets", "message"),
    [
        (VOLUME, [(1, 0, 0), (0, -1, 0), (0, 0, -1)], r"expected voxels and the offsets .* found .*\(1, 0, 0\)"),
        (VOLUME, NEAREST[:2], "found float32 .* and 2 offsets"),
        (VOLUME[:, 0], [offset[1:] for offset in NEAREST], r"of shape \(3, 5, 6\)"),
        (VOLUME.astype(int), NEAREST, "found int64"),
        (VOLUME[:, :0], NEAREST, r"expected voxels .* found shape \(3, 0, 5, 6\)"),
        (np.full_like(VOLUME, np.nan), NEAREST, "expected finite affinities"),
        (np.full_like(VOLUME, np.inf), NEAREST, "expected finite affinities"),
    ],
)
def test_affinities_that_do_not_fit_are_refused_with_what_was_expected_and_found(affinities, offsets, message):
    with pytest.raises(GrdError, match=message):
        nearest_affinities(affinities, offsets)
