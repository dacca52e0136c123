"""Eq. 1–5 and 7 against their direct sums."""

import pytest
import torch
import torch.nn.functional as F

from grd.losses.affinity import unit_vectors
from grd.losses.affinity_graph import gram, inter_affinity_loss, intra_affinity_loss, pool
from grd.losses.instance_graph import edge_loss, inter_edge_loss, node_loss, nodes


def random_graphs(seed=0):
    generator = torch.Generator().manual_seed(seed)
    maps = [torch.randn(2, 4, 6, 5, dtype=torch.double, generator=generator) for _ in range(2)]
    labels = torch.randint(0, 4, (2, 6, 5), generator=generator)
    return *maps, labels


def test_a_node_is_the_mean_embedding_of_its_instance():
    embedding = torch.tensor([[1.0, 3.0, 10.0], [0.0, 2.0, 10.0]]).view(1, 2, 1, 3)
    found, present = nodes(embedding, torch.tensor([[[2, 2, 0]]]), size=4)
    assert found[0, 2].tolist() == [2.0, 1.0]
    assert present.tolist() == [[False, False, True, False]]


def test_node_loss_is_the_mean_distance_over_instances_not_squared():
    ours = torch.zeros(1, 4, 2)
    theirs = torch.zeros(1, 4, 2)
    theirs[0, 1], theirs[0, 2] = torch.tensor([3.0, 4.0]), torch.tensor([0.0, 1.0])
    present = torch.tensor([[False, True, True, False]])
    assert node_loss(ours, theirs, present).item() == pytest.approx((5 + 1) / 2)


def test_edge_loss_of_two_instances_by_hand():
    ours = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]])  # cosine 1
    theirs = torch.tensor([[[0.0, 0.0], [5.0, 0.0], [0.0, 1.0]]])  # cosine 0
    present = torch.tensor([[False, True, True]])
    assert edge_loss(ours, theirs, present, "released").item() == pytest.approx(2 / 4)
    assert edge_loss(0.5 * ours, theirs, present, "paper").item() == pytest.approx(2 / 4)


def test_absent_nodes_count_nowhere_and_images_count_alike():
    ours = torch.tensor([[[9.0, 0.0], [1.0, 0.0], [0.0, 4.0], [7.0, 0.0]], [[9.0, 0.0], [1.0, 0.0], [8.0, 0.0], [7.0, 0.0]]])
    theirs = torch.tensor([[[0.0, 9.0], [1.0, 0.0], [3.0, 4.0], [0.0, 7.0]], [[0.0, 9.0], [1.0, 2.0], [0.0, 8.0], [0.0, 7.0]]])
    present = torch.tensor([[False, True, True, False], [False, True, False, False]])
    assert node_loss(ours, theirs, present).item() == pytest.approx(((0 + 3) / 2 + 2) / 2)
    assert edge_loss(ours, theirs, present, "paper").item() == pytest.approx((2 * 0.6 / 4 + 0) / 2)
    assert edge_loss(ours, theirs, present, "released").item() == pytest.approx((2 * 0.36 / 4 + 0) / 2)


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_losses_are_zero_for_the_teacher_itself_and_for_images_without_instances(reading):
    student, teacher, labels = random_graphs()
    (ours, present), (theirs, _) = nodes(student, labels, 4), nodes(teacher, labels, 4)
    assert edge_loss(theirs, theirs, present, reading).item() == 0
    none = torch.zeros_like(present)
    assert node_loss(ours, theirs, none).item() == 0
    assert edge_loss(ours, theirs, none, reading).item() == 0
    assert inter_edge_loss(ours, theirs, none, theirs, present, reading).item() == 0


def test_released_edges_pass_no_gradient_through_norms():
    student, teacher, labels = random_graphs()
    ours = nodes(student, labels, 4)[0].requires_grad_()
    theirs, present = nodes(teacher, labels, 4)
    other = nodes(student.flip(0), labels.flip(0), 4)
    radial = {}
    for reading in ("paper", "released"):
        for loss in (edge_loss(ours, theirs, present, reading), inter_edge_loss(ours, theirs, present, *other, reading)):
            (gradient,) = torch.autograd.grad(loss, ours)
            radial.setdefault(reading, []).append((gradient * ours).sum(-1).abs().max().item())
    assert max(radial["paper"]) < 1e-12 < 1e-3 < min(radial["released"])


def direct_inter_edge(ours, theirs, present, bank, bank_present):
    images = []
    for b in range(len(ours)):
        for index in range(len(bank)):
            i, j = present[b].nonzero().flatten(), bank_present[index].nonzero().flatten()
            cosines = [F.normalize(v[b][i], dim=1) @ F.normalize(bank[index][j], dim=1).T for v in (ours, theirs)]
            images.append((cosines[0] - cosines[1]).square().mean())
    return torch.stack(images).mean()


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_inter_edges_equal_the_direct_sum_of_equation_4(reading):
    student, teacher, labels = random_graphs()
    (ours, present), (theirs, _) = nodes(student, labels, 4), nodes(teacher, labels, 4)
    bank, bank_present = nodes(torch.randn(3, 4, 6, 5, dtype=torch.double), torch.randint(0, 4, (3, 6, 5)), 4)
    found = inter_edge_loss(ours, theirs, present, bank, bank_present, reading)
    expected = direct_inter_edge(ours, theirs, present, bank, bank_present)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def direct_inter_affinity(student, teacher, bank):
    """Eq. 7 with its HW x HW matrices."""
    losses = []
    for b in range(len(student)):
        for m in bank.flatten(2):
            affinity = [vectors[b].flatten(1).T @ m for vectors in (student, teacher)]
            losses.append((affinity[0] - affinity[1]).square().mean())
    return torch.stack(losses).mean()


@pytest.mark.parametrize(("spatial", "dtype", "tolerance"), [((9, 8), torch.double, 1e-12), ((24, 20), torch.float, 1e-6)])
def test_inter_affinity_equals_the_direct_sum_of_equation_7_in_value_and_gradient(spatial, dtype, tolerance):
    generator = torch.Generator().manual_seed(1)
    raw, teacher, bank = (torch.randn(n, 16, *spatial, dtype=dtype, generator=generator) for n in (2, 2, 3))
    raw.requires_grad_()
    teacher, bank = unit_vectors(teacher), unit_vectors(bank)
    values = {
        "gram": inter_affinity_loss(unit_vectors(raw), teacher, gram(bank), "paper"),
        "direct": direct_inter_affinity(unit_vectors(raw), teacher, bank),
    }
    gradients = {name: torch.autograd.grad(value, raw, retain_graph=True)[0] for name, value in values.items()}
    assert values["gram"].item() == pytest.approx(values["direct"].item(), rel=tolerance)
    error = (gradients["gram"] - gradients["direct"]).norm() / gradients["direct"].norm()
    assert error.item() < tolerance


def test_released_inter_affinity_is_on_pooled_maps_times_the_factor_whatever_the_batch_size():
    student, teacher, bank = (unit_vectors(torch.randn(n, 3, 15, 16, dtype=torch.double)) for n in (2, 2, 3))
    small = [F.avg_pool2d(vectors, 7, ceil_mode=True) for vectors in (student, teacher, bank)]
    assert small[0].shape[2:] == (3, 3)
    for images in (1, 2):
        found = inter_affinity_loss(student[:images], teacher[:images], gram(pool(bank, "released")), "released", 24)
        expected = direct_inter_affinity(small[0][:images], small[1][:images], small[2])
        assert found.item() == pytest.approx(24 * expected.item())


def test_intra_affinity_loss_is_summed_over_channels_only_in_the_released_reading():
    ours, theirs = torch.zeros(1, 5, 2, 2), torch.full((1, 5, 2, 2), 0.5)
    assert intra_affinity_loss(ours, theirs, "paper").item() == pytest.approx(0.25)
    assert intra_affinity_loss(ours, theirs, "released").item() == pytest.approx(1.25)


def test_volumes_are_pooled_over_3_x_7_x_7_voxels():
    vectors = torch.randn(1, 2, 4, 8, 8, dtype=torch.double)
    found = pool(vectors, "released")
    assert found.shape == (1, 2, 2, 2, 2)
    assert torch.allclose(found[..., 0, 0, 0], vectors[..., :3, :7, :7].mean((2, 3, 4)))
    assert torch.allclose(found[..., 1, 1, 1], vectors[..., 3, 7, 7])
