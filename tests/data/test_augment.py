import numpy as np
import pytest
import torch
from projects import settings

from grd.config.datasets import Augment
from grd.data import augment as augment_module
from grd.data.augment import Draws, augment, cutout, displacement, gaussian_blur, grayscale, intensity, rotate
from grd.data.batches import DeviceImages, Geometry, normalise, pad_to
from grd.data.padding import crop_to
from grd.data.randomness import derived_seed, generator
from grd.data.store import Split
from grd.project.run import Run
from grd.training.student import Supervision, view

GEOMETRY = Geometry((32, 32), "zero", (32, 32), (16, 16))


def picture(size=(20, 24), batch=2):
    """Labels of four blocks, and an image whose grey value is the label / 10: geometry must keep them together."""
    labels = torch.zeros(batch, *size, dtype=torch.int32)
    for number, (y, x) in enumerate([(0, 0), (0, 12), (10, 0), (10, 12)], start=1):
        labels[:, y : y + 10, x : x + 12] = number
    return labels.unsqueeze(1).float() / 10, labels


def test_without_any_change_a_crop_is_a_window_of_the_image():
    images, labels = picture()
    images = torch.rand(2, 1, 20, 24)
    crops, ids, _ = augment(images, labels, Augment(crop=(16, 16), flip=0), generator(0, "a"))
    for image, crop, label, found in zip(images, crops, labels, ids, strict=True):
        matches = [
            (y, x)
            for y in range(5)
            for x in range(9)
            if torch.allclose(image[0, y : y + 16, x : x + 16], crop[0], atol=1e-5)
            and torch.equal(label[y : y + 16, x : x + 16], found)
        ]
        assert matches


@pytest.mark.parametrize(
    "settings",
    [
        Augment(crop=(16, 16), flip=1),
        Augment(crop=(16, 16), transpose=1),
        Augment(crop=(16, 16), scale=(0.5, 1.0)),
    ],
    ids=["flip", "transpose", "scale"],
)
def test_image_and_labels_move_together(settings):
    images, labels = picture()
    crops, ids, _ = augment(images, labels, settings, generator(1, "a"))
    agree = (crops.squeeze(1) * 10 - ids).abs() < 0.01
    assert agree.float().mean() > 0.8  # all but the blended rims of blocks


def test_beyond_the_border_image_and_labels_are_mirrored_and_numbers_say_where():
    labels = torch.tensor([[[1, 2], [3, 4]]], dtype=torch.int32)
    crops, ids, origin = augment(labels.unsqueeze(1) / 10, labels, Augment(crop=(4, 4), flip=0), generator(0, "a"))
    mirrored = torch.tensor([[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]])
    assert torch.equal(ids, mirrored) and torch.allclose(crops.squeeze(1) * 10, mirrored.float())
    assert (origin == 0).tolist() == [[[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]]
    assert len(origin.unique()) == 9 and origin.min() == 0


@pytest.mark.parametrize("options", [{"rotate": 1}, {"rotate": 1, "elastic": 1, "scale": (0.7, 1.0)}, {"crop": (90, 90)}])
def test_no_shown_foreground_is_labelled_background(options):
    _, labels = picture((66, 80), batch=8)  # the first block lies in a corner
    labels[:, 60:] = 5
    foreground = (labels > 0).unsqueeze(1).float()
    crops, ids, origin = augment(foreground, labels, Augment(**{"crop": (64, 64), **options}), generator(0, "a"))
    shown = crops.squeeze(1) > 0.99  # all four pixels that it is sampled from
    assert (shown & (origin > 0)).sum() > 50 and (shown & (ids == 0)).sum() == 0


def test_crops_that_stay_in_the_image_have_no_numbers():
    images, labels = picture()
    assert augment(images, labels, Augment(crop=(20, 24), scale=(0.5, 1.0)), generator(0, "a"))[2] is None
    assert augment(images, labels, Augment(crop=(21, 24)), generator(0, "a"))[2] is not None
    assert augment(images, labels, Augment(crop=(16, 16), rotate=0.1), generator(0, "a"))[2] is not None


def images_of(labels):
    """A data set of one image (H, W) that shows its labels."""
    return DeviceImages(Split(["a"], labels.astype(np.uint8), labels.astype(np.uint16)), "unit", torch.device("cpu"))


def test_an_instance_does_not_count_together_with_its_mirror_images():
    labels = np.zeros((1, 8, 8))
    labels[0, :2, :2] = 1
    batch = images_of(labels).training_batch(Augment(crop=(16, 16), flip=0), GEOMETRY, 2, 0, 0)
    assert (batch.labels == 1).sum() == 2 * 16 and (batch.own_labels == 1).sum() == 2 * 4
    assert torch.equal(batch.own_labels[:, 4:12, 4:12], batch.labels[:, 4:12, 4:12])


def test_nodes_are_means_over_the_image_itself():
    run = settings(Run("bbbc039", "resunet_tiny"))
    labels = np.zeros((1, 8, 8))
    labels[0, :2, :2] = 1
    batch = images_of(labels).training_batch(Augment(crop=(16, 16), flip=0), GEOMETRY, 2, 0, 0)
    network = torch.nn.Conv2d(3, 16, 1).requires_grad_(False)
    seen = view(network, batch, (), run, 2)
    expected = network(batch.images)[:, :, 4:6, 4:6].mean((2, 3))
    assert torch.equal(seen.labels, batch.own_labels) and torch.allclose(seen.nodes[0][:, 1], expected, atol=1e-6)


def test_pairs_that_cross_the_border_are_left_out_and_those_of_a_mirror_image_count():
    batch = images_of(np.ones((1, 4, 4))).training_batch(Augment(crop=(4, 8), flip=0), GEOMETRY, 1, 0, 0)
    exist = Supervision.of(batch, [(0, -1)]).exist
    assert exist[0, 0].tolist() == [[0, 1, 0, 1, 1, 1, 0, 1]] * 4


@pytest.mark.parametrize("padding", ["zero", "reflect"])
def test_pairs_in_the_padding_of_a_canvas_are_left_out(padding):
    data = images_of(np.ones((1, 2, 4)))
    [batch] = data.evaluation_batches(Geometry((4, 6), padding, (4, 6), (4, 6)), 2)
    supervision = Supervision.of(batch, [(0, -1)])
    assert supervision.exist[0, 0].tolist() == [[0] * 6, [0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 1, 0], [0] * 6]
    assert torch.equal(batch.own_labels, batch.labels) and batch.labels.sum() == 8
    [whole] = data.evaluation_batches(Geometry((2, 4), padding, (2, 4), (2, 4)), 2)
    assert whole.origin is None and Supervision.of(whole, [(0, -1)]).exist.shape == (1, 2, 4)


def test_elastic_displacement_is_smooth_and_only_where_it_happens():
    draws = Draws(40, torch.device("cpu"), generator(0, "e"))
    field = displacement(Augment(crop=(32, 32), elastic=0.5), draws)
    moved = field.abs().amax((1, 2, 3)) > 0
    assert 8 < moved.sum() < 32
    assert field.diff(dim=1).abs().max() < 2  # pixels per pixel


def test_gaussian_blur_keeps_the_mean_and_a_point_becomes_the_kernel():
    point = torch.zeros(1, 1, 15, 15)
    point[0, 0, 7, 7] = 1
    found = gaussian_blur(point, torch.tensor([1.0]), radius=3)
    assert found.sum().item() == pytest.approx(1, rel=1e-4)
    assert (found[0, 0, 7, 8] / found[0, 0, 7, 7]).item() == pytest.approx(np.exp(-0.5), rel=1e-4)


def test_cutout_fills_squares_within_the_foreground_s_box_with_its_mean():
    images = torch.rand(3, 1, 32, 32)
    foreground = torch.zeros(3, 32, 32, dtype=torch.bool)
    foreground[:, 8:24, 8:24] = True
    found = cutout(
        images, foreground, Augment(crop=(32, 32), cutout=1, cutout_side=6), Draws(3, torch.device("cpu"), generator(3, "c"))
    )
    changed = (found != images).squeeze(1)
    assert changed.any() and not changed[:, :8].any() and not changed[:, :, 24:].any()
    for image, fill, where in zip(images, found, changed, strict=True):
        if where.any():
            assert torch.allclose(fill[0][where], image[0, 8:24, 8:24].mean())


def test_the_squares_of_an_image_have_one_side(monkeypatch):
    seen, spans = [], augment_module._spans
    monkeypatch.setattr(augment_module, "_spans", lambda *given: (seen.append(given[1]), spans(*given))[1])
    settings, draws = Augment(crop=(32, 32), cutout=1), Draws(9, torch.device("cpu"), generator(3, "c"))
    cutout(torch.rand(9, 1, 32, 32), torch.ones(9, 32, 32, dtype=torch.bool), settings, draws)
    drawn = [set(sides[sides > 0].tolist()) for sides in seen[0]]
    assert max(map(len, drawn)) == 1 and len(set().union(*drawn)) > 1 and (seen[0] > 0).sum(1).max() > 1


def test_cutout_leaves_an_image_without_foreground_as_it_is():
    images, settings = torch.rand(3, 1, 32, 32), Augment(crop=(32, 32), cutout=1)
    draws = Draws(3, torch.device("cpu"), generator(3, "c"))
    assert torch.equal(cutout(images, torch.zeros(3, 32, 32, dtype=torch.bool), settings, draws), images)


@pytest.mark.parametrize(
    "recipe",
    [
        {"crop": (16, 16)},
        {"crop": (16, 16), "rotate": 1, "elastic": 1, "noise": 1, "blur": 1, "intensity": 1, "cutout": 1, "grayscale": 1},
    ],
)
def test_a_batch_is_a_function_of_seed_and_step(recipe):
    rng = np.random.default_rng(0)
    split = Split(
        ["a", "b"], rng.integers(0, 256, (2, 20, 24)).astype(np.uint8), rng.integers(0, 3, (2, 20, 24)).astype(np.uint16)
    )
    data = DeviceImages(split, "unit", torch.device("cpu"))
    settings = Augment(**recipe)
    first, again, other = (data.training_batch(settings, GEOMETRY, 2, 0, step) for step in (5, 5, 6))
    assert torch.equal(first.images, again.images) and torch.equal(first.labels, again.labels)
    assert not torch.equal(first.images, other.images)
    assert first.images.shape == (2, 3, 16, 16) and first.images.min() >= 0 and first.images.max() <= 1


def test_images_without_instances_are_accepted():
    split = Split(["a"], np.zeros((1, 20, 24), np.uint8), np.zeros((1, 20, 24), np.uint16))
    data = DeviceImages(split, "unit", torch.device("cpu"))
    batch = data.training_batch(Augment(crop=(16, 16), cutout=1), GEOMETRY, 2, 0, 0)
    assert batch.images.isfinite().all() and batch.labels.sum() == 0


def test_padding_puts_the_image_in_the_middle_and_cropping_takes_it_out():
    images = torch.arange(12.0).view(1, 1, 3, 4)
    for padding in ("zero", "reflect"):
        canvas = pad_to(images, (6, 7), padding)
        assert canvas.shape == (1, 1, 6, 7)
        assert torch.equal(crop_to(canvas, (3, 4)), images)
    assert pad_to(images, (6, 7), "zero")[0, 0, 0].sum() == 0


def test_imagenet_normalisation_takes_mean_and_spread_of_each_colour():
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert normalise(mean, "imagenet").abs().max() < 1e-6
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    assert torch.allclose(normalise(mean + std, "imagenet"), torch.ones(1, 3, 2, 2), atol=1e-5)
    assert normalise(torch.full((1, 1, 2, 2), 0.5), "unit").shape == (1, 3, 2, 2)


def test_purposes_and_steps_have_streams_of_their_own():
    seeds = {derived_seed(seed, purpose, step) for seed in (0, 1) for purpose in ("images", "augment") for step in range(50)}
    assert len(seeds) == 200


class Fixed(Draws):
    """Draws that are all this share of the way from the least to the largest value."""

    def __init__(self, share):
        self.share = share
        super().__init__(1, torch.device("cpu"), generator(0, "a"))

    def uniform(self, low=0, high=1, shape=()):
        return torch.full((self.batch, *shape), low + (high - low) * self.share)


def test_changes_have_the_released_code_s_sizes():
    grey, said = torch.full((1, 1, 8, 8), 0.5), Augment(crop=(8, 8), rotate=1, elastic=1)
    for share, by_gamma, by_intensity in ((0.0, 0.275**0.5, 0.425), (1.0, 0.725**2, 0.575)):
        assert grayscale(grey, said, Fixed(share))[0, 0, 0, 0].item() == pytest.approx(by_gamma)
        assert intensity(grey, said, Fixed(share))[0, 0, 0, 0].item() == pytest.approx(by_intensity)
    turned = rotate(torch.tensor([[[[0.0, 1.0]]]]), said, Fixed(0.25)).flatten().tolist()
    assert turned == pytest.approx([-1, 0], abs=1e-6)
    moved = displacement(Augment(crop=(64, 64), elastic=1), Fixed(0.75))[0, 32, 32]  # beyond the border nothing moves
    assert moved.tolist() == pytest.approx([0.5 * said.elastic_alpha] * 2, rel=1e-4)
