"""Regions: the same maps as one pass over the whole sample."""

import numpy as np
import pytest
import torch
from projects import WIDTHS

from grd.inference import regions
from grd.inference.boxes import box
from grd.inference.predict import ImagePredictor
from grd.inference.regions import ImageRegions
from grd.networks import build
from grd.networks.model_file import Background, ModelCard

OFFSETS = [(-1, 0), (0, -1), (-3, 0), (0, -3), (-27, 0), (0, -27)]
NEAREST = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]


def image_predictor(name, arguments=None, padding="reflect"):
    torch.manual_seed(0)
    arguments = arguments or WIDTHS[name]
    card = ModelCard("bbbc039", f"{name}-s0", name, arguments, "unit", padding, OFFSETS)
    network = build(name, **arguments)
    network.train()
    for _ in range(3):  # statistics of the batch norms, so that outputs vary
        network(torch.rand(2, 3, 64, 64))
    predictor = ImagePredictor(network.eval(), card)
    predictor.background = Background([0.25] * 16, 0.1)
    return predictor


@pytest.mark.parametrize("name", ["resunet_tiny", "resunet", "nested_unet", "mobilenet_v2"])
@pytest.mark.parametrize("padding", ["reflect", "zero"])
def test_regions_of_an_image_equal_one_pass_over_the_whole_of_it(monkeypatch, name, padding):
    predictor = image_predictor(name, padding=padding)
    monkeypatch.setattr(regions, "TILE", 64)
    image = np.random.default_rng(0).integers(0, 256, (601, 75, 3)).astype(np.uint8)
    whole = predictor.predict(image)
    for region in (box((0, 0), (150, 80)), box((287, 11), (101, 58)), box((500, 0), (108, 80))):
        if region[0].stop > whole.affinities.shape[1]:
            region = (slice(500, whole.affinities.shape[1]), region[1])
        found = ImageRegions(predictor, image).predict(region)
        print(
            name,
            np.abs(found.affinities - whole.affinities[(slice(None), *region)]).max(),
            np.abs(found.background - whole.background[region]).max(),
        )
        np.testing.assert_allclose(found.affinities, whole.affinities[(slice(None), *region)], atol=1e-5)
        np.testing.assert_allclose(found.background, whole.background[region], atol=1e-5)
