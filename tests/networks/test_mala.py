"""U-Net MALA: sizes, taps, and other depths, poolings and kernels than the paper's."""

import pytest
import torch
from projects import WIDTHS

from grd.data.padding import crop_to
from grd.errors import GrdError
from grd.networks import build
from grd.networks.base import output_shapes
from grd.networks.mala import DoubleConvolution

NARROW = {"encoder": [2, 3, 4, 5], "decoder": [4, 3, 2]}


@pytest.mark.parametrize(("size", "output"), [((84, 268, 268), (56, 56, 56)), ((53, 268, 268), (25, 56, 56))])
def test_the_papers_sizes_give_the_papers_outputs(size, output):
    assert build("mala_tiny").output_size(size) == output
    assert output_shapes(build("mala"), (1, 0), (53, 268, 268))[1] == {1: (60, 29, 20, 20), 0: (12, 25, 56, 56)}


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({**NARROW}, (30, 214, 214)),
        ({**NARROW, "pooling": [[1, 2, 2]] * 3}, (30, 92, 100)),
        ({"encoder": [2, 3, 4], "decoder": [3, 2], "pooling": [[1, 2, 2], [2, 2, 2]]}, (32, 44, 48)),
        (WIDTHS["mala_tiny"], (6, 18, 20)),
        ({**WIDTHS["mala_tiny"], "normalise": True}, (6, 18, 20)),
    ],
)
def test_the_output_has_the_size_that_was_promised_at_any_depth_and_pooling(options, size):
    network = build("mala_tiny", **options)
    size = network.nearest_size(size)
    with torch.no_grad():
        assert network(torch.rand(1, 1, *size)).shape == (1, 16, *network.output_size(size))


def test_every_size_is_either_taken_or_refused_and_never_fails_otherwise():
    network = build("mala_tiny", **WIDTHS["mala_tiny"])
    for side in range(1, 24):
        promised = network._output_length(1, side)
        if promised:
            assert network(torch.zeros(1, 1, 5, side, 18)).shape[3] == promised


def test_a_size_that_does_not_fit_is_refused_with_the_nearest_that_do():
    message = r"MALA: expected a size .* found 12 sections \(29 work\), 270 rows \(268 or 295 work\)"
    with pytest.raises(GrdError, match=message):
        build("mala_tiny")(torch.rand(1, 1, 12, 270, 268))


def test_levels_that_do_not_match_are_refused_with_their_numbers():
    with pytest.raises(GrdError, match="MALA of 4 levels: expected 3 decoder widths"):
        build("mala_tiny", encoder=[2, 3, 4, 5], decoder=[3, 2])


def test_scales_multiply_the_poolings():
    assert build("mala_tiny").scale(2) == (1, 9, 9)
    assert build("mala_tiny", **WIDTHS["mala_tiny"]).scale(0) == (1, 1, 1)


def test_the_centre_of_features_is_cut_with_equal_margins():
    row = torch.arange(7.0).view(1, 1, 7)
    assert crop_to(row, (3,)).flatten().tolist() == [2, 3, 4]


def test_only_a_network_that_is_to_normalise_has_batch_norms():
    norms = [
        sum(isinstance(module, torch.nn.BatchNorm3d) for module in build("mala_tiny", normalise=wanted).modules())
        for wanted in (False, True)
    ]
    assert norms == [0, 14]


def test_a_double_convolution_keeps_a_share_of_what_is_negative():
    double = DoubleConvolution(1, 1, (1, 1, 1), normalise=False)
    for convolution in double.convolutions:
        torch.nn.init.ones_(convolution.weight), torch.nn.init.zeros_(convolution.bias)
    with torch.no_grad():
        found = double(torch.tensor([-2.0, 3.0]).view(1, 1, 1, 1, 2)).flatten().tolist()
    assert found == pytest.approx([-2 * 0.005**2, 3])
