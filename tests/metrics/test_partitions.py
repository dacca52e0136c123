import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.metrics import adapted_rand_error as skimage_rand_error
from skimage.metrics import variation_of_information as skimage_variation

from grd.errors import GrdError
from grd.metrics import adapted_rand_error, overlap_table, score_partition, variation_of_information

PAIRS_OF_VOLUMES = hnp.arrays(
    np.int64, st.tuples(st.just(2), st.integers(1, 4), st.integers(1, 6), st.integers(2, 6)), elements=st.integers(0, 5)
)


def line(*runs):
    """A one-row label image from (label, length) runs."""
    return np.repeat([label for label, _ in runs], [length for _, length in runs])[None]


def skimage_scores(prediction, truth):
    split, merge = skimage_variation(truth, prediction, ignore_labels=(0,))
    error = skimage_rand_error(truth, prediction, ignore_labels=(0,))[0]
    return {"voi": split + merge, "voi_split": split, "voi_merge": merge, "arand": error}


def blocks(rng, shape, ids):
    """A volume of random blocks of 2 x 8 x 8 voxels."""
    coarse = rng.integers(0, ids, [-(-side // block) for side, block in zip(shape, (2, 8, 8), strict=True)])
    return np.kron(coarse, np.ones((2, 8, 8), dtype=int))[tuple(slice(side) for side in shape)]


def test_a_segment_cut_into_halves_is_a_split_of_one_bit():
    scores = score_partition(line((1, 4), (2, 4)), line((1, 8)))
    # Of the truth's 8 * 7 ordered pairs the prediction has 2 * 4 * 3.
    assert scores == pytest.approx({"voi": 1, "voi_split": 1, "voi_merge": 0, "arand": 1 - 2 * 24 / (56 + 24)})


def test_two_segments_of_one_size_joined_are_a_merge_of_one_bit():
    scores = score_partition(line((1, 8)), line((1, 4), (2, 4)))
    assert scores == pytest.approx({"voi": 1, "voi_split": 0, "voi_merge": 1, "arand": 1 - 2 * 24 / (56 + 24)})


def test_voxels_without_ground_truth_are_left_out():
    truth = line((1, 4), (0, 5), (2, 4))
    assert score_partition(line((7, 4), (8, 2), (7, 2), (9, 5)), truth) == {"voi": 0, "voi_split": 0, "voi_merge": 0, "arand": 0}


def test_zero_is_a_segment_like_any_other_in_the_prediction():
    truth, prediction = line((1, 4), (2, 4)), line((0, 4), (5, 4))
    assert score_partition(prediction, truth)["voi"] == 0
    assert score_partition(prediction, truth) == score_partition(prediction + 1, truth)


@given(PAIRS_OF_VOLUMES)
def test_scores_are_those_of_skimage(volumes):
    prediction, truth = volumes
    truth.flat[:2], prediction.flat[:2] = 1, 0  # so that there is a pair of voxels, without which skimage gives NaN
    assert score_partition(prediction, truth) == pytest.approx(skimage_scores(prediction, truth), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("truths", "predictions"), [(4, 700), (300, 20), (40, 40)])
def test_scores_of_larger_volumes_are_those_of_skimage(seed, truths, predictions):
    rng = np.random.default_rng(seed)
    truth, prediction = blocks(rng, (9, 50, 60), truths), blocks(rng, (9, 50, 60), predictions)
    assert score_partition(prediction, truth) == pytest.approx(skimage_scores(prediction, truth), abs=1e-9)


@given(PAIRS_OF_VOLUMES)
def test_split_and_merge_change_places_with_truth_and_prediction_and_the_rand_error_stays(volumes):
    one, other = volumes + 1
    forward, backward = score_partition(one, other), score_partition(other, one)
    assert forward["voi_split"] == pytest.approx(backward["voi_merge"])
    assert forward["arand"] == pytest.approx(backward["arand"])


@given(PAIRS_OF_VOLUMES)
def test_no_score_is_negative_and_a_volume_agrees_fully_with_itself(volumes):
    one, other = volumes + 1
    assert all(score >= 0 for score in score_partition(one, other).values())
    assert score_partition(one, one) == {"voi": 0, "voi_split": 0, "voi_merge": 0, "arand": 0}


def test_segments_of_a_single_voxel_everywhere_agree_fully():
    voxels = np.arange(1, 9).reshape(2, 2, 2)
    assert score_partition(voxels[::-1], voxels)["arand"] == 0


def test_sizes_whose_squares_add_up_beyond_64_bits_are_no_trouble():
    table = overlap_table(np.ones((1, 4), dtype=int), np.array([[1, 1, 2, 2]]))
    large = type(table)(**{name: value for name, value in vars(table).items()} | {"pair_counts": table.pair_counts * 2**40})
    assert variation_of_information(large) == pytest.approx((0, 1))
    assert adapted_rand_error(large) == pytest.approx(1 - 2 * 2 / (2 + 4))


def test_scores_are_plain_floats():
    assert {type(score) for score in score_partition(line((1, 3)), line((1, 2), (2, 1))).values()} == {float}


@pytest.mark.parametrize("truth", [np.zeros((2, 3, 4), dtype=int), np.zeros((0, 3, 4), dtype=int)])
def test_a_ground_truth_without_labels_is_refused(truth):
    with pytest.raises(GrdError, match="expected a ground truth with labels above 0, found none"):
        score_partition(truth, truth)


def test_different_shapes_are_refused():
    with pytest.raises(GrdError, match="of one shape"):
        score_partition(np.ones((2, 3, 4), dtype=int), np.ones((2, 3, 5), dtype=int))
