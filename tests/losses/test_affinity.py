import pytest
import torch

from grd.losses.affinity import (
    affinities,
    affinity_loss,
    affinity_targets,
    class_weights,
    existing_pairs,
    pair_slices,
    pairs_of_one_origin,
    unit_vectors,
)
from grd.project.offsets import offsets_of

OFFSETS = offsets_of(((1, 3), (1, 3)))


def test_offsets_are_up_and_left_at_each_shift():
    assert OFFSETS == [(-1, 0), (0, -1), (-3, 0), (0, -3)]


def test_axes_may_have_distances_of_their_own_and_the_nearest_come_first():
    found = offsets_of(((1, 2), (1,), (1, 9)))
    assert found == [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (-2, 0, 0), (0, 0, -9)]


def test_pairs_of_an_offset_lie_in_the_image():
    row = torch.arange(4)
    here, there = pair_slices((-1,))
    assert row[here].tolist() == [1, 2, 3] and row[there].tolist() == [0, 1, 2]
    here, there = pair_slices((2,))
    assert row[here].tolist() == [0, 1] and row[there].tolist() == [2, 3]


def test_affinity_is_the_cosine_with_the_pixel_above():
    embedding = torch.tensor([[3.0, 0.0], [0.0, 2.0]]).view(1, 2, 2, 1)  # pixel 0: (3, 0), pixel 1: (0, 2)
    embedding[0, :, 1, 0] = torch.tensor([1.0, 1.0])
    found = affinities(unit_vectors(embedding), [(-1, 0)])
    assert found[0, 0, 0, 0] == 0  # no pixel above
    assert found[0, 0, 1, 0] == pytest.approx(2**-0.5)


@pytest.mark.parametrize("spatial", [(7, 6), (4, 5, 6)])
def test_affinities_equal_the_cosines_of_rolled_maps_where_pairs_exist(spatial):
    vectors = torch.randn(2, 5, *spatial, dtype=torch.double)
    offsets = [(-1,) + (0,) * (len(spatial) - 1), (0,) * (len(spatial) - 1) + (-3,), (2,) * len(spatial)]
    found, exist = affinities(unit_vectors(vectors), offsets), existing_pairs(offsets, spatial)
    dims = list(range(2, 2 + len(spatial)))
    for channel, offset in enumerate(offsets):
        partner = torch.roll(vectors, [-o for o in offset], dims)
        expected = torch.cosine_similarity(vectors, partner, dim=1) * exist[channel]
        assert torch.allclose(found[:, channel], expected, atol=1e-12)


def test_written_out_gradients_are_the_derivatives():
    vectors = torch.randn(2, 3, 5, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(unit_vectors, vectors)
    assert torch.autograd.gradcheck(lambda v: affinities(v, OFFSETS), vectors)


def test_a_zero_embedding_has_no_nan():
    vectors = torch.zeros(1, 3, 2, 2, requires_grad=True)
    affinities(unit_vectors(vectors), [(-1, 0)]).sum().backward()
    assert vectors.grad.isfinite().all()


def test_targets_join_equal_labels_and_count_the_background_as_one_instance():
    labels = torch.tensor([[[0, 0, 1], [0, 2, 1]]])
    targets = affinity_targets(labels, [(-1, 0), (0, -1)])
    assert targets[0, 0].tolist() == [[False] * 3, [True, False, True]]
    assert targets[0, 1].tolist() == [[False, True, False], [False, False, False]]
    assert existing_pairs([(-1, 0), (0, -1)], (2, 3)).tolist() == [
        [[False] * 3, [True] * 3],
        [[False, True, True], [False, True, True]],
    ]


def test_class_weights_of_a_quarter_of_positives():
    targets = torch.tensor([[[[True, False], [False, False]]]])
    positive, negative = class_weights(targets, torch.ones(1, 2, 2, dtype=torch.bool))
    assert (positive.item(), negative.item()) == (3.0, 1.0)
    positive, negative = class_weights(~targets, torch.ones(1, 2, 2, dtype=torch.bool))
    assert (positive.item(), negative.item()) == (1.0, pytest.approx(3.0))


def test_class_weights_are_bounded():
    full = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    exist = torch.ones(1, 4, 4, dtype=torch.bool)
    assert class_weights(full, exist)[1].item() == pytest.approx(99, rel=1e-4)
    assert class_weights(~full, exist)[0].item() == pytest.approx(19, rel=1e-4)


def test_released_loss_is_the_weighted_sum_over_channels_of_means():
    # one channel (-1, 0) over a column of two pixels: one pair exists, it is negative; f = ½ (the border counts as positive)
    exist = existing_pairs([(-1, 0)], (2, 1))
    targets = torch.zeros(1, 1, 2, 1, dtype=torch.bool)
    affinity = torch.tensor([0.0, 0.6]).view(1, 1, 2, 1)
    assert affinity_loss(affinity, targets, exist, "released").item() == pytest.approx(0.36 / 2)
    both = [value.repeat(1, 3, 1, 1) for value in (affinity, targets)]
    assert affinity_loss(*both, exist.repeat(3, 1, 1), "released").item() == pytest.approx(3 * 0.36 / 2)
    assert affinity_loss(*both, exist.repeat(3, 1, 1), "paper").item() == pytest.approx(0.36 / 2)


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_pairs_left_out_by_a_mask_of_the_batch_change_nothing_in_the_loss(reading):
    labels, origin = torch.randint(0, 3, (2, 9, 8)), torch.zeros(2, 9, 8, dtype=torch.int32)
    origin[0, :, :2], origin[1, 7:] = -1, 5
    targets, exist = affinity_targets(labels, OFFSETS), pairs_of_one_origin(origin, OFFSETS)
    affinity = torch.rand(2, len(OFFSETS), 9, 8)
    changed = torch.where(exist, affinity, torch.rand_like(affinity))
    found = affinity_loss(affinity, targets, exist, reading).item()
    assert affinity_loss(changed, targets, exist, reading).item() == found
    assert affinity_loss(affinity, targets ^ ~exist, exist, reading).item() == found


def test_a_mask_of_the_batch_balances_only_the_pairs_that_exist():
    # a row of 4: the first pixel is padding; of its pairs at (0, -1) two exist, 1 1 and 1 2
    labels, origin = torch.tensor([[[0, 1, 1, 2]]]), torch.tensor([[[-1, 0, 0, 0]]])
    targets, exist = affinity_targets(labels, [(0, -1)]), pairs_of_one_origin(origin, [(0, -1)])
    assert exist.tolist() == [[[[False, False, True, True]]]]
    assert [weight.item() for weight in class_weights(targets, exist)] == [1, 1]
    assert affinity_loss(torch.full((1, 1, 1, 4), 0.5), targets, exist, "released").item() == pytest.approx(2 * 0.25 / 4)


def test_perfect_affinities_cost_nothing_in_either_reading():
    labels = torch.randint(0, 3, (2, 9, 8))
    targets, exist = affinity_targets(labels, OFFSETS), existing_pairs(OFFSETS, (9, 8))
    for reading in ("paper", "released"):
        assert affinity_loss(targets.float(), targets, exist, reading).item() == 0


def test_in_volumes_label_0_is_like_nothing_not_even_itself():
    labels = torch.tensor([[[[0, 0, 1, 1]]]])
    assert affinity_targets(labels, [(0, 0, -1)])[0, 0, 0, 0].tolist() == [False, False, False, True]


def test_a_z_offset_of_two_compares_sections_two_apart():
    labels = torch.tensor([1, 1, 2, 1]).view(1, 4, 1, 1)
    assert affinity_targets(labels, [(-2, 0, 0)]).flatten().tolist() == [False, False, False, True]


def test_each_image_has_one_balance_for_all_its_channels():
    targets = torch.tensor([[[[True, False]], [[False, False]]], [[[True, True]], [[True, False]]]])
    exist = torch.ones(2, 1, 2, dtype=torch.bool)
    for mask in (exist, exist.expand(2, -1, -1, -1)):
        positive, negative = class_weights(targets, mask)
        assert positive.flatten().tolist() == [3, 1] and negative.flatten().tolist() == [1, 3]


def test_released_loss_of_volumes_balances_each_channel_and_averages_over_its_pairs():
    # along x: pairs (1,1), (1,2), (2,2); f = 2/3, so the negative counts 2; along z: no pair exists
    labels, offsets = torch.tensor([1, 1, 2, 2]).view(1, 1, 1, 4), [(0, 0, -1), (-1, 0, 0)]
    targets, exist = affinity_targets(labels, offsets), existing_pairs(offsets, (1, 1, 4))
    affinity = torch.full((1, 2, 1, 1, 4), 0.5)
    assert affinity_loss(affinity, targets, exist, "released").item() == pytest.approx((1 + 2 + 1) * 0.25 / 3)
    twice = (each.repeat(2, 1, 1, 1, 1) for each in (affinity, targets))
    assert affinity_loss(*twice, exist, "released").item() == pytest.approx((1 + 2 + 1) * 0.25 / 3)
    assert affinity_loss(affinity, targets, exist, "paper").item() == pytest.approx(3 * 0.25 / 8)
