"""Tiles: the same affinities as one pass over the whole volume."""

import numpy as np
import pytest
import torch
from projects import WIDTHS

from grd.data.padding import mirrored_region
from grd.errors import GrdError
from grd.inference.tiles import TiledPredictor
from grd.losses.affinity import affinities, unit_vectors
from grd.networks import build
from grd.networks.model_file import ModelCard

NEAREST = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]
PAPER = {"encoder": [2, 3, 4, 5], "decoder": [4, 3, 2]}
TWO = {"encoder": [3, 4, 5], "decoder": [4, 3], "pooling": [[1, 2, 2], [2, 2, 2]]}


def predictor(arguments, tile, offsets=NEAREST):
    torch.manual_seed(0)
    card = ModelCard("ac34", "mala_tiny-s0", "mala_tiny", arguments, "unit", "reflect", offsets)
    return TiledPredictor(build("mala_tiny", **arguments).eval(), card, tile)


def one_pass(tiled, volume):
    """Affinities of one pass, whose tile is large enough for the whole volume."""
    network, reach = tiled.network, tiled.reach
    outer = volume.shape
    while True:
        outer = tuple(side + 1 for side in outer)
        size = network.nearest_size(outer)
        output = network.output_size(size)
        if all(have >= want + more for have, want, more in zip(output, volume.shape, reach, strict=True)):
            break
    corner = [-more - (have - want) // 2 for more, have, want in zip(reach, size, output, strict=True)]
    window = torch.from_numpy(mirrored_region(volume, corner, size))[None, None].float() / 255
    with torch.inference_mode():
        maps = affinities(unit_vectors(network(window)), tiled.offsets)[0]
    inner = (slice(more, more + length) for more, length in zip(reach, volume.shape, strict=True))
    return maps[(slice(None), *inner)].numpy()


@pytest.mark.parametrize(
    ("arguments", "tile", "shape", "offsets"),
    [
        (WIDTHS["mala_tiny"], (8, 24, 28), (13, 31, 40), NEAREST),
        (TWO, (34, 48, 52), (21, 30, 41), NEAREST),
        (WIDTHS["mala_tiny"], (12, 32, 32), (9, 30, 25), [*NEAREST, (-2, 0, 0), (0, -3, 0), (0, 0, -9)]),
        pytest.param(PAPER, (44, 268, 268), (17, 110, 120), NEAREST, marks=pytest.mark.slow),
    ],
)
def test_tiles_equal_one_pass(arguments, tile, shape, offsets):
    tiled = predictor(arguments, tile, offsets)
    volume = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert len(tiled.tile_starts(shape)) > 1
    assert np.abs(tiled.affinities(volume) - one_pass(tiled, volume)).max() < 1e-5


def test_pairs_that_do_exist_are_found_at_the_first_plane_of_every_tile():
    tiled = predictor(WIDTHS["mala_tiny"], (8, 24, 28))
    volume = np.random.default_rng(0).integers(0, 256, (9, 25, 37)).astype(np.uint8)
    maps = tiled.affinities(volume)
    seam = tiled.step[1]
    assert not np.array_equal(maps[1][:, seam], maps[1][:, seam + 1])  # not copied from its neighbour


def test_a_thin_volume_is_refused_with_its_shape():
    tiled = predictor(WIDTHS["mala_tiny"], (8, 24, 28))
    with pytest.raises(GrdError, match=r"expected a volume of at least 4 x .* found shape \(3, 30, 30\)"):
        tiled.affinities(np.zeros((3, 30, 30), np.uint8))


def test_a_tile_that_is_too_small_to_step_is_refused():
    with pytest.raises(GrdError, match=r"expected tiles whose output exceeds \(1, 2, 2\) by \(1, 1, 1\) voxels"):
        predictor(WIDTHS["mala_tiny"], (6, 20, 18))
