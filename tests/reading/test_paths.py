"""Folders and patterns mean the images in them, in the order in which people count."""

import unicodedata

import pytest

from grd.errors import GrdError
from grd.reading.paths import ALL_ENDS, LABEL_ENDS, expand, files_by_name, output_name


@pytest.fixture
def folder(tmp_path):
    for name in ("a10.tif", "a2.TIF", "b.png", "notes.txt", ".hidden.tif"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "c.zarr").mkdir()
    return tmp_path


def names(paths):
    return [path.name for path in paths]


def test_a_folder_means_its_images(folder):
    assert names(expand([folder])) == ["a2.TIF", "a10.tif", "b.png", "c.zarr"]
    (folder / "empty").mkdir()
    with pytest.raises(GrdError, match="expected a folder with images, found none in it"):
        expand([folder / "empty"])


def test_formats_of_microscopes_in_a_folder_are_left_out_with_a_warning(folder, caplog):
    expand([folder])
    assert not caplog.text
    for name in ("e.czi", "d.LIF", ".f.czi"):
        (folder / name).write_bytes(b"")
    assert len(expand([folder])) == 4
    assert "left out 2 files of formats that are not read, such as d.LIF; save them as OME-TIFF" in caplog.text


def test_a_pattern_means_the_files_that_fit(folder):
    assert names(expand([f"{folder}/a*"])) == ["a10.tif", "a2.TIF"]
    with pytest.raises(GrdError, match="expected files that fit this pattern, found none"):
        expand([folder / "*.gif"])


def test_files_are_taken_once_and_with_their_parts(folder):
    (folder / "d.h5").write_bytes(b"")
    assert names(expand([folder / "b.png", f"{folder}/b*", folder / "d.h5:x", folder / "absent.tif"])) == [
        *("b.png", "d.h5:x", "absent.tif"),
    ]


@pytest.mark.parametrize(
    ("name", "expected"), [("a.tif", "a"), ("a.ome.tif", "a"), ("a.b.png", "a.b"), ("d.h5:volumes/raw", "d-volumes-raw")]
)
def test_names_of_outputs_follow_file_and_part(tmp_path, name, expected):
    (tmp_path / "d.h5").write_bytes(b"")
    assert output_name(tmp_path / name) == expected


def test_files_have_names_without_what_says_that_they_are_labels(folder):
    (folder / "d_cp_masks.png").write_bytes(b"")
    (folder / "e.ome.tif").write_bytes(b"")
    assert list(files_by_name(folder, LABEL_ENDS)) == ["a2", "a10", "b", "c", "d", "e"]
    (folder / "b-seg.png").write_bytes(b"")
    with pytest.raises(GrdError, match=r"expected one file for b, found b-seg\.png and b\.png; take one away"):
        files_by_name(folder, LABEL_ENDS)


def test_names_of_masks_may_have_what_ends_the_names_of_their_images(tmp_path):
    for name in ("a_raw.tif", "b_img_cp_masks.png", "c.Image-Labels.png", "d_masks_2.png"):
        (tmp_path / name).write_bytes(b"")
    assert list(files_by_name(tmp_path, ALL_ENDS)) == ["a", "b", "c", "d_masks_2"]


def test_an_accent_is_part_of_its_letter_in_names_that_pair(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "Zählung-seg.png")).write_bytes(b"")
    assert list(files_by_name(tmp_path, LABEL_ENDS)) == [unicodedata.normalize("NFC", "Zählung")]
