"""Images and volumes of different sizes on the device: crops from each of them, whole images on canvases of their own."""

import numpy as np
import pytest
import torch

from grd.config.datasets import Augment
from grd.data.batches import DeviceGallery, DeviceImages, Geometry, device_split
from grd.data.store import Split

CPU = torch.device("cpu")
CROP = Augment(crop=(4, 4), flip=0)
GEOMETRY = Geometry((8, 8), "zero", (8, 8), (4, 4), lambda size: tuple(-(-side // 4) * 4 for side in size))


def split(*sizes):
    """Images of grey 10 n in which everything is object n."""
    images = [np.full(size, 10 * number, np.uint8) for number, size in enumerate(sizes, 1)]
    return Split([str(number) for number, _ in enumerate(sizes)], images, [image // 10 for image in images])


def gallery(*sizes):
    return device_split(split(*sizes), "unit", CPU, widen=True)


def test_a_batch_has_crops_of_all_images_with_their_own_labels():
    data = gallery((6, 6), (9, 5), (4, 12))
    assert isinstance(data, DeviceGallery) and data.instances == 4
    batches = [data.training_batch(CROP, GEOMETRY, 2, 0, step) for step in range(20)]
    assert {tuple(batch.images.shape) for batch in batches} == {(2, 3, 4, 4)}
    assert {int(number) for batch in batches for number in batch.labels[:, 0, 0]} == {1, 2, 3}
    for batch in batches:
        assert batch.origin is None and torch.equal(torch.round(25.5 * batch.images[:, 0]).long(), batch.labels)


def test_the_crops_of_a_batch_lie_in_different_places():
    ramp = np.arange(400, dtype=np.uint16).reshape(20, 20)
    data = device_split(Split(["a"], [(ramp // 2).astype(np.uint8)], [ramp]), "unit", CPU, widen=True)
    corners = data.training_batch(CROP, GEOMETRY, 6, 0, 0).labels[:, 0, 0].tolist()
    assert len(set(corners)) > 3
    assert corners == data.training_batch(CROP, GEOMETRY, 6, 0, 0).labels[:, 0, 0].tolist()
    assert corners != data.training_batch(CROP, GEOMETRY, 6, 0, 1).labels[:, 0, 0].tolist()


def test_mirror_images_of_small_images_are_told_from_whole_crops_of_large_ones():
    data, seen = gallery((2, 4), (6, 6)), set()
    for step in range(40):
        batch = data.training_batch(CROP, GEOMETRY, 2, 0, step)
        small = (batch.labels[:, 0, 0] == 1).tolist()
        seen.add(tuple(small))
        assert (batch.origin is None) == (not any(small))
        for place, mirrored in enumerate(small if any(small) else []):
            assert bool((batch.origin[place] > 0).any()) == mirrored
    assert len(seen) == 4


def test_whole_images_are_padded_to_the_nearest_size_one_by_one():
    batches = list(gallery((6, 6), (8, 3)).evaluation_batches(GEOMETRY, 5))
    assert [tuple(batch.images.shape) for batch in batches] == [(1, 3, 8, 8), (1, 3, 8, 4)]
    assert [batch.size for batch in batches] == [(6, 6), (8, 3)]
    assert [batch.images.max().item() for batch in batches] == pytest.approx([10 / 255, 20 / 255])
    [alone] = DeviceImages(split((6, 6)).single(0), "unit", CPU).evaluation_batches(GEOMETRY, 5)
    assert torch.equal(batches[0].images, alone.images) and torch.equal(batches[0].origin, alone.origin)


def test_windows_come_from_all_volumes_and_tiles_cover_each():
    volumes = [np.full(size, 10 * number, np.uint8) for number, size in enumerate(((4, 8, 8), (6, 4, 12)), 1)]
    data = device_split(Split(["a", "b"], volumes, [volume // 10 for volume in volumes]), "unit", CPU, widen=False)
    geometry = Geometry((4, 6, 6), "reflect", (2, 4, 4), (2, 4, 4))
    tiles = [batch.labels.unique().tolist() for batch in data.evaluation_batches(geometry, 1)]
    assert tiles == [[1]] * (2 * 2 * 2) + [[2]] * (3 * 1 * 3)
    windows = [data.training_batch(Augment(crop=(4, 6, 6)), geometry, 1, 0, step) for step in range(12)]
    assert {int(window.labels.max()) for window in windows} == {1, 2}
    assert data.instances == 3
