"""Samples in blocks have the labels that they have as a whole."""

import h5py
import numpy as np
import pytest
import torch
from projects import settings, squares, train_into, tubes, volume_settings, write_squares, write_tubes
from skimage.measure import label

from grd.apply import large
from grd.apply.large import is_large, segment_large
from grd.config.segmenters import MulticutSegmenter, MutexSegmenter, WaterzSegmenter
from grd.errors import GrdError
from grd.inference.boxes import box
from grd.inference.predict import Prediction, load_predictor
from grd.metrics import score_instances
from grd.project.run import Run
from grd.segmentation.run_files import Evaluation, segment_run, segment_sample

CPU = torch.device("cpu")
OFFSETS = [(-1, 0), (0, -1), (-3, 0), (0, -3)]
LEARNED = MutexSegmenter(algorithm="mutex", foreground="learned", strides=(2, 2), merge_passes=(), min_size=0)
CORNER = MutexSegmenter(algorithm="mutex", foreground="corner", strides=(2, 2), merge_passes=())
WATERZ, MULTICUT = WaterzSegmenter(algorithm="waterz", threshold=0.5), MulticutSegmenter(algorithm="multicut")


def identity(part):
    return part


class Drawing:
    """A predictor and the regions of a label image, whose affinities are those of a perfect network; 0 looks like background."""

    offsets, background = OFFSETS, True

    def __init__(self, labels):
        self.labels, self.canvas, self.place = labels, labels.shape, box([0] * labels.ndim, labels.shape)
        self.rank, self.network = labels.ndim, self

    def predict(self, region):
        noise = np.random.default_rng(0).random((len(OFFSETS), *self.canvas), np.float32)  # so that no weights are equal
        same = np.stack([np.roll(self.labels, (-down, -right), (0, 1)) == self.labels for down, right in OFFSETS])
        similarity = np.where(self.labels[region] == 0, 0.5, -0.5).astype(np.float32)
        return Prediction((same + 0.01 * noise)[(slice(None), *region)], similarity.shape, similarity)


@pytest.fixture
def draw(monkeypatch):
    """Segments a drawing in blocks of 8 pixels a side, with margins of 4."""

    def segmented(labels, chosen=LEARNED, side=8):
        rank, out = labels.ndim, np.full(labels.shape, -1, np.int32)
        monkeypatch.setitem(large.REGIONS, rank, lambda predictor, sample: predictor)
        monkeypatch.setattr(large, "margins", lambda predictor, side: (4,) * rank)
        count = segment_large(Drawing(labels), chosen, labels, identity, out, (side,) * rank)
        assert set(np.unique(out)) - {0} == set(range(1, count + 1))
        return out

    return segmented


def picture():
    """A field of 20 x 28 with an object in one block, one across a seam, one across four blocks, and a long one."""
    labels = np.zeros((20, 28), int)
    labels[2:6, 2:6] = 1
    labels[2:6, 13:19] = 2
    labels[7:10, 6:10] = 3
    labels[14:18, 3:27] = 4
    return labels


def same_partition(one, other):
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1] == len(np.unique(pairs[1]))


def test_objects_and_background_are_whole_whatever_blocks_cut_them(draw):
    found = draw(picture())
    assert same_partition(found, picture()) and ((found > 0) == (picture() > 0)).all()


def test_limits_of_size_hold_for_whole_objects(draw):
    limits = {"max_size": 50}
    found = draw(picture(), CORNER.model_copy(update=limits))
    assert set(picture()[found > 0]) == {1, 2, 3}  # no block sees more than 12 x 4 pixels of 4, which has 96
    assert set(picture()[draw(picture(), LEARNED.model_copy(update={"min_size": 14})) > 0]) == {1, 2, 4}
    assert set(picture()[draw(picture(), LEARNED.model_copy(update={"min_size": 25})) > 0]) == {4}


def test_the_segment_of_the_first_pixel_is_background_in_every_block(draw):
    found = draw(picture(), CORNER)
    assert same_partition(found, picture()) and (found[picture() == 0] == 0).all()
    shifted = picture()
    shifted[:12, :12][shifted[:12, :12] == 0] = 5  # around the first pixel lies an object
    assert set(shifted[draw(shifted, CORNER) == 0]) == {5}


def test_repulsive_pairs_are_sampled_at_the_places_where_they_are_in_the_whole_image(draw):
    coarse = LEARNED.model_copy(update={"strides": (3, 5)})
    assert same_partition(draw(picture(), coarse), draw(picture(), coarse, side=64))


def test_a_model_without_a_background_s_direction_is_refused_for_the_learned_foreground(draw, monkeypatch):
    monkeypatch.setattr(Drawing, "background", None)
    with pytest.raises(GrdError, match="expected a model that knows the background's direction"):
        draw(picture())


def test_samples_are_large_by_their_pixels():
    assert is_large((4000, 2001, 3), 2) and not is_large((2000, 2000, 3), 2)
    assert is_large((60, 1500, 1500), 3) and not is_large((100, 1024, 1024), 3)


def make_model(folder, chosen, samples, canvas, segmenters):
    train_into([chosen], samples, [folder], folder / "state")
    evaluation = Evaluation(canvas=canvas, segmenters=segmenters, metric="pq", data={})
    segment_run(folder / "weights.pt", samples, evaluation, folder / "l.h5", folder / "m.pt", CPU)
    return load_predictor(folder / "m.pt", CPU)


@pytest.fixture(scope="module")
def of_images(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("images")
    chosen = settings(Run("bbbc039", "resunet_tiny"), iterations=60)
    return make_model(folder, chosen, write_squares(folder / "s.h5"), (48, 48), {"learned": LEARNED, "corner": CORNER})


@pytest.fixture(scope="module")
def of_volumes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    chosen = volume_settings(Run("ac34", "mala_tiny"), iterations=60, learning_rate=0.02)
    return make_model(folder, chosen, write_tubes(folder / "s.h5"), (8, 24, 28), {"waterz": WATERZ, "multicut": MULTICUT})


def field():
    """An image (192, 240) of many squares."""
    return np.block([[squares(5, row).images[column] for column in range(5)] for row in range(4)])


@pytest.mark.parametrize("chosen", [LEARNED, CORNER])
def test_an_image_in_a_single_block_has_the_same_labels_pixel_by_pixel(of_images, chosen):
    image, out = field()[:185, :230], np.zeros((185, 230), np.int32)
    segment_large(of_images, chosen, image, identity, out)
    np.testing.assert_array_equal(out, segment_sample(of_images.offsets, chosen, of_images.predict(image)))


@pytest.mark.parametrize("chosen", [LEARNED, CORNER])
def test_an_image_in_blocks_has_nearly_the_same_objects(of_images, chosen):
    image, out = field(), np.zeros((192, 240), np.int32)
    count = segment_large(of_images, chosen, image, identity, out, (80, 64))
    whole = segment_sample(of_images.offsets, chosen, of_images.predict(image))
    assert out.max() == count > 20
    assert score_instances(out, whole)["pq"] > 0.95


def test_files_are_read_and_written_in_parts_and_grey_values_follow_one_rule(of_images, tmp_path):
    image = field()
    out = np.zeros(image.shape, np.int32)
    segment_large(of_images, LEARNED, image, identity, out, (80, 64))
    with h5py.File(tmp_path / "image.h5", "w") as file:
        colours = file.create_dataset("colours", data=np.stack([100 * image.astype(np.uint16)] * 3, axis=2))
        labels = file.create_dataset("labels", image.shape, np.int32)
        segment_large(of_images, LEARNED, colours, lambda part: (part // 100).astype(np.uint8), labels, (80, 64))
        np.testing.assert_array_equal(labels[:], out)


@pytest.mark.parametrize("chosen", [WATERZ, MULTICUT])
def test_a_volume_in_a_single_block_has_the_same_labels_voxel_by_voxel(of_volumes, chosen):
    volume = tubes(1, 5, (14, 60, 70)).images[0]
    out = np.zeros(volume.shape, np.int32)
    segment_large(of_volumes, chosen, volume, identity, out)
    np.testing.assert_array_equal(out, segment_sample(of_volumes.offsets, chosen, of_volumes.predict(volume)))


def test_branches_of_a_neurite_are_one_even_where_blocks_do_not_see_the_fork(draw, monkeypatch):
    labels = np.zeros((18, 30, 30), int)
    labels[:, :10, :20], labels[:, :10, 23:] = 1, 3
    for row in (13, 17, 21, 25):
        labels[4:8, row : row + 2, :22] = 2
    labels[4:8, 13:27, 21:24] = 2  # the trunk
    monkeypatch.setattr(Drawing, "predict", lambda self, region: Prediction(self.labels[region], ()))
    monkeypatch.setattr(large, "segments_of", lambda maps, *_: (label(maps.affinities, background=-1, connectivity=1), None))
    found = draw(labels, WATERZ)
    assert same_partition(found[labels > 0], labels[labels > 0])
