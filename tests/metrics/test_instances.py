import numpy as np
import pytest
from elf.evaluation import dice_score, matching, symmetric_best_dice_score
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grd.errors import GrdError
from grd.metrics import aji, overlap_table, score_instances

PAIRS_OF_IMAGES = hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(2, 9), st.integers(2, 9)), elements=st.integers(0, 4))
EMPTY = np.zeros((3, 3), dtype=int)


def line(*runs):
    """A one-row label image from (label, length) runs."""
    return np.repeat([label for label, _ in runs], [length for _, length in runs])[None]


def blobs(seed, count=12, side=60):
    """Overlapping discs, the later ones on top."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    labels = np.zeros((side, side), dtype=int)
    for label, (y, x, radius) in enumerate(rng.uniform((0, 0, 3), (side, side, 9), (count, 3)), start=1):
        labels[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = label
    return labels


# Truth: 1 of 6 pixels, 2 of 4. Prediction: 1 covers 4 pixels of truth 1; 2 covers the other 2, all of truth 2 and
# 2 pixels of background. Dice: (1, 1) 8/10, (1, 2) 4/14, (2, 2) 8/12. IoU: (1, 1) 4/6, (1, 2) 2/12, (2, 2) 4/8.
TRUTH = line((1, 6), (2, 4), (0, 5))
PREDICTION = line((1, 4), (2, 8), (0, 3))


def test_every_score_of_an_example_solved_by_hand():
    scores = score_instances(PREDICTION, TRUTH)
    assert scores == pytest.approx(
        {
            "sbd": (8 / 10 + 8 / 12) / 2,
            "dic": 0,
            "aji": (4 + 4) / (6 + 8),
            "f1": 2 * 1 / (2 * 1 + 1 + 1),
            "pq": (4 / 6) / (1 + 1 / 2 + 1 / 2),
            "dice": 2 * 10 / (10 + 12),
        }
    )


def test_an_iou_of_exactly_one_half_is_no_match():
    scores = score_instances(line((1, 4), (0, 4)), line((1, 8)))
    assert scores["f1"] == scores["pq"] == 0


def test_sbd_is_the_lower_of_both_directions():
    truth, prediction = line((1, 6), (0, 6)), line((1, 6), (2, 6))
    assert score_instances(prediction, truth)["sbd"] == score_instances(truth, prediction)["sbd"] == 0.5


def test_sbd_counts_an_instance_that_overlaps_nothing_as_zero():
    assert score_instances(line((0, 3), (1, 3)), line((1, 3), (2, 3)))["sbd"] == 0.5


def test_difference_in_count_has_no_sign_and_no_regard_for_gaps_between_ids():
    few, many = line((0, 1), (50, 1), (0, 1)), line((3, 1), (7, 1), (9, 1))
    assert score_instances(few, many)["dic"] == score_instances(many, few)["dic"] == 2


def test_aji_uses_a_prediction_once_where_kumar_would_use_it_twice():
    # Both truths lie in the one prediction. Truth 1 takes it, 4 / 8; truth 2 adds its own 4 pixels to the union.
    table = overlap_table(line((1, 8)), line((1, 4), (2, 4)))
    kumar = (4 + 4) / (8 + 8)
    assert aji(table) == pytest.approx(4 / (8 + 4))
    assert aji(table) < kumar


def test_aji_is_almost_one_half_below_kumar_s_where_a_tiny_truth_takes_the_prediction_of_a_large_one():
    table = overlap_table(line((1, 50)), line((1, 1), (2, 49)))
    kumar = (1 + 49) / (50 + 50)
    assert aji(table) == pytest.approx(1 / (50 + 49)) and kumar - aji(table) == pytest.approx(0.49, abs=1e-3)


def test_aji_lets_a_truth_take_its_second_choice_when_the_first_is_taken():
    # Truth 1 takes prediction 1 (IoU 3/7), which truth 2 likes best too (3/7), so truth 2 takes prediction 2 (1/4).
    table = overlap_table(line((1, 6), (2, 1)), line((1, 3), (2, 4)))
    assert aji(table) == pytest.approx((3 + 1) / (6 + 4))


def test_aji_prefers_the_better_iou_to_the_larger_overlap():
    # Prediction 1 covers 6 of the truth's 10 pixels and 14 of background (IoU 6/24), prediction 2 the other 4 (4/10).
    assert aji(overlap_table(line((1, 20), (2, 4)), line((0, 14), (1, 10)))) == pytest.approx(4 / (10 + 20))


def test_aji_gives_the_first_truth_the_first_choice_whatever_is_best_overall():
    # Truth 1 covers 2 of the prediction's 8 pixels, truth 2 the other 6, but truth 1 comes first.
    assert aji(overlap_table(line((1, 8)), line((1, 2), (2, 6)))) == pytest.approx(2 / (8 + 6))


def test_aji_does_not_spend_prediction_one_on_a_truth_that_overlaps_nothing():
    # The released code would give 0 here: truth 1 finds nothing and uses up prediction 1, which truth 2 needs.
    assert aji(overlap_table(line((0, 4), (1, 4)), line((1, 4), (2, 4)))) == 0.5


def test_aji_adds_unused_predictions_to_the_union():
    assert aji(overlap_table(line((1, 4), (2, 6)), line((1, 4), (0, 6)))) == pytest.approx(4 / (4 + 6))


def test_pixel_dice_has_no_regard_for_instances():
    scores = score_instances(line((1, 2), (2, 2), (0, 2)), line((5, 4), (0, 2)))
    assert scores["dice"] == 1 and scores["f1"] == 0


@pytest.mark.parametrize("labels", [TRUTH, PREDICTION, blobs(0), np.ones((2, 3, 4), dtype=np.uint8)])
def test_an_image_agrees_fully_with_itself(labels):
    assert score_instances(labels, labels) == {"sbd": 1, "dic": 0, "aji": 1, "f1": 1, "pq": 1, "dice": 1}


def test_two_empty_images_agree_fully():
    assert score_instances(EMPTY, EMPTY) == {"sbd": 1, "dic": 0, "aji": 1, "f1": 1, "pq": 1, "dice": 1}


@pytest.mark.parametrize("images", [(EMPTY, EMPTY + 1), (EMPTY + 1, EMPTY)])
def test_one_empty_image_is_a_complete_miss_and_not_an_error(images):
    assert score_instances(*images) == {"sbd": 0, "dic": 1, "aji": 0, "f1": 0, "pq": 0, "dice": 0}


def test_scores_are_plain_floats():
    assert {type(score) for score in score_instances(PREDICTION, TRUTH).values()} == {float}


@given(PAIRS_OF_IMAGES)
def test_similarities_lie_between_zero_and_one_in_their_known_order(images):
    scores = score_instances(*images)
    assert all(0 <= scores[name] <= 1 for name in ("sbd", "aji", "f1", "pq", "dice"))
    assert scores["pq"] <= scores["f1"]
    assert scores["aji"] <= scores["dice"] + 1e-12


@given(PAIRS_OF_IMAGES)
def test_all_but_aji_are_the_same_when_truth_and_prediction_change_places(images):
    forward, backward = score_instances(*images), score_instances(*images[::-1])
    assert {**forward, "aji": 0} == pytest.approx({**backward, "aji": 0})


@given(PAIRS_OF_IMAGES, st.permutations([1, 2, 3, 4]))
def test_scores_have_no_regard_for_the_ids_of_the_prediction(images, ids):
    # AJI is left out: equal IoU is resolved by id.
    renamed = np.array([0, *ids])[images[0]] * 1000
    scores, renamed_scores = score_instances(*images), score_instances(renamed, images[1])
    assert {**scores, "aji": 0} == pytest.approx({**renamed_scores, "aji": 0})


@given(PAIRS_OF_IMAGES)
def test_sbd_is_that_of_elf_unless_both_images_are_empty(images):
    # elf gives 0 to two empty images, and adds 1e-7 to the denominators.
    expected = symmetric_best_dice_score(*images) if images.any() else 1
    assert score_instances(*images)["sbd"] == pytest.approx(expected, abs=1e-5)


@given(PAIRS_OF_IMAGES)
def test_pixel_dice_is_that_of_elf_unless_both_images_are_empty(images):
    expected = dice_score(*images) if images.any() else 1
    assert score_instances(*images)["dice"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_f1_is_that_of_elf_just_above_one_half(seed):
    # elf matches at IoU >= threshold, we at IoU > 0.5.
    prediction, truth = np.roll(blobs(seed), (1, 2), axis=(0, 1)), blobs(seed)
    expected = matching(prediction, truth, threshold=0.5 + 1e-9)["f1"]
    assert 0 < expected < 1
    assert score_instances(prediction, truth)["f1"] == pytest.approx(expected)


def test_different_shapes_are_refused():
    with pytest.raises(GrdError, match=r"\(3, 3\) and \(1, 15\)"):
        score_instances(EMPTY, TRUTH)


def test_probabilities_are_refused():
    with pytest.raises(GrdError, match="expected integer labels"):
        score_instances(TRUTH / 2, TRUTH)
