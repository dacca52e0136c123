from pathlib import Path

import minis
import numpy as np
import pytest

from grd.data import readers
from grd.data.archives import zips
from grd.data.ids import relabel_consecutive
from grd.data.readers.bbbc039 import EMPTY, instances
from grd.data.readers.celegans import flatten
from grd.data.readers.images import image_sample
from grd.errors import GrdError

BLANK = np.zeros((6, 8), np.uint8)


def masks_of(name):
    return {
        "cvppp": ("plant002_label.png", "plant002_rgb.png"),
        "celegans": ("A02_01_ground_truth.png", "x_A02_w2_0A-1B.tif"),
        "bbbc039": (f"masks/{minis.NUCLEI[1]}.png", f"images/{minis.NUCLEI[1]}.tif"),
    }[name]


@pytest.mark.parametrize("dataset", minis.MAKERS)
def test_a_reader_yields_every_sample_in_the_order_of_the_names(tmp_path, dataset):
    samples = list(readers.read(dataset, minis.MAKERS[dataset](tmp_path)))
    expected = {"cvppp": minis.PLANTS, "celegans": minis.WELLS, "bbbc039": minis.NUCLEI}[dataset]
    assert [sample.name for sample in samples] == list(expected)
    assert {sample.image.shape[:2] for sample in samples} == {(6, 8)}


def test_a_data_set_without_a_reader_is_refused():
    with pytest.raises(GrdError, match="expected a reader of c_elegans in READERS, found none; add one"):
        readers.read("c_elegans", {})


def test_palette_labels_are_read_by_index_and_their_ids_closed_up(tmp_path):
    sample = next(readers.read("cvppp", minis.cvppp(tmp_path)))
    expected = np.zeros((6, 8), int)
    expected[:2], expected[4:] = 2, 1  # the indices 7 and 2, which share one colour
    assert np.array_equal(sample.labels, expected)


def test_the_alpha_channel_of_a_plant_is_dropped(tmp_path):
    sample = next(readers.read("cvppp", minis.cvppp(tmp_path)))
    assert sample.image.shape == (6, 8, 3) and sample.image.dtype == np.uint8


def test_a_plant_without_alpha_is_read_alike(tmp_path):
    changes = {"plant001_rgb.png": minis.encode(np.full((6, 8, 3), 50, np.uint8))}
    assert (next(readers.read("cvppp", minis.cvppp(tmp_path, changes=changes))).image == 50).all()


@pytest.mark.parametrize(("end", "array"), [("plant001_rgb.png", BLANK), ("plant001_label.png", np.ones((6, 8, 3), np.uint8))])
def test_a_plant_in_a_wrong_colour_mode_is_refused(tmp_path, end, array):
    with pytest.raises(GrdError, match="plant001"):
        list(readers.read("cvppp", minis.cvppp(tmp_path, changes={end: minis.encode(array)})))


def test_worms_are_read_with_the_brightfield_channel(tmp_path):
    sample = next(readers.read("celegans", minis.celegans(tmp_path)))
    assert np.array_equal(sample.image, minis.ramp()) and sample.image.dtype == np.uint16


def test_of_overlapping_worms_the_smaller_lies_on_top():
    long, short = np.zeros((3, 4), bool), np.zeros((3, 4), bool)
    long[1, :], short[:, 2] = True, True
    assert flatten([long, short]).tolist() == [[0, 0, 2, 0], [1, 1, 2, 1], [0, 0, 2, 0]]
    assert flatten([short, long]).tolist() == [[0, 0, 1, 0], [2, 2, 1, 2], [0, 0, 1, 0]]


def test_of_equally_large_worms_the_one_of_the_lower_number_lies_on_top():
    one, two = np.eye(3, dtype=bool), np.eye(3, dtype=bool)[::-1]
    assert flatten([one, two]).tolist() == [[1, 0, 2], [0, 1, 0], [2, 0, 1]]


def test_a_worm_hidden_by_others_leaves_no_gap_in_the_ids():
    below, left, right = (np.array([row], bool) for row in ([1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]))
    assert relabel_consecutive(flatten([below, left, right])).tolist() == [[1, 1, 2, 2]]


def test_an_empty_worm_is_refused(tmp_path):
    with pytest.raises(GrdError, match=r"A02_01_ground_truth\.png .* found an empty mask"):
        list(readers.read("celegans", minis.celegans(tmp_path, changes={"A02_01_ground_truth.png": minis.encode(BLANK)})))


def test_nuclei_are_the_four_connected_components_of_each_colour():
    colouring = np.array([[1, 2, 0, 1], [1, 2, 1, 0], [0, 0, 0, 3]])
    assert instances(colouring).tolist() == [[1, 2, 0, 3], [1, 2, 4, 0], [0, 0, 0, 5]]


def test_the_colouring_is_the_red_channel():
    red = np.array([[1, 0, 1]], np.uint8)
    assert instances(minis.rgba(red)).tolist() == [[1, 0, 2]]


def test_nuclei_of_one_pixel_are_kept(tmp_path):
    lone = BLANK.copy()
    lone[3, 3] = 1
    archives = minis.bbbc039(tmp_path, changes={f"masks/{minis.NUCLEI[0]}.png": minis.encode(minis.rgba(lone))})
    assert next(readers.read("bbbc039", archives)).labels.sum() == 1


def test_an_image_known_to_have_no_nucleus_has_no_ids(tmp_path):
    name = min(EMPTY)
    changes = {f"masks/{name}.png": minis.encode(minis.rgba(BLANK))}
    (sample,) = readers.read("bbbc039", minis.bbbc039(tmp_path, (name,), changes))
    assert not sample.labels.any()


@pytest.mark.parametrize("dataset", ["cvppp", "bbbc039"])
def test_an_empty_mask_is_refused(tmp_path, dataset):
    blank = minis.encode(minis.rgba(BLANK) if dataset == "bbbc039" else BLANK)
    with pytest.raises(GrdError, match="found an empty mask"):
        list(readers.read(dataset, minis.MAKERS[dataset](tmp_path, changes={masks_of(dataset)[0]: blank})))


@pytest.mark.parametrize("dataset", minis.MAKERS)
@pytest.mark.parametrize("what", ["mask", "image"])
def test_a_missing_half_of_a_pair_is_refused_or_left_out(tmp_path, dataset, what):
    mask, image = masks_of(dataset)
    dropped = {mask: None, "A02_02_ground_truth.png": None} if what == "mask" else {image: None}
    archives = minis.MAKERS[dataset](tmp_path, changes=dropped)
    with pytest.raises(GrdError, match=rf"no {what} for .*02.*allow_missing: \[{dataset}\]"):
        list(readers.read(dataset, archives))
    assert len(list(readers.read(dataset, archives, allow_missing=True))) == 2


@pytest.mark.parametrize("dataset", minis.MAKERS)
@pytest.mark.parametrize("which", [0, 1])
def test_a_truncated_image_is_named(tmp_path, dataset, which):
    end = masks_of(dataset)[which]
    size = (60, 80)
    whole = minis.encode(np.random.default_rng(0).integers(0, 255, size).astype(np.uint16), "TIFF")
    cut = whole[: len(whole) // 2] if end.endswith("tif") else minis.encode(np.ones(size, np.uint8))[:60]
    with pytest.raises(GrdError, match=f"{end.rsplit('/')[-1]}, found a damaged one"):
        list(readers.read(dataset, minis.MAKERS[dataset](tmp_path, changes={end: cut}, size=size)))


@pytest.mark.parametrize("dataset", minis.MAKERS)
def test_an_image_and_a_mask_of_different_sizes_are_refused(tmp_path, dataset):
    end = masks_of(dataset)[1]
    other = minis.encode(np.zeros((5, 8, 3), np.uint8)) if dataset == "cvppp" else minis.encode(minis.ramp((5, 8)), "TIFF")
    with pytest.raises(GrdError, match=r"found \(5, 8\) and \(6, 8\)"):
        list(readers.read(dataset, minis.MAKERS[dataset](tmp_path, changes={end: other})))


def test_worms_of_different_sizes_are_refused(tmp_path):
    changes = {"A02_02_ground_truth.png": minis.encode(np.ones((5, 8), np.uint8))}
    with pytest.raises(GrdError, match="A02_02"):
        list(readers.read("celegans", minis.celegans(tmp_path, changes=changes)))


def test_two_members_for_one_sample_are_refused(tmp_path):
    path = minis.write_zip(tmp_path / "two.zip", {"a/A1/plant001_rgb.png": b"", "b/A1/plant001_rgb.png": b""})
    with zips.open_file(path) as file, pytest.raises(GrdError, match=r"a/A1/plant001_rgb\.png and b/A1"):
        zips.members(file, r"A1/(plant\d{3})_rgb\.png$")


def test_a_damaged_zip_is_named(tmp_path):
    path = tmp_path / "images.zip"
    path.write_bytes(b"PK but no zip")
    with pytest.raises(GrdError, match=r"images\.zip: expected a readable zip"), zips.open_file(path):
        pass


def test_a_zip_with_damaged_contents_is_named(tmp_path):
    archives = minis.cvppp(tmp_path)
    path = next(iter(archives.values()))
    content = bytearray(path.read_bytes())
    at = content.find(b"IDAT")
    content[at + 4 : at + 8] = b"\0\0\0\0"
    path.write_bytes(content)
    with pytest.raises(GrdError, match=r"plant001_rgb\.png, found a damaged one"):
        list(readers.read("cvppp", archives))


def test_ids_become_consecutive_with_and_without_background():
    assert relabel_consecutive(np.array([[0, 5, 300]])).tolist() == [[0, 1, 2]]
    assert relabel_consecutive(np.array([[5, 300, 5]])).tolist() == [[1, 2, 1]]


def test_an_image_with_more_instances_than_labels_can_number_is_refused():
    labels = np.arange(1, 65_537).reshape(256, 256)
    image_sample("a", np.zeros_like(labels), labels - 1, Path("archive"))
    with pytest.raises(GrdError, match="archive: expected at most 65535 instances in the mask of a, found 65536; cut"):
        image_sample("a", np.zeros_like(labels), labels, Path("archive"))
