"""Regions: the same maps as one pass over the whole sample."""

import numpy as np
import pytest
import torch
from projects import WIDTHS
from torch import nn

from grd.inference import regions
from grd.inference.boxes import box, overlap, size_of, within
from grd.inference.predict import ImagePredictor, VolumePredictor
from grd.inference.regions import ImageRegions, VolumeRegions, receptive_radius
from grd.networks import build
from grd.networks.base import EmbeddingNetwork
from grd.networks.model_file import Background, ModelCard

OFFSETS = [(-1, 0), (0, -1), (-3, 0), (0, -3), (-27, 0), (0, -27)]
NEAREST = [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (-2, 0, 0), (0, -9, 0)]
BOXES = [box((0, 0), (150, 80)), box((287, 11), (101, 58)), box((500, 0), (108, 80))]  # of a canvas of 608 x 80


def image_predictor(name, padding="reflect"):
    """A network whose batch norms know their inputs, and whose embeddings have a mean of 0, so that affinities vary."""
    torch.manual_seed(0)
    card = ModelCard("bbbc039", f"{name}-s0", name, WIDTHS[name], "unit", padding, OFFSETS)
    network, images = build(name, **WIDTHS[name]).train(), torch.rand(4, 3, 64, 64)
    for norm in (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)):
        norm.momentum = None  # the mean over all batches, of which there is one
    with torch.no_grad():
        network(images)
        network.embedding.bias -= network.eval()(images).mean(dim=(0, 2, 3))
    predictor = ImagePredictor(network, card)
    predictor.background = Background([0.25] * 16, 0.1)
    return predictor


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (601, 75, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(regions, "TILE", 64)


@pytest.mark.parametrize("name", ["resunet_tiny", "resunet", "nested_unet", "mobilenet_v2"])
@pytest.mark.parametrize("padding", ["reflect", "zero"])
def test_regions_of_an_image_equal_one_pass_over_the_whole_of_it(image, name, padding):
    predictor = image_predictor(name, padding)
    whole = predictor.predict(image)
    for region in BOXES:
        found = ImageRegions(predictor, image).predict(region)
        np.testing.assert_allclose(found.affinities, whole.affinities[(slice(None), *region)], atol=1e-4)
        np.testing.assert_allclose(found.background, whole.background[region], atol=1e-4)
        assert np.abs(found.affinities - whole.affinities[(slice(None), *region)]).mean() < 1e-5


def test_without_the_place_on_the_canvas_features_are_enlarged_differently(monkeypatch, image):
    predictor = image_predictor("resunet_tiny")
    whole = predictor.predict(image).affinities[(slice(None), *BOXES[1])]
    monkeypatch.setattr(regions.CanvasInterpolation, "__torch_function__", lambda self, f, _, a=(), k=None: f(*a, **(k or {})))
    assert np.abs(ImageRegions(predictor, image).predict(BOXES[1]).affinities - whole).max() > 1e-3


def test_with_less_surroundings_than_the_network_sees_affinities_differ(monkeypatch, image):
    predictor = image_predictor("resunet_tiny")
    whole = predictor.predict(image).affinities[(slice(None), *BOXES[1])]
    monkeypatch.setattr(regions, "receptive_radius", lambda network: 60)
    assert np.abs(ImageRegions(predictor, image).predict(BOXES[1]).affinities - whole).max() > 1e-5


class Pyramid(EmbeddingNetwork):
    """A 5 x 5 convolution, a pooling by 4, a 3 x 3 convolution, and an enlargement."""

    def __init__(self):
        super().__init__()
        self.taps = {2: "layers.2"}
        pooled = [nn.Conv2d(3, 2, 5, padding=2), nn.ReLU(), nn.MaxPool2d(4), nn.Conv2d(2, 2, 3, padding=1)]
        self.layers = nn.Sequential(*pooled, nn.Upsample(scale_factor=4, mode="nearest"))

    def forward(self, images):
        return self.layers(images)


def test_the_radius_of_a_network_is_what_it_sees_and_two_pixels_of_its_coarsest_map():
    # Pixels 64 to 67 are one pooled pixel. The first convolution brings them into the pooled pixels at 60 and 68, the second one
    # into those at 56 and 72, so into outputs 56 to 75: 11 pixels from the one that is farthest away.
    assert receptive_radius(Pyramid()) == 11 + 4


def test_a_network_is_not_changed_by_the_search_for_its_radius():
    network = build("resunet_tiny")
    before = [weights.clone() for weights in network.state_dict().values()]
    receptive_radius(network.eval())
    assert all(map(torch.equal, before, network.state_dict().values()))


@pytest.mark.parametrize("region", [box((0, 0, 0), (9, 30, 25)), box((3, 7, 5), (4, 14, 20)), box((8, 29, 24), (1, 1, 1))])
def test_regions_of_a_volume_equal_its_tiles(region):
    torch.manual_seed(0)
    card = ModelCard("ac34", "mala_tiny-s0", "mala_tiny", WIDTHS["mala_tiny"], "unit", "reflect", NEAREST)
    predictor = VolumePredictor(build("mala_tiny", **WIDTHS["mala_tiny"]).eval(), card, (12, 32, 32))
    volume = np.random.default_rng(0).integers(0, 256, (9, 30, 25)).astype(np.uint8)
    found = VolumeRegions(predictor, volume).predict(region).affinities
    np.testing.assert_allclose(found, predictor.affinities(volume)[(slice(None), *region)], atol=1e-5)


def test_boxes_overlap_and_are_counted_from_one_another():
    one, other = box((2, 3), (5, 4)), box((4, 0), (9, 5))
    assert overlap(one, other) == (slice(4, 7), slice(3, 5))
    assert within(overlap(one, other), one) == (slice(2, 5), slice(0, 2))
    assert size_of(one) == (5, 4)
