from collections import Counter

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grd.losses.affinity import unit_vectors
from grd.losses.affinity_graph import gram
from grd.losses.instance_graph import nodes
from grd.losses.memory_bank import MemoryBank


def image(number):
    """A batch of one whose tensors carry their number."""
    return torch.full((1, 3, 2), float(number)), torch.ones(1, 3, dtype=torch.bool), torch.full((1, 2, 2), float(number))


def kept_images(bank):
    return sorted(bank.grams[: len(bank), 0, 0].int().tolist())


@given(size=st.integers(1, 8), batches=st.lists(st.integers(1, 3), max_size=15))
@settings(max_examples=60)
def test_the_bank_holds_the_last_k_images_in_order_of_arrival(size, batches):
    bank, came = MemoryBank(size, 3, 2), 0
    for batch in batches:
        parts = [image(came + i) for i in range(batch)]
        bank.enqueue(*(torch.cat(part) for part in zip(*parts, strict=True)))
        came += batch
        assert kept_images(bank) == list(range(max(0, came - size), came))
        assert torch.equal(bank.nodes[: len(bank), 0, 0], bank.grams[: len(bank), 0, 0])


def test_a_batch_larger_than_the_bank_leaves_its_last_images():
    bank = MemoryBank(2, 3, 2)
    bank.enqueue(*(torch.cat(part) for part in zip(*[image(n) for n in range(5)], strict=True)))
    assert kept_images(bank) == [3, 4]


def test_sampling_is_uniform_without_replacement():
    bank = MemoryBank(8, 3, 2)
    for number in range(11):
        bank.enqueue(*image(number))
    drawn = Counter()
    for step in range(2000):
        grams = bank.sample(3, torch.Generator().manual_seed(step))[2][:, 0, 0].int().tolist()
        assert len(set(grams)) == 3
        drawn.update(grams)
    assert sorted(drawn) == list(range(3, 11))
    # 750 expected for each; 6 standard deviations of a binomial
    assert all(abs(count - 750) < 6 * (2000 * 3 / 8 * 5 / 8) ** 0.5 for count in drawn.values())


def test_a_bank_that_holds_few_gives_all_of_them():
    bank = MemoryBank(8, 3, 2)
    assert len(bank) == 0
    bank.enqueue(*image(4))
    assert bank.sample(3, torch.Generator())[2].shape == (1, 2, 2)


def test_a_bank_goes_on_from_its_state():
    one, other = MemoryBank(4, 3, 2), MemoryBank(4, 3, 2)
    for number in range(6):
        one.enqueue(*image(number))
    other.load_state_dict(one.state_dict())
    for bank in (one, other):
        bank.enqueue(*image(6))
    assert kept_images(one) == kept_images(other) == [3, 4, 5, 6]


def test_an_image_takes_its_nodes_and_a_kilobyte_whatever_the_size_of_its_map():
    bank = MemoryBank(32, 200, 16)
    embedding, labels = torch.randn(1, 16, 272, 272), torch.randint(0, 200, (1, 272, 272))
    bank.enqueue(*nodes(embedding, labels, 200), gram(unit_vectors(embedding)))
    held = sum(tensor.numel() * tensor.element_size() for tensor in bank.buffers()) / 32
    assert held == 200 * 16 * 4 + 200 + 1024
