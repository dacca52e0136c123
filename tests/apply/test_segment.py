"""Users' files are segmented as the pipeline segments its test images."""

import json
import logging
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
import zarr
from PIL import Image
from projects import settings, squares, train_into, volume_settings, write_tubes

from grd.apply import origin
from grd.apply.checks import warn_of_specks
from grd.apply.geojson import write_geojson
from grd.apply.measure import measure
from grd.apply.outputs import Outputs
from grd.apply.segment import Settings, Work, factor_of, resize_labels, segment_files, warn_of_large_segments
from grd.config.segmenters import as_segmenter
from grd.data.store import read_labels, read_split, write_samples
from grd.errors import GrdError
from grd.metrics.instances import score_instances
from grd.networks.model_file import load_model
from grd.project.run import Run
from grd.reading.axes import Choice
from grd.reading.grey import grey_rule
from grd.segmentation.run_files import Evaluation, segment_run, segment_sample

CPU = torch.device("cpu")
USUAL = Settings()
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


def segmented(files, folder, out, said=USUAL, **wanted):
    """Labels of files by the model in a folder."""
    outputs = Outputs(out, **wanted)
    list(segment_files(files, folder / "model.pt", outputs, CPU, said))
    return [tifffile.imread(outputs.labels(path)) for path in files]


def eight_bits(file):
    """The grey values of a tif as the network sees them."""
    pixels = tifffile.imread(file)
    return grey_rule(pixels)(pixels)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A model of images, its labels file, and the test images as tif."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("images")
    chosen = settings(Run("bbbc039", "resunet_tiny"), iterations=60)
    splits = {name: squares(count, count) for name, count in (("training", 6), ("validation", 3), ("test", 4))}
    for split in splits.values():
        split.images[:] = [grey_rule(image)(image) for image in split.images]  # as preparation does
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


def test_bfloat16_reaches_the_network_and_changes_few_pixels(images, tmp_path, monkeypatch):
    files, maps = sorted(images.glob("*.tif")), []
    monkeypatch.setattr("grd.apply.segment.segment_sample", lambda *given: maps.append(given[2]) or segment_sample(*given))
    full, half = (segmented(files, images, tmp_path / name, Settings(precision=name)) for name in ("float32", "bfloat16"))
    for one, other in zip(maps[: len(files)], maps[len(files) :], strict=True):
        assert 0 < np.abs(one.affinities - other.affinities).max() < 0.1
        assert other.affinities.dtype == other.background.dtype == np.float32
    assert np.mean([score_instances(one, other)["pq"] for one, other in zip(half, full, strict=True)]) > 0.9


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


def test_a_stack_comes_back_as_a_stack_and_each_moment_as_if_alone(images, tmp_path):
    alone = [tifffile.imread(path) for path in sorted(images.glob("*.tif"))[:2]]
    tifffile.imwrite(tmp_path / "stack.tif", np.stack(alone), metadata={"axes": "TYX"}, ome=True)
    expected = segmented(sorted(images.glob("*.tif"))[:2], images, tmp_path / "a")
    (found,) = segmented([tmp_path / "stack.tif"], images, tmp_path / "b")
    np.testing.assert_array_equal(found, np.stack(expected))
    (second,) = segmented([tmp_path / "stack.tif"], images, tmp_path / "c", Settings(choice=Choice(time=1)))
    np.testing.assert_array_equal(second, expected[1])


def test_a_bad_file_is_named_at_the_end_and_the_others_are_done(images, tmp_path, caplog):
    good = sorted(images.glob("*.tif"))[:2]
    (tmp_path / "bad.tif").write_bytes(b"text")
    outputs = Outputs(tmp_path / "out")
    with pytest.raises(GrdError, match=r"^bad.tif: expected 3 files that can be segmented, found 1 that cannot"):
        list(segment_files([good[0], tmp_path / "bad.tif", good[1]], images / "model.pt", outputs, CPU))
    assert all(outputs.labels(path).exists() for path in good)
    assert "bad.tif: expected a tif" in caplog.text
    with pytest.raises(GrdError, match=r"bad.tif: expected a tif, PNG"):
        list(segment_files([tmp_path / "bad.tif"], images / "model.pt", outputs, CPU))


def test_values_that_are_damaged_are_told_to_be_so(images, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        place = (
            file.create_dataset("main", data=np.ones((64, 64)), chunks=(64, 64), fletcher32=True).id.get_chunk_info(0).byte_offset
        )
    content = bytearray((tmp_path / "a.h5").read_bytes())
    content[place] ^= 255
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(GrdError, match=r"a\.h5: expected a readable file, found .*; convert or replace it"):
        list(segment_files([tmp_path / "a.h5"], images / "model.pt", Outputs(tmp_path), CPU))


def test_existing_labels_are_left_alone_on_request(images, tmp_path):
    file = [next(images.glob("*.tif"))]
    outputs = Outputs(tmp_path)
    outputs.labels(file[0]).write_bytes(b"mine")
    (line,) = segment_files(file, images / "model.pt", outputs, CPU, Settings(skip_existing=True))
    assert line.endswith("exists, skipped") and outputs.labels(file[0]).read_bytes() == b"mine"


def test_what_is_missing_beside_existing_labels_is_made_from_them(images, tmp_path):
    file = sorted(images.glob("*.tif"))[:1]
    segmented(file, images, tmp_path, table=True)
    corrected = np.zeros(tifffile.imread(file[0]).shape, np.uint16)
    corrected[4:9, 4:10] = 7  # by hand
    path = Outputs(tmp_path).labels(file[0])
    tifffile.imwrite(path, corrected)
    outputs = Outputs(tmp_path, table=True, overlay=True)
    (line,) = segment_files(file, images / "model.pt", outputs, CPU, Settings(skip_existing=True))
    assert line.endswith("exists, 1 object, median area 30 pixels")
    assert set(np.unique(tifffile.imread(path))) == {0, 7}
    table = pd.read_csv(tmp_path / f"{file[0].stem}.csv")
    assert table[["label", "area"]].to_numpy().tolist() == [[7, 30]]
    assert pd.read_csv(tmp_path / "all-objects.csv")["area"].sum() == 30
    (line,) = segment_files(file, images / "model.pt", outputs, CPU, Settings(skip_existing=True))
    assert line.endswith("exists, skipped")
    tifffile.imwrite(path, np.ones((9, 9), np.uint8))
    with pytest.raises(GrdError, match=r"expected labels of the images in .*, found 1 of shape \(9, 9\); move the file"):
        segmented(file, images, tmp_path, Settings(skip_existing=True), table=True)


def test_a_table_of_someone_else_is_not_replaced(images, tmp_path):
    file = sorted(images.glob("*.tif"))[:1]
    stem = file[0].stem
    texts = {f"{stem}.csv": "x,y,label\n", "all-objects.csv": "mine", f"{stem}.geojson": "mine", f"{stem}-overlay.png": "mine"}
    for (name, text), wanted in zip(texts.items(), ("table", "table", "outlines", "overlay"), strict=True):
        (tmp_path / name).write_text(text)
        with pytest.raises(GrdError, match=rf"{name}: expected no file, or one as this command wrote it, found another"):
            segmented(file, images, tmp_path, **{wanted: True})
        assert (tmp_path / name).read_text() == text
        (tmp_path / name).unlink()
    segmented(file, images, tmp_path, table=True, outlines=True, overlay=True)
    segmented(file, images, tmp_path, table=True, outlines=True, overlay=True)  # all are its own


def test_labels_that_were_corrected_by_hand_are_not_replaced(images, tmp_path):
    file = sorted(images.glob("*.tif"))[:1]
    refused = r"expected no file, or one as this command wrote it, found another, .* or keep it with --skip-existing"
    (labels,) = segmented(file, images, tmp_path)
    tifffile.imwrite(tmp_path / f"{file[0].stem}-labels.tif", labels + 7)
    with pytest.raises(GrdError, match=refused):
        segmented(file, images, tmp_path)
    assert (tifffile.imread(tmp_path / f"{file[0].stem}-labels.tif") == labels + 7).all()


def test_outlines_of_large_objects_and_of_none_are_its_own(tmp_path):
    y, x = np.mgrid[:128, :128]
    for name, labels in (("disc", (y - 64) ** 2 + (x - 64) ** 2 < 2500), ("none", np.zeros((128, 128), bool))):
        write_geojson(tmp_path / f"{name}.geojson", labels.astype(np.uint8), measure(labels.astype(np.uint8), labels))
        Outputs(tmp_path, outlines=True).check_names([tmp_path / f"{name}.tif"])


def test_labels_that_were_corrected_in_a_zarr_are_kept_and_measured_again(images, tmp_path):
    file, model = sorted(images.glob("*.tif"))[:1], images / "model.pt"
    outputs = Outputs(tmp_path, zarr=True, table=True)
    for _ in range(2):  # its own are replaced
        list(segment_files(file, model, outputs, CPU))
    shutil.copytree(outputs.labels(file[0]), tmp_path / "copy.zarr")
    shutil.rmtree(outputs.labels(file[0]))
    shutil.copytree(tmp_path / "copy.zarr", outputs.labels(file[0]), copy_function=shutil.copy)  # times are new
    list(segment_files(file, model, outputs, CPU))
    zarr.open_array(outputs.labels(file[0]) / "0", mode="r+")[:4, :4] = 77
    with pytest.raises(GrdError, match="expected no file, or one as this command wrote it, found another"):
        list(segment_files(file, model, outputs, CPU))
    list(segment_files(file, model, outputs, CPU, Settings(skip_existing=True)))
    assert 77 in pd.read_csv(tmp_path / f"{file[0].stem}.csv")["label"].tolist()


def test_labels_of_another_moment_are_not_taken_for_those_asked_for(images, tmp_path):
    grey = tifffile.imread(sorted(images.glob("*.tif"))[0])
    tifffile.imwrite(tmp_path / "film.tif", np.stack([0 * grey, grey]), imagej=True, metadata={"axes": "TYX"})
    segmented([tmp_path / "film.tif"], images, tmp_path, Settings(choice=Choice(time=0)))
    with pytest.raises(GrdError, match=r"expected labels of film\.tif --time 1, found those of film\.tif --time 0"):
        segmented([tmp_path / "film.tif"], images, tmp_path, Settings(choice=Choice(time=1), skip_existing=True))


@pytest.mark.parametrize("kind", ["tif", "zarr"])
def test_labels_of_another_image_of_the_same_name_are_neither_kept_nor_replaced(images, tmp_path, kind):
    files = [tmp_path / plate / "a.tif" for plate in ("A", "B", "moved")]
    first, second = sorted(images.glob("*.tif"))[:2]
    for file, source in zip(files, (first, second, first), strict=True):
        file.parent.mkdir()
        shutil.copy(source, file)
    outputs = Outputs(tmp_path / "out", table=True, zarr=kind == "zarr")
    list(segment_files(files[:1], images / "model.pt", outputs, CPU))
    refused = r"a-labels\.(tif|zarr): expected labels of .*B.a\.tif, found those of another image of this name, or of this"
    for keep in (True, False):
        with pytest.raises(GrdError, match=refused):
            list(segment_files(files[1:2], images / "model.pt", outputs, CPU, Settings(skip_existing=keep)))
    for said in (Settings(skip_existing=True), USUAL, Settings(choice=Choice(channel=0))):  # of a folder that was moved
        list(segment_files(files[2:], images / "model.pt", outputs, CPU, said))


@pytest.mark.parametrize("kind", ["tif", "zarr"])
def test_labels_of_an_image_whose_values_a_computer_may_decode_its_own_way_are_known_by_its_file(images, tmp_path, kind):
    grey = eight_bits(sorted(images.glob("*.tif"))[0])
    Image.fromarray(grey).save(tmp_path / "a.jpg")
    outputs = Outputs(tmp_path / "out", zarr=kind == "zarr")
    for said in (USUAL, USUAL, Settings(skip_existing=True)):
        (line,) = segment_files([tmp_path / "a.jpg"], images / "model.pt", outputs, CPU, said)
    assert line.endswith("exists, skipped")
    with pytest.raises(GrdError, match=r"expected labels of a\.jpg --channel 0, found those of a\.jpg; say"):
        list(segment_files([tmp_path / "a.jpg"], images / "model.pt", outputs, CPU, replace(said, choice=Choice(channel=0))))
    Image.fromarray(grey[::-1]).save(tmp_path / "a.jpg")
    for keep in (True, False):
        with pytest.raises(GrdError, match=r"expected labels of .*a\.jpg, found those of another image of this name, or of this"):
            list(segment_files([tmp_path / "a.jpg"], images / "model.pt", outputs, CPU, Settings(skip_existing=keep)))


def test_files_of_earlier_labels_that_are_not_made_again_are_warned_of(images, tmp_path, caplog):
    file = sorted(images.glob("*.tif"))[0]
    segmented([file], images, tmp_path / "out", table=True, outlines=True)
    assert "earlier labels" not in caplog.text
    segmented([file], images, tmp_path / "out", table=True)
    assert f"{file.stem}.geojson: of earlier labels, which are replaced; delete it, or call with --geojson" in caplog.text
    assert f"{file.stem}.csv: of earlier" not in caplog.text


def test_the_checksum_of_an_image_is_that_of_its_values_however_they_are_stored(tmp_path, monkeypatch):
    values = np.random.default_rng(0).integers(0, 9000, (2, 3, 40, 50)).astype(np.uint16)
    zarr.create_array(tmp_path / "a.zarr", data=values, chunks=(1, 2, 7, 50))
    for piece in (origin.PIECE, 99):
        monkeypatch.setattr(origin, "PIECE", piece)
        known = origin.checksum(values)
        assert {origin.checksum(values.astype(">u2")), origin.checksum(zarr.open_array(tmp_path / "a.zarr"))} == {known}
        assert known not in {origin.checksum(each) for each in (values + np.uint16(1), values.reshape(3, 2, 40, 50), values[0])}
    shapes = ((6,), (2, 3), (3, 2), (1, 2, 3), (0, 3), (5, 0))
    assert len({origin.checksum(np.full(shape, 7)) for shape in shapes}) == 6
    assert origin.checksum(values) == origin.checksum(values.astype(np.int32))  # readers differ in the type of 16-bit PNG
    many = np.zeros((20, 2, 8, 8), np.uint8)
    assert len({origin.checksum(np.where(np.arange(20)[:, None, None, None] == n, 1, many)) for n in range(20)}) == 20


@pytest.mark.parametrize("count", [3, 4])
def test_a_corrected_stack_of_few_moments_is_no_colour_image(images, tmp_path, count):
    grey = tifffile.imread(sorted(images.glob("*.tif"))[0])
    labels = np.zeros((count, *grey.shape), np.uint16)
    tifffile.imwrite(tmp_path / "film.tif", np.stack([grey] * count), imagej=True, metadata={"axes": "TYX"})
    labels[:, :2, :3], labels[-1, 9:12, 9:12] = 500, 3
    tifffile.imwrite(tmp_path / "film-labels.tif", labels, photometric="rgb", planarconfig="separate")  # as tifffile does unasked
    outputs = Outputs(tmp_path, table=True)
    (line,) = segment_files([tmp_path / "film.tif"], images / "model.pt", outputs, CPU, Settings(skip_existing=True))
    assert line.endswith(f"exists, {count} images, {count + 1} objects")
    table = pd.read_csv(tmp_path / "film.csv")
    assert table[["time", "label", "area"]].to_numpy().tolist()[-2:] == [[count - 1, 3, 9], [count - 1, 500, 6]]


def test_the_picture_of_a_stack_is_no_older_than_its_labels(images, tmp_path):
    grey = tifffile.imread(sorted(images.glob("*.tif"))[0])
    tifffile.imwrite(tmp_path / "film.tif", np.stack([grey] * 2), imagej=True, metadata={"axes": "TYX"})
    outputs = Outputs(tmp_path, overlay=True, table=True)
    list(segment_files([tmp_path / "film.tif"], images / "model.pt", outputs, CPU))
    assert outputs.is_complete(tmp_path / "film.tif")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.array([["a", "b"]] * 3), "expected grey values, found <U1"),
        (np.ones((9, 9), complex), "expected grey values, found complex128"),
        (np.float32(3), "expected an image, found a single number"),
        (np.zeros((5, 0), np.uint8), r"expected pixels, found shape \(5, 0\)"),
    ],
)
def test_what_is_no_image_is_one_sentence(images, tmp_path, values, sentence):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(GrdError, match=rf"a\.npy: {sentence}"):
        segmented([tmp_path / "a.npy"], images, tmp_path)


def test_a_jpeg_is_warned_of(images, tmp_path, caplog):
    grey = eight_bits(sorted(images.glob("*.tif"))[0])
    Image.fromarray(grey).save(tmp_path / "a.jpg")
    segmented([tmp_path / "a.jpg"], images, tmp_path)
    assert "a.jpg: compressed as JPEG or alike, whose blocks can become objects" in caplog.text


def test_names_of_channels_that_do_not_fit_are_left_out(images, tmp_path):
    grey = eight_bits(sorted(images.glob("*.tif"))[0])
    said = {"axes": "YXS", "Channel": {"Name": ["RGB"]}}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.dstack([grey] * 3), photometric="rgb", metadata=said)
    segmented([tmp_path / "a.ome.tif"], images, tmp_path, table=True)
    assert "mean_intensity_3" in pd.read_csv(tmp_path / "a.csv")


def test_names_of_files_need_not_be_unicode(images, tmp_path):
    file = tmp_path / "Z\udce4hlung.tif"  # as on disks on which names are Latin-1
    try:
        shutil.copy(sorted(images.glob("*.tif"))[0], file)
    except OSError:
        pytest.skip("this file system has Unicode names only")
    segmented([file], images, tmp_path, table=True)
    assert pd.read_csv(tmp_path / "all-objects.csv")["image"].unique().tolist() == ["Z\\udce4hlung"]


def test_colours_are_refused_by_a_model_of_grey_images_unless_they_are_equal(images, tmp_path):
    grey = tifffile.imread(sorted(images.glob("*.tif"))[0])
    for name, weights in (("equal", (0.25, 0.25, 0.25)), ("blue", (0, 0, 0.25))):  # a dark one is stretched, as grey ones are
        colours = (grey[..., None] * np.array(weights)).astype(np.uint8)
        tifffile.imwrite(tmp_path / f"{name}.tif", colours, photometric="rgb")
    tifffile.imwrite(tmp_path / "grey.tif", (grey * 0.25).astype(np.uint8))
    files = [tmp_path / name for name in ("grey.tif", "equal.tif")]
    of_grey, of_equal = segmented(files, images, tmp_path / "out")
    assert np.array_equal(of_grey, of_equal) and of_grey.any()
    with pytest.raises(GrdError, match=r"blue\.tif: expected a grey image, as the model learnt, found colours; .*--channel 0"):
        segmented([tmp_path / "blue.tif"], images, tmp_path / "out")
    (of_channel,) = segmented([tmp_path / "blue.tif"], images, tmp_path / "out", Settings(choice=Choice(channel=2)))
    assert np.array_equal(of_channel, of_grey)


def test_outlines_of_stacks_and_volumes_are_refused_before_any_work(images, volumes, tmp_path, monkeypatch):
    monkeypatch.setattr("grd.apply.segment.segment_sample", lambda *_: pytest.fail("segmented"))
    file = sorted(images.glob("*.tif"))[0]
    tifffile.imwrite(tmp_path / "film.tif", np.stack([tifffile.imread(file)] * 2), imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(GrdError, match=r"found a stack, .*; choose one image with --time"):
        segmented([tmp_path / "film.tif"], images, tmp_path / "a", outlines=True)
    with pytest.raises(GrdError, match=r"found a volume, .*; leave out --geojson"):
        segmented(sorted(volumes.glob("*.tif")), volumes, tmp_path / "b", outlines=True)


def test_an_image_whose_table_would_be_that_of_all_is_refused(images, tmp_path):
    with pytest.raises(GrdError, match=r"all-objects\.tif: expected another name, found that of the table of all images"):
        segmented([tmp_path / "all-objects.tif"], images, tmp_path, table=True)


def test_files_of_the_system_that_are_in_the_way_are_named_and_the_others_are_done(images, tmp_path, caplog):
    first, second = sorted(images.glob("*.tif"))[:2]
    (tmp_path / f"{first.stem}.csv").mkdir()
    with pytest.raises(GrdError, match=f"{first.name}: expected 2 files that can be segmented, found 1 that cannot"):
        segmented([first, second], images, tmp_path, table=True)
    assert "expected to read or write this file, found: " in caplog.text
    assert len(pd.read_csv(tmp_path / "all-objects.csv")["image"].unique()) == 1


def test_limits_of_size_count_pixels_of_the_file_whatever_it_is_resized_to(images, tmp_path):
    file = sorted(images.glob("*.tif"))[:1]
    for scale in (0.5, 2.0):
        (labels,) = segmented(file, images, tmp_path / str(scale), Settings(changes={"min_size": 60}, scale=scale))
        sizes = np.bincount(labels.ravel())[1:]
        assert sizes.size and sizes.min() > 45, sizes  # resizing moves outlines
    work = Work.begin(images / "model.pt", CPU, Settings(changes={"min_size": 60, "max_size": 400}, scale=0.5))
    assert (work.segmenter.min_size, work.segmenter.max_size) == (15, 100)


def test_a_limit_of_size_keeps_the_learned_background(images, tmp_path):
    file = sorted(images.glob("*.tif"))[:1]
    (usual,) = segmented(file, images, tmp_path / "a")
    (same,) = segmented(file, images, tmp_path / "b", Settings(changes={"max_size": 64 * 64}))
    np.testing.assert_array_equal(same, usual)
    most = int(np.bincount(usual.ravel())[1:].max()) - 1
    (fewer,) = segmented(file, images, tmp_path / "c", Settings(changes={"max_size": most}))
    assert 0 < np.unique(fewer).size < np.unique(usual).size


def test_numbers_are_consecutive_if_objects_vanish_when_labels_shrink():
    labels = np.zeros((8, 8), np.int32)
    labels[0, 0], labels[:, 4:] = 1, 2
    assert np.unique(resize_labels(labels, (2, 2))).tolist() == [0, 1]


def test_images_of_booleans_are_segmented_with_all_outputs(images, tmp_path):
    source = tifffile.imread(sorted(images.glob("*.tif"))[0])
    np.save(tmp_path / "b.npy", source > 128)
    said = Settings(percentiles=(0, 100))
    (labels,) = segmented([tmp_path / "b.npy"], images, tmp_path / "a", said, overlay=True, table=True)
    assert labels.max() and pd.read_csv(tmp_path / "a/b.csv")["mean_intensity"].between(0, 1).all()


def test_what_this_command_wrote_is_no_image(images, tmp_path, caplog):
    file = next(images.glob("*.tif"))
    segmented([file], images, tmp_path)
    wrote = Outputs(tmp_path).labels(file)
    list(segment_files([file, wrote], images / "model.pt", Outputs(tmp_path), CPU))
    assert "left out, since by its name this command wrote it" in caplog.text
    with pytest.raises(GrdError, match="expected images, found only files that this command wrote"):
        segmented([wrote], images, tmp_path)


def test_overlay_tables_and_outlines_are_written_beside_the_labels(images, tmp_path):
    files = sorted(images.glob("*.tif"))[:2]
    labels = segmented(files, images, tmp_path, overlay=True, table=True, outlines=True)
    tables = [pd.read_csv(tmp_path / f"{path.stem}.csv") for path in files]
    for path, table, each in zip(files, tables, labels, strict=True):
        assert len(table) == each.max()
        assert table["area"].sum() == (each > 0).sum()
        total = tifffile.imread(path)[each > 0].sum(dtype=float)
        assert table["integrated_intensity"].sum() == pytest.approx(total)  # of the file's own grey values
        assert (tmp_path / f"{path.stem}-overlay.png").exists()
        assert len(json.loads((tmp_path / f"{path.stem}.geojson").read_text())["features"]) == each.max()
    assert len(pd.read_csv(tmp_path / "all-objects.csv")) == sum(map(len, tables))


def test_an_image_of_larger_objects_is_reduced_to_what_the_model_learnt(images, tmp_path):
    file = next(images.glob("*.tif"))
    picture = tifffile.imread(file)
    (usual,) = segmented([file], images, tmp_path / "a")
    tifffile.imwrite(tmp_path / "large.tif", np.kron(picture, np.ones((3, 3), picture.dtype)))
    for said in (Settings(scale=1 / 3), Settings(diameter=3 * diameter(images))):
        (found,) = segmented([tmp_path / "large.tif"], images, tmp_path / "b", said)
        assert found.shape == tuple(3 * side for side in picture.shape)
        assert score_instances(found[1::3, 1::3], usual)["pq"] > 0.9
    with pytest.raises(GrdError, match="expected a model of images, found one of volumes"):
        factor_of(Settings(scale=2.0), 100, 3)


@pytest.mark.parametrize(("large", "scale", "warned"), [(1, 2.0, True), (1, 0.5, False), (0.9, 0.5, True)])
def test_an_image_that_is_large_before_or_after_it_is_resized_is_warned_of(
    images, tmp_path, monkeypatch, caplog, large, scale, warned
):
    file = next(images.glob("*.tif"))
    monkeypatch.setattr("grd.apply.large.LARGE", {2: large * tifffile.imread(file).size, 3: 0})
    segmented([file], images, tmp_path, Settings(scale=scale))
    assert ("resized as a whole, not in blocks, which takes much memory" in caplog.text) == warned


def diameter(folder):
    _, card = load_model(folder / "model.pt", CPU)
    return 2 * np.sqrt(card.use.object_size / np.pi)


def test_a_large_image_is_segmented_in_blocks_on_the_disk(images, tmp_path, monkeypatch):
    file = next(images.glob("*.tif"))
    (usual,) = segmented([file], images, tmp_path / "a")
    monkeypatch.setattr("grd.apply.large.LARGE", {2: 0, 3: 0})
    (found,) = segmented([file], images, tmp_path / "b")
    assert score_instances(found, usual)["pq"] > 0.95
    assert [path.name for path in (tmp_path / "b").iterdir()] == [f"{file.stem}-labels.tif"]  # no scratch file stays


def test_a_label_image_is_warned_of(images, tmp_path, caplog):
    labels = np.kron(np.arange(1, 17, dtype=np.uint16).reshape(4, 4), np.ones((32, 32), np.uint16))
    tifffile.imwrite(tmp_path / "x.tif", labels)
    segmented([tmp_path / "x.tif"], images, tmp_path / "a")
    assert "x.tif: it looks like a label image" in caplog.text


def test_a_call_that_resumes_joins_the_tables_of_all_images(images, tmp_path):
    first, second = sorted(images.glob("*.tif"))[:2]
    segmented([first], images, tmp_path, table=True)
    segmented([first, second], images, tmp_path, Settings(skip_existing=True), table=True)
    assert pd.read_csv(tmp_path / "all-objects.csv")["image"].unique().tolist() == [first.stem, second.stem]


@pytest.mark.parametrize("said", [Settings(diameter=0.5), Settings(diameter=1e4), Settings(scale=9.0)])
def test_a_size_that_would_enlarge_or_reduce_an_image_beyond_reason_is_refused(said):
    with pytest.raises(GrdError, match=r"expected a factor from 1/8 to 8, found .*; the model learnt objects 11 pixels wide"):
        factor_of(said, 100, 2)


def test_an_image_that_a_speck_darkens_is_warned_of(caplog):
    dim = np.full((100, 100), 5, np.uint8)
    warn_of_specks(dim, "a.tif")
    assert not caplog.records
    dim[0, 0] = 255
    warn_of_specks(dim, "a.tif")
    assert "a.tif: a few pixels are much brighter than all others, which become dark; try --percentiles 0 99.9" in caplog.text
