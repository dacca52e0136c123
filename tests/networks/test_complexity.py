"""Table I and VI's counts, to the digit."""

import pytest
import torch

from grd.config.catalogue import NETWORKS
from grd.networks import build
from grd.networks.complexity import complexity, complexity_by_name


@pytest.mark.parametrize(
    ("name", "arguments", "parameters", "gmac", "convolutions"),
    [
        ("resunet", {}, 33_613_510, 582.9740, 581.7876),
        ("nested_unet", {}, 36_630_608, 624.1432, 622.6493),
        ("resunet_tiny", {}, 295_990, 5.7554, 5.6228),
        ("mobilenet_v2", {}, 2_264_864, 19.9911, 19.2900),
        ("mobilenet_v2", {"embedding": 1000}, 4_785_872, 25.8197, 25.1140),
        ("mala", {}, 84_020_644, 367.0718, 366.3930),
        ("mala", {"embedding": 3}, 84_020_475, 367.0422, 366.3656),
        ("mala_tiny", {}, 367_648, 22.0075, 21.7608),
        ("resunet_tiny", {"widths": [2, 4, 8, 16, 32]}, 74_656, 1.5013, 1.4323),
        ("resunet_tiny", {"widths": [3, 6, 12, 24, 48]}, 166_986, 3.2836, 3.1828),
        ("resunet_tiny", {"widths": [7, 14, 28, 56, 112]}, 903_046, 17.3080, 17.0799),
    ],
)
def test_counts_are_those_of_the_paper(name, arguments, parameters, gmac, convolutions):
    found = complexity_by_name(name, **arguments)
    assert found.parameters == parameters
    assert round(found.macs / 1e9, 4) == gmac
    assert round(found.convolution_macs / 1e9, 4) == convolutions


def test_one_convolution_counted_by_hand():
    class One(torch.nn.Conv2d):
        channels = 3

        def all_outputs(self, images):
            return (self(images),)

    # 3 x 3 x 3 inputs x 5 outputs x 16 positions, and a bias for each output value
    found = complexity(One(3, 5, 3, padding=1), (4, 4))
    assert (found.parameters, found.convolution_macs) == (3 * 3 * 3 * 5 + 5, 9 * 3 * 5 * 16)
    assert found.macs == 9 * 3 * 5 * 16 + 5 * 16


def test_counting_leaves_no_hooks_behind():
    network = build("resunet_tiny")
    complexity(network, (32, 32))
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("name", [name for name, entry in NETWORKS.items() if entry.rank == 2])
def test_mask_head_and_classifier_do_not_touch_the_embedding(name):
    arguments = {"resunet": {"widths": [2, 4, 4, 8, 8]}, "nested_unet": {"width": 4}}.get(name, {})
    network = build(name, **arguments).eval()
    images = torch.rand(1, 3, 32, 48)
    embedding = network(images)
    assert embedding.shape == (1, 16, 32, 48)
    assert torch.equal(network.all_outputs(images)[0], embedding)
