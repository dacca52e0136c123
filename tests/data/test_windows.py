"""Windows of volumes: where they lie, what is beyond the border, and borders between labels."""

import numpy as np
import pytest
import torch
from projects import tubes

from grd.config.datasets import Augment
from grd.data.batches import DeviceVolumes, Geometry, mirrored_window, widen_borders
from grd.data.padding import check_context, mirrored_index, mirrored_region
from grd.data.store import Split
from grd.errors import GrdError

CPU = torch.device("cpu")


def test_indices_are_mirrored_without_repeating_the_outermost():
    assert mirrored_index(-2, 8, 4).tolist() == [2, 1, 0, 1, 2, 3, 2, 1]
    assert mirrored_index(-1, 3, 1).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("corner", "size"), [((-2, 1, 3), (6, 3, 5)), ((3, -4, -1), (4, 12, 3)), ((0, 0, 0), (5, 6, 7))])
def test_a_region_is_that_of_the_reflected_volume(corner, size):
    volume = np.arange(5 * 6 * 7).reshape(5, 6, 7)
    padded = np.pad(volume, 10, mode="reflect")
    expected = padded[tuple(slice(10 + first, 10 + first + length) for first, length in zip(corner, size, strict=True))]
    assert np.array_equal(mirrored_region(volume, corner, size), expected)
    assert np.array_equal(mirrored_window(torch.from_numpy(volume), corner, size).numpy(), expected)


def test_a_volume_thinner_than_the_context_is_refused_with_file_and_shape():
    check_context((15, 20, 20), (14, 10, 10), "x.h5")
    with pytest.raises(GrdError, match=r"x\.h5, test/images: expected a volume of at least 15 x 11 x 11 .* \(14, 20, 20\)"):
        check_context((14, 20, 20), (14, 10, 10), "x.h5, test/images")


def test_borders_are_widened_where_two_ids_meet_in_a_section():
    labels = torch.tensor([[[1, 1, 1, 2, 2, 2]], [[1, 1, 1, 1, 1, 1]]], dtype=torch.int32)
    assert widen_borders(labels)[0, 0].tolist() == [1, 1, 0, 0, 2, 2]
    assert widen_borders(labels)[1, 0].tolist() == [1] * 6  # sections are taken one by one


def test_an_id_beside_background_keeps_its_width():
    labels = torch.tensor([[[0, 0, 7, 7, 0]]], dtype=torch.int32)
    assert torch.equal(widen_borders(labels), labels)


def positions(crop, output, steps=20, **options):
    """Batches of a volume whose voxels say where they are (and whose labels say so, too)."""
    place = np.arange(6 * 5 * 8).reshape(1, 6, 5, 8)
    data = DeviceVolumes(Split(["a"], place.astype(np.uint8), place.astype(np.uint16) + 1), CPU, widen=False)
    geometry = Geometry((1, 1, 1), "reflect", (1, 1, 1), output)
    settings = Augment(crop=crop, flip=options.pop("flip", 0), **options)
    return [data.training_batch(settings, geometry, 2, 0, step) for step in range(steps)]


@pytest.mark.parametrize("options", [{}, {"flip": 0.5}])
def test_labels_lie_in_the_middle_of_their_window(options):
    for batch in positions((3, 5, 5), (1, 3, 3), **options):
        assert batch.images.shape == (2, 1, 3, 5, 5) and batch.labels.shape == (2, 1, 3, 3)
        assert torch.equal((batch.images[:, 0, 1:2, 1:4, 1:4] * 255).round().long(), batch.labels - 1)


def test_outputs_reach_every_voxel_of_the_volume():
    seen = {int(place) for batch in positions((3, 5, 5), (1, 3, 3), 200) for place in batch.labels.unique()}
    assert seen == set(range(1, 6 * 5 * 8 + 1))


def test_turned_volumes_keep_image_and_labels_together():
    split = tubes(1, 0)
    data = DeviceVolumes(Split(split.names, (split.labels * 12).astype(np.uint8), split.labels), CPU, widen=False)
    settings = Augment(crop=(4, 24, 24), rotate=1, transpose=0.5)
    batch = data.training_batch(settings, Geometry((1, 1, 1), "reflect", (1, 1, 1), (2, 16, 16)), 2, 0, 3)
    images = (batch.images[:, 0, 1:3, 4:20, 4:20] * 255 / 12).round()
    assert (images == batch.labels).float().mean() > 0.85  # the rest is interpolated between two columns
    assert (batch.labels > 0).all()


def test_grey_values_change_by_section_in_some_volumes_and_alike_in_others():
    split = Split(["a"], np.full((1, 6, 8, 8), 120, np.uint8), np.ones((1, 6, 8, 8), np.uint16))
    data = DeviceVolumes(split, CPU, widen=False)
    geometry = Geometry((1, 1, 1), "reflect", (1, 1, 1), (6, 8, 8))
    batches = [data.training_batch(Augment(crop=(6, 8, 8), grayscale=1), geometry, 2, 0, step) for step in range(8)]
    spreads = torch.cat([batch.images[:, 0].mean((2, 3)).std(1) for batch in batches])
    assert (spreads > 0.01).any() and (spreads < 1e-6).any()


def test_evaluation_tiles_cover_the_volume():
    place = np.arange(6 * 5 * 8).reshape(1, 6, 5, 8)
    data = DeviceVolumes(Split(["a"], place.astype(np.uint8), place.astype(np.uint16) + 1), CPU, widen=False)
    batches = list(data.evaluation_batches(Geometry((4, 6, 6), "reflect", (2, 4, 4), (1, 1, 1)), 5))
    assert [len(batch.labels) for batch in batches] == [5, 5, 2]
    assert batches[0].images.shape == (5, 1, 4, 6, 6)
    assert len(torch.cat([batch.labels.flatten() for batch in batches]).unique()) == place.size
    for batch in batches:  # the image of a tile lies around its output
        assert torch.equal((batch.images[:, 0, 1:3, 1:5, 1:5] * 255).round().long(), batch.labels - 1)
