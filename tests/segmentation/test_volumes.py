"""Waterz and the multicut: from affinities of a volume to its neurites."""

import subprocess
import sys
import threading
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError
from segmentation.neurite_volumes import NEAREST, add_noise, affinities_of, neurites_with_membranes, replace_at_random

from grd.config.segmenters import MulticutSegmenter, as_segmenter
from grd.errors import GrdError
from grd.metrics import score_partition
from grd.segmentation import agglomerate, best_threshold, multicut, segment

WATERZ = as_segmenter({"algorithm": "waterz", "threshold": 0.5})
MULTICUT = as_segmenter({"algorithm": "multicut"})
BOTH = pytest.mark.parametrize("settings", [WATERZ, MULTICUT], ids=["waterz", "multicut"])


def joined_at(affinities, threshold, offsets=NEAREST):
    [(_, labels)] = agglomerate(affinities, offsets, [threshold])
    return labels


def voi(labels, truth):
    return score_partition(labels, truth)["voi"]


@pytest.fixture(scope="module")
def truth():
    return neurites_with_membranes()


@BOTH
@pytest.mark.parametrize("seed", range(3))
def test_perfect_affinities_give_the_neurites_back(settings, seed):
    truth = neurites_with_membranes(seed=seed)
    labels = segment(affinities_of(truth), NEAREST, settings)
    assert labels.dtype == np.int32 and labels.shape == truth.shape
    assert voi(labels, truth) < 0.05


@BOTH
@pytest.mark.parametrize("disturb", [replace_at_random, add_noise])
def test_noisy_affinities_give_nearly_the_neurites_back(settings, disturb, truth):
    assert voi(segment(disturb(affinities_of(truth)), NEAREST, settings), truth) < 0.5


@BOTH
def test_affinities_of_the_wrong_sign_do_not_give_the_neurites_back(settings, truth):
    assert voi(segment(-affinities_of(truth), NEAREST, settings), truth) > 1


@BOTH
def test_every_voxel_belongs_to_a_segment_and_ids_are_consecutive(settings, truth):
    labels = segment(replace_at_random(affinities_of(truth)), NEAREST, settings)
    np.testing.assert_array_equal(np.unique(labels), np.arange(1, labels.max() + 1))


@BOTH
def test_channels_may_come_in_any_order_and_among_others(settings, truth):
    offsets = [(0, 0, -1), (0, -9, 0), (-1, 0, 0), (0, -1, 0)]
    labels = segment(add_noise(affinities_of(truth)), NEAREST, settings)
    shuffled = add_noise(affinities_of(truth))[[2, 1, 0, 1]]
    np.testing.assert_array_equal(segment(shuffled, offsets, settings), labels)


@BOTH
def test_the_affinities_are_left_as_they_were(settings, truth):
    affinities = add_noise(affinities_of(truth))
    before = affinities.copy()
    segment(affinities, NEAREST, settings)
    np.testing.assert_array_equal(affinities, before)


@BOTH
def test_affinities_beyond_zero_and_one_count_as_zero_and_one(settings, truth):
    affinities = affinities_of(truth)
    np.testing.assert_array_equal(segment(3 * affinities - 1, NEAREST, settings), segment(affinities, NEAREST, settings))


@BOTH
def test_a_channel_relates_a_section_to_the_one_before(settings):
    # Four sections without membranes, the affinity between sections 1 and 2 is 0. Shifted by one it would be 2 and 3.
    affinities = np.ones((3, 4, 20, 20), dtype=np.float32)
    affinities[0, 2] = 0
    labels = segment(affinities, NEAREST, settings)
    assert labels[:, 0, 0].tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize(("at_membrane", "segments"), [((1, 0), 2), ((0, 1), 1)])
def test_a_channel_relates_a_voxel_to_the_one_before_along_y_and_x(axis, at_membrane, segments):
    # A membrane of two rows; the border of the two fragments runs between them, so that the affinity of the second row
    # to the first is that between the fragments. The affinity of the first row to what is before it says nothing.
    affinities = np.ones((3, 1, 12, 12), dtype=np.float32)
    affinities[1 if axis == 2 else 2, 0].swapaxes(0, axis - 1)[5:7] = 0
    affinities[axis, 0].swapaxes(0, axis - 1)[5:7] = np.array(at_membrane)[:, None]
    assert joined_at(affinities, 0.5).max() == segments


def test_every_threshold_of_a_grid_gives_what_it_gives_alone(truth):
    affinities = replace_at_random(affinities_of(truth))
    grid = [0.05, 0.2, 0.45, 0.5, 0.9]
    together = dict(agglomerate(affinities, NEAREST, grid))
    assert list(together) == grid
    for threshold in grid:
        np.testing.assert_array_equal(together[threshold], joined_at(affinities, threshold))
    assert len({labels.max() for labels in together.values()}) == len(grid)


def test_thresholds_are_taken_in_ascending_order_and_once(truth):
    thresholds = [threshold for threshold, _ in agglomerate(affinities_of(truth), NEAREST, [0.7, 0.1, 0.7])]
    assert thresholds == [0.1, 0.7]


def test_a_higher_threshold_only_joins(truth):
    (_, low), (_, high) = agglomerate(add_noise(affinities_of(truth)), NEAREST, [0.2, 0.6])
    assert score_partition(high, low)["voi_split"] == pytest.approx(0, abs=1e-9)
    assert high.max() < low.max()


def test_the_best_threshold_has_the_lowest_voi_of_the_grid(truth):
    affinities = add_noise(affinities_of(truth))
    threshold, scores = best_threshold([affinities], NEAREST, [truth], [0.3, 0.05, 0.6])
    assert list(scores) == [0.05, 0.3, 0.6]
    assert scores == pytest.approx({at: voi(joined_at(affinities, at), truth) for at in scores})
    assert scores[threshold] == min(scores.values()) < scores[0.05]


def test_of_equally_good_thresholds_the_lowest_is_best():
    # One uniform volume: everything is joined at once, whatever the threshold.
    affinities = np.ones((3, 2, 8, 8), dtype=np.float32)
    truth = np.ones((2, 8, 8), dtype=int)
    assert best_threshold([affinities], NEAREST, [truth], [0.7, 0.4, 0.5]) == (0.4, {0.4: 0, 0.5: 0, 0.7: 0})


def test_several_validation_volumes_count_alike(truth):
    volumes, truths = [add_noise(affinities_of(truth)), affinities_of(truth[:3])], [truth, truth[:3]]
    _, scores = best_threshold(iter(volumes), NEAREST, iter(truths), [0.1, 0.5])
    alone = [best_threshold([volume], NEAREST, [labels], [0.1, 0.5])[1] for volume, labels in zip(volumes, truths, strict=True)]
    assert scores == pytest.approx({at: (alone[0][at] + alone[1][at]) / 2 for at in scores})


def test_voxels_without_ground_truth_do_not_count_in_the_choice(truth):
    affinities = add_noise(affinities_of(truth))
    partly = np.where(np.arange(len(truth))[:, None, None] < 4, truth, 0)
    _, scores = best_threshold([affinities], NEAREST, [partly], [0.5])
    assert scores[0.5] == pytest.approx(voi(joined_at(affinities, 0.5)[:4], truth[:4]))


@pytest.mark.parametrize("solver", get_args(MulticutSegmenter.model_fields["solver"].annotation))
def test_every_solver_gives_the_neurites_back(solver):
    truth = neurites_with_membranes((3, 192, 192))
    assert voi(multicut(affinities_of(truth), NEAREST, solver, 0.5), truth) < 0.05


def test_a_higher_beta_cuts_more(truth):
    affinities = replace_at_random(affinities_of(truth), 0.5)
    counts = [multicut(affinities, NEAREST, MULTICUT.solver, beta).max() for beta in (0.1, 0.5, 0.9)]
    assert counts[0] < counts[1] < counts[2]


@BOTH
def test_a_volume_without_a_boundary_is_one_segment(settings):
    np.testing.assert_array_equal(segment(np.ones((3, 3, 9, 9), dtype=np.float32), NEAREST, settings), np.ones((3, 9, 9)))


@BOTH
def test_a_single_section_without_a_boundary_is_one_segment(settings):
    assert segment(np.ones((3, 1, 9, 9), dtype=np.float32), NEAREST, settings).max() == 1


AFFINITIES = np.zeros((3, 2, 5, 6), dtype=np.float32)


@BOTH
def test_affinities_of_an_image_are_refused(settings):
    with pytest.raises(GrdError, match=r"expected floating-point affinities \(C, Z, Y, X\)"):
        segment(AFFINITIES[:, 0], [(0, -1), (-1, 0), (0, -3)], settings)


@BOTH
def test_a_missing_nearest_neighbour_is_refused(settings):
    with pytest.raises(GrdError, match="predict with the nearest neighbours"):
        segment(AFFINITIES, [(-1, 0, 0), (0, -1, 0), (0, 0, -3)], settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithm": "waterz", "thresholds": []},
        *({"algorithm": "waterz", "threshold": threshold} for threshold in (-0.1, 1.5, np.nan)),
        {"algorithm": "multicut", "solver": "ilp"},
        *({"algorithm": "multicut", "beta": beta} for beta in (0, 1, -3)),
    ],
)
def test_settings_without_a_meaning_are_refused(wrong):
    with pytest.raises(ValidationError):
        as_segmenter(wrong)


def test_waterz_asks_for_a_number_where_the_threshold_is_left_to_validation():
    with pytest.raises(GrdError, match="waterz: expected values for threshold, found 'validation'"):
        segment(AFFINITIES, NEAREST, as_segmenter({"algorithm": "waterz"}))


def test_no_validation_volume_is_refused():
    with pytest.raises(GrdError, match="expected validation volumes"):
        best_threshold([], NEAREST, [], [0.5])


SCRIPT = """
import sys
import numpy as np
from grd.segmentation import agglomerate
print("before", flush=True)
[step] = agglomerate(np.ones((3, 2, 8, 8), dtype=np.float32), [(-1, 0, 0), (0, -1, 0), (0, 0, -1)], [0.5])
print("after", step[1].max(), sorted(name for name in ("elf", "sklearn") if name in sys.modules))
"""


def test_waterz_leaves_standard_output_to_others_and_needs_no_elf():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == "before\nafter 1 []\n"


def test_standard_output_is_still_there_after_agglomerations_on_several_threads(truth, capfd):
    affinities, results = affinities_of(truth[:3]), []
    threads = [threading.Thread(target=lambda: results.append(joined_at(affinities, 0.5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("still here")  # noqa: T201
    assert capfd.readouterr().out == "still here\n"
    assert len(results) == 4 and all((labels == results[0]).all() for labels in results)
