"""Users' own images and masks, however they lie in folders, are samples."""

import re
import unicodedata

import numpy as np
import pytest
import tifffile
from PIL import Image

from grd.config.datasets import Folder
from grd.data.readers.folder import find_pairs, read_pair
from grd.errors import GrdError

GREY = np.arange(48, dtype=np.uint16).reshape(6, 8)
LABELS = np.zeros((6, 8), np.uint8)
LABELS[:2, :3], LABELS[4:, 5:] = 7, 2
ONE = np.where(LABELS == 7, 255, 0).astype(np.uint8)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, array, photometric="minisblack")
    else:
        Image.fromarray(array).save(path)
    return path


def settings(**changes):
    return Folder(images=".", masks=".", files="list.json", **changes)


def samples(pairs, **changes):
    return [sample for name, pair in pairs.items() for sample in read_pair(name, pair, settings(**changes))]


def test_files_pair_by_name_without_what_says_that_they_are_masks(tmp_path):
    for name in ("a2", "a10_img", "b.ome", "c_raw", "d_image"):
        write(tmp_path / f"images/{name}.tif", GREY)
    for name in ("a2_mask.png", "a10-labels.png", "b.png", "c_raw.png", "d_image_mask.png"):
        write(tmp_path / f"masks/{name}", LABELS)
    pairs = find_pairs(tmp_path / "images", tmp_path / "masks")
    assert list(pairs) == ["a2", "a10", "b", "c", "d"]
    assert [path.name for path in pairs["a10"]] == ["a10_img.tif", "a10-labels.png"]
    [first, *_] = samples(pairs)
    assert first.name == "a2" and np.array_equal(first.image, GREY) and first.image.dtype == np.uint16
    assert np.array_equal(first.labels, np.select([LABELS == 2, LABELS == 7], [1, 2]))


def test_one_folder_may_hold_images_and_masks(tmp_path):
    for name, mask in (("000", "000_masks"), ("001", "001_img_cp_masks")):
        write(tmp_path / f"{name}_img.png", GREY.astype(np.uint8))
        write(tmp_path / f"{mask}.png", LABELS)
    pairs = find_pairs(tmp_path, tmp_path)
    assert {name: [path.name for path in pair] for name, pair in pairs.items()} == {
        "000": ["000_img.png", "000_masks.png"],
        "001": ["001_img.png", "001_img_cp_masks.png"],
    }


@pytest.mark.parametrize("place", ["stage1_train/{name}/masks", "masks/{name}", "masks/{name}_raw"])
def test_a_folder_of_objects_is_a_mask_whose_smaller_objects_lie_on_top(tmp_path, place, caplog):
    masks = tmp_path / place.format(name="ab12")
    large, small = np.zeros((6, 8), np.uint8), np.zeros((6, 8), np.uint8)
    large[:4], small[3:, :2] = 255, 1
    large[5, 7] = 255  # objects may have several pieces
    write(masks / "1.png", large)
    write(masks / "2.png", small)
    write(tmp_path / "stage1_train/ab12/images/ab12.png", np.dstack([GREY.astype(np.uint8)] * 4))
    images = tmp_path / "stage1_train"
    [sample] = samples(find_pairs(images, images if "stage1" in place else tmp_path / "masks"))
    expected = np.zeros((6, 8), int)
    expected[:4], expected[5, 7], expected[3:, :2] = 1, 1, 2
    assert not caplog.text
    assert sample.name == "ab12" and sample.image.shape == (6, 8, 3)
    assert np.array_equal(sample.labels, expected)


def test_what_lies_beside_folders_of_samples_is_left_out_with_a_warning(tmp_path, caplog):
    for inner in ("a/images/a.png", "a/masks/1.png", "b/image/b.png", "b/mask/1.png", "loose.png"):
        write(tmp_path / inner, LABELS)
    (tmp_path / "notes.txt").touch()
    assert list(find_pairs(tmp_path, tmp_path)) == ["a"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: left out b, loose.png: only folders with a folder images in them, such as a, are read"
    ]


@pytest.mark.parametrize("mask", ["{}_mask.png", "{}/1.png"])
def test_names_pair_however_their_accents_are_stored(tmp_path, mask):
    composed, apart = (unicodedata.normalize(form, "Zählung") for form in ("NFC", "NFD"))
    write(tmp_path / f"images/{composed}.png", LABELS)
    write(tmp_path / "masks" / mask.format(apart), LABELS)
    assert list(find_pairs(tmp_path / "images", tmp_path / "masks")) == [composed]


def test_volumes_are_pairs_of_files(tmp_path):
    volume = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    write(tmp_path / "raw/v.tif", volume)
    write(tmp_path / "truth/v-labels.tif", (volume // 40 + 4).astype(np.uint16))
    [sample] = samples(find_pairs(tmp_path / "raw", tmp_path / "truth"), volumes=True)
    assert np.array_equal(sample.image, volume) and np.array_equal(sample.labels, volume // 40 + 1)


def test_a_stack_of_images_is_a_sample_for_each_and_a_channel_can_be_chosen(tmp_path):
    film = np.stack([np.stack([GREY, GREY + 100]), np.stack([GREY + 1, GREY + 101])])
    write(tmp_path / "images/film.tif", film)
    write(tmp_path / "masks/film.tif", np.stack([LABELS, LABELS[::-1]]))
    found = samples(find_pairs(tmp_path / "images", tmp_path / "masks"), axes="TCYX", channel=1)
    assert [sample.name for sample in found] == ["film:0", "film:1"]
    assert np.array_equal(found[1].image, GREY + 101) and np.array_equal(found[1].labels > 0, LABELS[::-1] > 0)


def test_an_image_without_objects_is_a_sample_too(tmp_path):
    pair = write(tmp_path / "a.tif", GREY), write(tmp_path / "a_mask.tif", np.zeros_like(LABELS))
    [sample] = read_pair("a", pair, settings())
    assert not sample.labels.any()


@pytest.mark.parametrize(
    ("images", "masks", "fault"),
    [
        (("a.tif", "b.tif"), ("a.tif",), "masks: expected an image and a mask of each of 2 names, found one of the two for b;"),
        (
            ("a.tif",),
            ("a.tif", "c_gt.tif"),
            "images: expected an image and a mask of each of 2 names, found one of the two for c;",
        ),
        (("a.tif", "a.png"), ("a.tif",), "images: expected one file for a, found a.png and a.tif; take one away"),
        (("a[1].tif",), ("a[1].tif",), "a[1]: expected a name without brackets and colons"),
    ],
)
def test_files_that_do_not_pair_are_named(tmp_path, images, masks, fault):
    for folder, names in (("images", images), ("masks", masks)):
        for name in names:
            write(tmp_path / folder / name, LABELS)
    with pytest.raises(GrdError, match=re.escape(fault)):
        find_pairs(tmp_path / "images", tmp_path / "masks")


def test_a_folder_that_is_none_is_refused(tmp_path):
    write(tmp_path / "a.tif", GREY)
    with pytest.raises(GrdError, match=r"a\.tif: expected a folder, found a file"):
        find_pairs(tmp_path / "a.tif", tmp_path)
    with pytest.raises(GrdError, match="masks: expected a folder, found none"):
        find_pairs(tmp_path, tmp_path / "masks")


def test_a_mask_of_another_size_or_number_than_its_image_is_refused(tmp_path):
    image = write(tmp_path / "a.tif", GREY)
    with pytest.raises(GrdError, match=r"m\.tif: expected the size \(6, 8\) of .*a\.tif, found \(8, 6\); replace one"):
        list(read_pair("a", (image, write(tmp_path / "m.tif", LABELS.T.copy())), settings()))
    with pytest.raises(GrdError, match=r"n\.tif: expected 1 images as in .*a\.tif, found 2"):
        list(read_pair("a", (image, write(tmp_path / "n.tif", np.stack([LABELS] * 2))), settings()))


def test_objects_of_one_image_have_one_size(tmp_path):
    write(tmp_path / "m/1.png", ONE)
    write(tmp_path / "m/2.png", ONE.T.copy())
    with pytest.raises(GrdError, match=r"expected objects in masks of one size, found \(6, 8\) in 1\.png and \(8, 6\) in 2\.png"):
        list(read_pair("a", (write(tmp_path / "a.tif", GREY), tmp_path / "m"), settings()))


@pytest.mark.parametrize(
    ("mask", "found"), [(np.stack([ONE, ONE[::-1]]), "2 pages"), (LABELS, "2 different numbers")], ids=["stack", "label image"]
)
def test_a_file_in_a_folder_of_objects_has_one_object(tmp_path, mask, found):
    write(tmp_path / "m/a/objects.tif", mask)
    with pytest.raises(GrdError, match=rf"objects\.tif: expected the mask of one object, .* found {found}; .* name it a\.tif"):
        list(read_pair("a", (write(tmp_path / "a.tif", GREY), tmp_path / "m/a"), settings()))


def test_masks_share_the_letters_that_name_the_images_axes(tmp_path):
    for kind, array in (("a", np.stack([GREY, GREY + 1])), ("m", np.stack([LABELS, LABELS[::-1]]))):
        tifffile.imwrite(tmp_path / f"{kind}.tif", array, imagej=True, metadata={"axes": "ZYX"})
    pair = tmp_path / "a.tif", tmp_path / "m.tif"
    with pytest.raises(GrdError, match="T in place of Z"):
        list(read_pair("a", pair, settings()))
    assert [sample.name for sample in read_pair("a", pair, settings(axes="TYX"))] == ["a:0", "a:1"]
