"""Users' files are segmented as the pipeline segments its test images."""

import logging

import numpy as np
import pytest
import tifffile
import torch
from projects import settings, squares, train_into, volume_settings, write_tubes

from grd.apply.outputs import Outputs
from grd.apply.segment import Settings, segment_files, warn_of_large_segments
from grd.config.segmenters import as_segmenter
from grd.data.store import read_labels, read_split, write_samples
from grd.errors import GrdError
from grd.project.run import Run
from grd.reading.grey import to_uint8
from grd.segmentation.run_files import Evaluation, segment_run

CPU = torch.device("cpu")
PASSES = ((5, 5), (20, 7))
IMAGES = {
    "mutex_truth_foreground": {"algorithm": "mutex", "foreground": "truth"},
    "mutex": {"algorithm": "mutex", "foreground": "corner", "max_size": 300, "strides": (2, 2), "merge_passes": PASSES},
    "learned": {
        "algorithm": "mutex",
        "foreground": "learned",
        "strides": "validation",
        "merge_passes": "validation",
        "min_size": "validation",
    },
}
VOLUMES = {"waterz": {"algorithm": "waterz"}, "multicut": {"algorithm": "multicut"}}


def make_model(folder, settings, samples, canvas, segmenters):
    train_into([settings], samples, [folder], folder / "state")
    wanted = {name: as_segmenter(each) for name, each in segmenters.items()}
    evaluation = Evaluation(canvas=canvas, segmenters=wanted, metric="pq", data={})
    segment_run(folder / "weights.pt", samples, evaluation, folder / "labels.h5", folder / "model.pt", CPU)
    for name, sample in zip(read_split(samples, "test").names, read_split(samples, "test").images, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", sample)
    return folder


def segmented(files, folder, out, settings=Settings(), **wanted):
    """Labels of files by the model in a folder."""
    outputs = Outputs(out, **wanted)
    list(segment_files(files, folder / "model.pt", outputs, CPU, settings))
    return [tifffile.imread(outputs.labels(path)) for path in files]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A model of images, its labels file, and the test images as tif."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("images")
    chosen = settings(Run("bbbc039", "resunet_tiny"), iterations=60)
    splits = {name: squares(count, count) for name, count in (("training", 6), ("validation", 3), ("test", 4))}
    for split in splits.values():
        split.images[:] = [to_uint8(image) for image in split.images]  # as preparation does
    write_samples(folder / "samples.h5", splits)
    return make_model(folder, chosen, folder / "samples.h5", (64, 64), IMAGES)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """The same for volumes."""
    folder = tmp_path_factory.mktemp("volumes")
    samples = write_tubes(folder / "samples.h5")
    return make_model(
        folder, volume_settings(Run("ac34", "mala_tiny"), iterations=60, learning_rate=0.02), samples, (8, 24, 28), VOLUMES
    )


@pytest.mark.parametrize(
    ("world", "segmenter", "same"),
    [
        ("images", None, "learned"),
        ("images", "learned", "learned"),
        ("images", "mutex", "mutex"),
        ("volumes", None, "waterz"),
        ("volumes", "multicut", "multicut"),
    ],
)
def test_the_pipelines_test_images_have_the_pipelines_labels_pixel_by_pixel(request, tmp_path, world, segmenter, same):
    folder = request.getfixturevalue(world)
    names, expected = read_labels(folder / "labels.h5", same)
    files = [folder / f"{name}.tif" for name in names]
    found = segmented(files, folder, tmp_path, Settings(segmenter))
    np.testing.assert_array_equal(found, expected)
    assert expected.max() > 1


def test_weights_and_segmenters_that_need_the_truth_are_refused(images, tmp_path):
    file = [next(images.glob("*.tif"))]
    with pytest.raises(GrdError, match=r"weights\.pt: expected a model whose card says how to segment, found weights alone"):
        next(segment_files(file, images / "weights.pt", Outputs(tmp_path), CPU))
    with pytest.raises(
        GrdError, match=r"model\.pt: expected a segmenter that needs no ground truth, found mutex_truth_foreground"
    ):
        segmented(file, images, tmp_path, Settings("mutex_truth_foreground"))


def test_an_option_without_effect_is_warned_of(images, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "grd"):
        segmented([next(images.glob("*.tif"))], images, tmp_path, Settings(changes={"threshold": 0.3}))
    assert "option threshold has no effect: mutex has no such setting" in caplog.text


def test_an_option_replaces_what_the_card_says(images, tmp_path):
    file = [next(images.glob("*.tif"))]
    (usual,) = segmented(file, images, tmp_path / "a")
    sizes = np.bincount(usual.ravel())[1:]
    limit = int(np.median(sizes)) + 1
    changes = {"min_size": limit}
    (large,) = segmented(file, images, tmp_path / "b", Settings(changes=changes))
    assert large.max() == (sizes >= limit).sum() < usual.max()


@pytest.mark.parametrize(("side", "warned"), [(5, False), (6, True)])
def test_a_segment_of_more_than_a_quarter_of_an_image_is_warned_of(caplog, tmp_path, side, warned):
    labels = np.zeros((10, 10), int)
    labels[:side, :5] = 1
    warn_of_large_segments(labels, tmp_path / "a.tif")
    assert ("a.tif: a segment covers 30 % of it" in caplog.text) == warned
