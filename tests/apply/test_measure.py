"""Tables of measurements have the numbers that one counts by hand."""

import numpy as np
import pandas as pd
import pytest
from skimage.measure import regionprops_table

from grd.apply import measure as module
from grd.apply.measure import join, measure, summary, write_csv
from grd.data.ids import label_counts
from grd.errors import GrdError

LABELS = np.array([[1, 1, 0, 0], [1, 0, 0, 3], [0, 0, 3, 3]], np.uint16)
IMAGE = np.array([[10, 20, 0, 0], [60, 0, 0, 1], [0, 0, 2, 6]], np.uint16)


def test_the_table_of_an_image_has_a_row_per_instance():
    table = measure(LABELS, IMAGE, pixel_size=(0.5, 2))
    assert table.to_dict("list") == {
        "label": [1, 3],
        "area": [3, 3],
        "centroid_y": [pytest.approx(1 / 3), pytest.approx(5 / 3)],
        "centroid_x": [pytest.approx(1 / 3), pytest.approx(8 / 3)],
        "bbox_y_min": [0, 1],
        "bbox_x_min": [0, 2],
        "bbox_y_max": [2, 3],
        "bbox_x_max": [2, 4],
        "mean_intensity": [30, 3],
        "integrated_intensity": [90, 9],
        "area_um2": [3, 3],
        "centroid_y_um": [pytest.approx(1 / 6), pytest.approx(5 / 6)],
        "centroid_x_um": [pytest.approx(2 / 3), pytest.approx(16 / 3)],
    }


def test_the_table_of_a_volume_has_volumes_and_z():
    labels = np.zeros((3, 4, 5), np.uint32)
    labels[1:, 2, 1:4] = 1
    table = measure(labels, labels * 2.5, pixel_size=(2, 0.5, 0.25))
    assert table.to_dict("list") == {
        "label": [1],
        "volume": [6],
        "centroid_z": [1.5],
        "centroid_y": [2],
        "centroid_x": [2],
        "bbox_z_min": [1],
        "bbox_y_min": [2],
        "bbox_x_min": [1],
        "bbox_z_max": [3],
        "bbox_y_max": [3],
        "bbox_x_max": [4],
        "mean_intensity": [2.5],
        "integrated_intensity": [15],
        "volume_um3": [1.5],
        "centroid_z_um": [3],
        "centroid_y_um": [1],
        "centroid_x_um": [0.5],
    }


def test_without_a_pixel_size_nothing_is_in_micrometres():
    assert not [name for name in measure(LABELS, IMAGE) if "um" in name]


@pytest.mark.parametrize(
    ("names", "suffixes"),
    [((), "12"), (("DAPI", "GFP"), ("DAPI", "GFP")), (("GFP", "GFP"), "12"), (("", "GFP"), "12")],
)
def test_each_channel_has_its_mean_and_sum(names, suffixes):
    table = measure(LABELS, np.stack([IMAGE, 2 * IMAGE], axis=-1), channel_names=names)
    one, other = suffixes
    assert list(table)[8:] == [f"{kind}_intensity_{name}" for name in (one, other) for kind in ("mean", "integrated")]
    assert table[f"integrated_intensity_{other}"].tolist() == [180, 18]


def test_a_single_channel_has_no_name():
    named = measure(LABELS, IMAGE[..., None], channel_names=["DAPI"])
    pd.testing.assert_frame_equal(named, measure(LABELS, IMAGE))


@pytest.mark.parametrize("shape", [(23, 31), (6, 9, 8)])
def test_numbers_are_those_of_scikit_image(monkeypatch, shape):
    monkeypatch.setattr(module, "BLOCK", 50)  # sums over several blocks
    random = np.random.default_rng(0)
    labels, image = random.integers(0, 9, shape), random.normal(size=shape)
    table = measure(labels, image)
    wanted = regionprops_table(labels, image, properties=("label", "area", "centroid", "bbox", "intensity_mean"))
    np.testing.assert_allclose(table.iloc[:, :-1], np.stack(list(wanted.values()), axis=1))


def test_sums_of_whole_numbers_are_exact():
    labels, image = np.ones((300, 300), int), np.full((300, 300), 2**32 - 1, np.uint32)
    image[7, 7] -= 1
    assert int(measure(labels, image)["integrated_intensity"][0]) == 90000 * (2**32 - 1) - 1


def test_numbers_far_apart_cost_no_memory():
    labels = np.where(LABELS == 3, 2**40, LABELS.astype(np.int64))
    table = measure(labels, IMAGE)
    assert table["label"].tolist() == [1, 2**40]
    pd.testing.assert_frame_equal(table.iloc[:, 1:], measure(LABELS, IMAGE).iloc[:, 1:])
    assert measure(np.full((2, 2), 2**40), np.ones((2, 2)))["area"].tolist() == [4]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_labels_may_have_any_integer_type(dtype):
    pd.testing.assert_frame_equal(measure(LABELS.astype(dtype), IMAGE), measure(LABELS, IMAGE))


def test_an_image_without_instances_has_the_columns_alone():
    table, full = measure(np.zeros_like(LABELS), IMAGE, (1, 1)), measure(LABELS, IMAGE, (1, 1))
    assert table.empty
    assert list(table) == list(full)
    assert join({"a.tif": table, "b.tif": full})["image"].tolist() == ["b.tif"] * 2


@pytest.mark.parametrize(
    ("labels", "image", "options", "message"),
    [
        (LABELS, IMAGE[1:], {}, r"the labels' size \(3, 4\), found \(2, 4\)"),
        (LABELS, IMAGE, {"pixel_size": (1,)}, "for each of 2 axes, found 1"),
        (LABELS, IMAGE, {"pixel_size": (0, 1)}, "above 0 for each of 2 axes, found 0, 1"),
        (LABELS, IMAGE, {"channel_names": ["a", "b"]}, r"a name for each of 1 channel\(s\), found 2"),
        (LABELS - 2.0, IMAGE, {}, "whole numbers from 0 on"),
        (LABELS.astype(int) - 2, IMAGE, {}, "smallest -2"),
    ],
)
def test_what_does_not_fit_is_refused(labels, image, options, message):
    with pytest.raises(GrdError, match=message):
        measure(labels, image, **options)


def test_one_file_holds_all_images_and_their_names(tmp_path):
    tables = {"a.tif": measure(LABELS, IMAGE), "b.tif": measure(LABELS[:2], IMAGE[:2], (1, 1))}
    write_csv(tmp_path / "all.csv", join(tables))
    found = pd.read_csv(tmp_path / "all.csv")
    assert list(found)[:3] == ["image", "label", "area"]
    assert found["image"].tolist() == ["a.tif", "a.tif", "b.tif", "b.tif"]
    assert found["area"].tolist() == [3, 3, 3, 1]
    assert found["area_um2"].isna().tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("labels", "pixel_size", "text"),
    [
        (LABELS, None, "2 objects, median area 3 pixels"),
        (LABELS[:2], (0.325, 0.325), "2 objects, median area 2 pixels (0.211 µm²)"),
        (np.array([[[4, 4, 7]]]), (10, 100, 20), "2 objects, median volume 1.5 voxels (30000 µm³)"),
        (LABELS[:1], None, "1 object, median area 2 pixels"),
        (0 * LABELS, (1, 1), "no objects"),
    ],
)
def test_the_summary_is_the_number_and_the_median_size(labels, pixel_size, text):
    assert summary(labels, pixel_size) == text


def test_labels_are_counted_part_by_part(monkeypatch):
    monkeypatch.setattr("grd.data.ids.BLOCK", 7)
    labels = np.random.default_rng(0).integers(0, 5, (6, 5))
    assert label_counts(labels, 4).tolist() == np.bincount(labels.ravel(), minlength=5).tolist()
