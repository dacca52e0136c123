"""Each method on every pair of Table II, and their terms by hand."""

import itertools

import pytest
import torch
from projects import WIDTHS

from grd.config.catalogue import METHODS
from grd.config.general import Fidelity
from grd.distillation import method_class
from grd.distillation.at import attention_map
from grd.distillation.method import Context, Moment, View
from grd.distillation.rekd import context_loss
from grd.distillation.spkd import batch_similarity
from grd.errors import GrdError
from grd.losses.affinity_graph import gram, inter_affinity_loss, intra_affinity_loss, pool
from grd.losses.instance_graph import edge_loss, inter_edge_loss, node_loss
from grd.networks import build
from grd.networks.base import feature_taps, output_shapes
from grd.project.offsets import offsets_of

PAIRS = list(itertools.product(("resunet", "nested_unet"), ("resunet_tiny", "mobilenet_v2")))
SIZE = (32, 32)
OFFSETS = offsets_of(((1, 3), (1, 3)))
DEFAULT = Fidelity()


def view(network, images, labels, levels):
    with feature_taps(network, levels) as taps:
        embedding = network(images)
    return View(embedding, taps, labels, OFFSETS, 5)


def bare_view(taps):
    return View(torch.zeros(2, 1, 1, 2), taps, torch.zeros(2, 1, 2, dtype=torch.long), OFFSETS, 5)


def situation(method, teacher_name, student_name, fidelity=DEFAULT, **facts):
    torch.manual_seed(0)
    teacher, student = (build(name, **WIDTHS[name]) for name in (teacher_name, student_name))
    levels = method_class(method).wanted_levels(fidelity, 2)
    scales = {level: student.scale(level) for level in levels}
    shapes = [output_shapes(network, levels, SIZE)[1] for network in (student, teacher)]
    context = Context(fidelity, *shapes, scales, OFFSETS, instances=5, dimension=16, **facts)
    images, labels = torch.rand(2, 3, *SIZE), torch.randint(0, 5, (2, *SIZE))
    with torch.no_grad():
        theirs = view(teacher.eval(), images, labels, levels)
    return method_class(method)(context), student, theirs, images, labels, levels


@pytest.mark.parametrize(("teacher", "student"), PAIRS)
@pytest.mark.parametrize("method", METHODS[1:])
def test_every_method_teaches_every_student(method, teacher, student):
    taught, network, theirs, images, labels, levels = situation(method, teacher, student)
    for step in range(2):
        terms = taught.terms(view(network, images, labels, levels), theirs, Moment(0, step, 10))
    assert set(terms) == set(taught.weights)
    total = sum(taught.weights[name] * term for name, term in terms.items())
    assert total.isfinite() and total > 0
    total.backward()
    moved = [parameter.grad.abs().sum() for parameter in network.parameters() if parameter.grad is not None]
    assert torch.stack(moved).sum() > 0


@pytest.mark.parametrize("method", ["at", "spkd", "biskd", "grd"])
def test_the_teacher_has_nothing_to_learn_from_itself(method):
    taught, _, theirs, *_ = situation(method, "resunet", "resunet_tiny")
    for step in range(2):
        terms = taught.terms(theirs, theirs, Moment(0, step, 10))
    assert all(term.item() == pytest.approx(0, abs=1e-9) for term in terms.values())


def test_inter_image_terms_start_when_the_bank_holds_an_earlier_image():
    taught, network, theirs, images, labels, levels = situation("grd", "resunet", "resunet_tiny")
    ours = view(network, images, labels, levels)
    first = taught.terms(ours, theirs, Moment(0, 0, 10))
    second = taught.terms(ours, theirs, Moment(0, 1, 10))
    assert first["inter_edge"].item() == first["inter_affinity"].item() == 0
    assert second["inter_edge"] > 0 and second["inter_affinity"] > 0
    assert len(taught.bank) == 4


def test_the_released_scripts_factor_multiplies_the_affinities_between_images_and_nothing_else():
    found = {}
    for factor in (1, 24):
        taught, network, theirs, images, labels, levels = situation(
            "grd", "resunet", "resunet_tiny", inter_affinity_factor=factor
        )
        ours = view(network, images, labels, levels)
        for step in range(2):
            found[factor] = taught.terms(ours, theirs, Moment(0, step, 10))
    ratios = {name: (found[24][name] / term).item() for name, term in found[1].items()}
    assert ratios.pop("inter_affinity") == pytest.approx(24)
    assert set(ratios.values()) == {1.0}


def test_a_run_may_change_weights_and_options_by_name():
    context = Context(Fidelity(), {}, {}, {}, OFFSETS, 5, 16, changes={"node": 2, "queue_size": 3, "sampling_number": 1})
    changed, plain = method_class("grd")(context), method_class("grd")(Context(Fidelity(), {}, {}, {}, OFFSETS, 5, 16))
    assert changed.weights == {**plain.weights, "node": 2} and plain.weights["node"] == 0.1
    assert changed.bank.nodes.shape[0] == 3 and plain.bank.nodes.shape[0] == 32
    with pytest.raises(GrdError, match="method grd: unknown weight or option 'nodes'; did you mean 'node'"):
        method_class("grd")(Context(Fidelity(), {}, {}, {}, OFFSETS, 5, 16, changes={"nodes": 2}))


def test_the_memory_bank_has_the_dimension_of_the_embeddings():
    bank = method_class("grd")(Context(Fidelity(), {}, {}, {}, OFFSETS, instances=5, dimension=8)).bank
    assert bank.nodes.shape == (32, 5, 8) and bank.grams.shape == (32, 8, 8)


def test_features_of_different_sizes_are_refused_with_their_shapes():
    student, teacher = ({3: (channels, rows, 4), 2: (5, 8, 8), 1: (3, 16, 16)} for channels, rows in ((6, 4), (9, 5)))
    context = Context(Fidelity(), student, teacher, {}, OFFSETS, 5, 16)
    with pytest.raises(GrdError, match=r"AT: expected features at level 3 .* found \(6, 4, 4\) and \(9, 5, 4\)"):
        method_class("at")(context)


def test_an_unknown_method_is_answered_with_the_nearest():
    with pytest.raises(GrdError, match="unknown method 'bisk'; did you mean 'biskd'"):
        method_class("bisk")


def test_an_attention_map_is_the_normalised_sum_of_squares():
    features = torch.tensor([[[[1.0, 0.0]], [[1.0, 2.0]]]])  # two channels, 1 x 2 pixels
    assert torch.allclose(attention_map(features), torch.tensor([[2.0, 4.0]]) / 20**0.5)


def test_batch_similarity_has_unit_rows():
    features = torch.tensor([[[[3.0]]], [[[4.0]]]])
    assert torch.allclose(batch_similarity(features), torch.tensor([[0.6, 0.8], [0.6, 0.8]]))


def test_the_similarities_of_a_single_image_are_constant():
    assert batch_similarity(torch.randn(1, 3, 4, 4)).tolist() == [[pytest.approx(1)]]
    assert method_class("spkd").smallest_batch == 2


def test_attention_is_summed_over_stages_and_averaged_over_the_batch():
    at = method_class("at")(Context(DEFAULT, {3: (1, 1, 2), 2: (1, 1, 2)}, {3: (1, 1, 2), 2: (1, 1, 2)}, {}, OFFSETS, 5, 16))
    left, right = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, 1.0]]]])  # attention maps (1, 0) and (0, 1)
    ours, theirs = (
        bare_view({3: torch.cat([left, left]), 2: torch.cat([left, left])}),
        bare_view({3: torch.cat([right, left]), 2: torch.cat([right, right])}),
    )
    # stage 3: distances² 2 and 0, mean 1; stage 2: 2 and 2, mean 2
    assert at.terms(ours, theirs, Moment(0, 0, 10))["attention"].item() == pytest.approx(3)


def test_similarity_is_the_mean_square_over_pairs_of_the_batch_at_the_deepest_level():
    spkd = method_class("spkd")(Context(DEFAULT, {3: (1, 1, 2), 2: (1, 1, 2)}, {3: (1, 1, 2), 2: (1, 1, 2)}, {}, OFFSETS, 5, 16))
    apart, alike = torch.tensor([[[[1.0, 0.0]]], [[[0.0, 1.0]]]]), torch.tensor([[[[1.0, 0.0]]], [[[1.0, 0.0]]]])
    ours, theirs = bare_view({3: apart, 2: apart}), bare_view({3: alike, 2: apart})
    # rows at unit length: (1, 0) and (0, 1) against (√½, √½) twice
    expected = ((1 - 0.5**0.5) ** 2 + 0.5) / 2
    assert spkd.terms(ours, theirs, Moment(0, 0, 10))["similarity"].item() == pytest.approx(expected)


def test_context_loss_is_the_weighted_mean_over_sizes():
    left = torch.zeros(1, 1, 8, 8)
    left[..., :4] = 1  # its square is ½ at full size, and pooled to 4 and 2 a side; pooled to one it is ¼
    expected = (1 / 2 + 1 / 2 / 2 + 1 / 2 / 4 + 1 / 4 / 8) / (1 + 1 / 2 + 1 / 4 + 1 / 8)
    assert context_loss(left, torch.zeros_like(left)).item() == pytest.approx(expected)
    checked = torch.zeros(1, 1, 8, 8)
    checked[..., ::2] = 1  # ½ at full size, ¼ at every other
    expected = (1 / 2 + 1 / 4 / 2 + 1 / 4 / 4 + 1 / 4 / 8) / (1 + 1 / 2 + 1 / 4 + 1 / 8)
    assert context_loss(checked, torch.zeros_like(checked)).item() == pytest.approx(expected)
    small = checked[..., :4, :4]  # what is pooled first, here to 2 a side, weighs ½
    expected = (1 / 2 + 1 / 4 / 2 + 1 / 4 / 4) / (1 + 1 / 2 + 1 / 4)
    assert context_loss(small, torch.zeros_like(small)).item() == pytest.approx(expected)


@pytest.mark.parametrize("reading", list(itertools.product(("paper", "released"), repeat=3)))
def test_every_term_is_read_as_its_own_fidelity_says(reading):
    edges, intra, inter = reading
    fidelity = Fidelity(edges=edges, intra_affinity=intra, inter_affinity=inter)
    taught, network, theirs, images, labels, levels = situation(
        "grd", "resunet", "resunet_tiny", fidelity, inter_affinity_factor=4
    )
    ours = view(network, images, labels, levels)
    for step in range(2):  # the second draws what the first has enqueued: the teacher's view
        found = taught.terms(ours, theirs, Moment(0, step, 10))
    (mine, present), (wanted, _), grams = ours.nodes, theirs.nodes, gram(pool(theirs.unit_vectors, inter))
    assert found["node"].item() == pytest.approx(node_loss(mine, wanted, present).item())
    assert found["edge"].item() == pytest.approx(edge_loss(mine, wanted, present, edges).item())
    assert found["affinity_graph"].item() == pytest.approx(intra_affinity_loss(ours.affinities, theirs.affinities, intra).item())
    expected = inter_edge_loss(mine, wanted, present, wanted, present, edges)
    assert found["inter_edge"].item() == pytest.approx(expected.item())
    expected = inter_affinity_loss(ours.unit_vectors, theirs.unit_vectors, grams, inter, 4)
    assert found["inter_affinity"].item() == pytest.approx(expected.item())


def test_review_is_ramped_up_over_the_first_twelfth():
    taught, network, theirs, images, labels, levels = situation("rekd", "resunet", "resunet_tiny")
    ours = view(network, images, labels, levels)
    early, late = (taught.terms(ours, theirs, Moment(0, step, 120))["review"].item() for step in (0, 50))
    assert early == pytest.approx(late / 10, rel=1e-3)
