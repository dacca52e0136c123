"""Label files are small, exact, and open in other programs."""

import errno

import numpy as np
import pytest
import tifffile

from grd.apply import label_files
from grd.apply.label_files import write_labels
from grd.apply.origin import Origin
from grd.errors import GrdError
from grd.reading.files import open_file
from grd.reading.labels import read_labels

ORIGIN = Origin("image.tif", "c0ffee00")
LABELS = np.arange(2 * 30 * 40).reshape(2, 30, 40) // 100


@pytest.mark.parametrize(("top", "dtype"), [(65535, np.uint16), (65536, np.uint32)])
@pytest.mark.parametrize("shape", [(30, 40), (2, 30, 40), (3, 30, 4)])
def test_labels_are_16_bit_or_32_where_16_do_not_suffice(tmp_path, top, dtype, shape):
    labels = np.resize(LABELS, shape)
    labels[..., 0, 0] = top
    write_labels(tmp_path / "a.tif", labels, ORIGIN)
    found = tifffile.imread(tmp_path / "a.tif")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, labels)


def test_sections_are_z_for_fiji_and_pixels_have_their_size(tmp_path):
    write_labels(tmp_path / "a.tif", LABELS, ORIGIN, (0.04, 0.005, 0.004))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.series[0].axes == "ZYX"
        assert file.imagej_metadata.items() >= {"slices": 2, "spacing": 0.04, "unit": "um", "max": 23}.items()
        tags = file.pages[0].tags
        assert [tags[name].value for name in ("XResolution", "YResolution")] == [(250, 1), (200, 1)]
        assert tags["Compression"].value == tifffile.COMPRESSION.ADOBE_DEFLATE


def test_an_image_has_no_z_and_without_a_pixel_size_no_unit(tmp_path):
    write_labels(tmp_path / "a.tif", LABELS[0], ORIGIN)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.series[0].axes == "YX"
        assert "unit" not in file.imagej_metadata


def test_a_series_in_time_is_one(tmp_path):
    write_labels(tmp_path / "a.tif", LABELS, ORIGIN, (1, 0.5, 0.5), "TYX")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.series[0].axes == "TYX"
        assert "spacing" not in file.imagej_metadata


def test_labels_too_large_for_a_classic_tif_are_a_bigtiff(tmp_path, monkeypatch):
    write_labels(tmp_path / "small.tif", LABELS, ORIGIN)
    monkeypatch.setattr(label_files, "LARGEST_CLASSIC", 1000)
    write_labels(tmp_path / "large.tif", LABELS, ORIGIN)
    for name, large in (("small.tif", False), ("large.tif", True)):
        with tifffile.TiffFile(tmp_path / name) as file:
            assert file.is_bigtiff == large
            np.testing.assert_array_equal(file.asarray(), LABELS)


def test_the_file_is_much_smaller_than_its_pixels(tmp_path):
    write_labels(tmp_path / "a.tif", np.kron(np.arange(100).reshape(10, 10), np.ones((50, 50), int)), ORIGIN)
    assert (tmp_path / "a.tif").stat().st_size < 500 * 500 * 2 / 20


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(OSError, match=r"a\.tif"):
        write_labels(tmp_path / "a.tif", LABELS, ORIGIN)
    assert list(tmp_path.iterdir()) == []


def test_labels_above_the_limit_are_written_tile_by_tile_with_the_same_content(tmp_path, monkeypatch):
    monkeypatch.setattr(label_files, "AT_ONCE", 0)
    monkeypatch.setattr(label_files, "TILE", 16)
    for labels in (LABELS, LABELS[0], np.arange(35 * 50).reshape(35, 50) + 70000):
        write_labels(tmp_path / "a.tif", labels, ORIGIN)
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), labels)


class OnDisk(np.ndarray):
    """Labels too large to be copied whole."""

    def astype(self, *arguments, **options):
        assert self.size <= 16 * 16
        return super().astype(*arguments, **options)


def test_labels_above_the_limit_are_never_copied_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(label_files, "AT_ONCE", 0)
    monkeypatch.setattr(label_files, "TILE", 16)
    labels = np.arange(35 * 50).reshape(35, 50).view(OnDisk)
    write_labels(tmp_path / "a.tif", labels, ORIGIN)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), labels)


def test_a_tif_that_ends_early_is_no_tif(tmp_path, monkeypatch):
    monkeypatch.setattr(label_files, "AT_ONCE", 0)
    check = label_files._check_whole

    def cut(part, path):
        part.write_bytes(part.read_bytes()[:-8])
        check(part, path)

    monkeypatch.setattr(label_files, "_check_whole", cut)
    with pytest.raises(OSError, match="No space left on device"):
        write_labels(tmp_path / "a.tif", np.random.default_rng(0).integers(0, 9, (32, 32)), ORIGIN)
    assert not (tmp_path / "a.tif").exists()


def test_labels_are_written_as_ome_zarr_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(label_files, "TILE", 8)
    path = tmp_path / "a-labels.zarr"
    for _ in range(2):  # the second replaces the first
        write_labels(path, LABELS, ORIGIN, (0.04, 0.005, 0.004))
    with open_file(path) as stored:
        assert (stored.axes, stored.pixel_size) == ("ZYX", {"Z": 0.04, "Y": 0.005, "X": 0.004})
    (found,) = read_labels(path, 3).arrays
    np.testing.assert_array_equal(found, LABELS)
    (tmp_path / "b.zarr").write_text("mine")
    with pytest.raises(GrdError, match="expected no file or folder but zarr"):
        write_labels(tmp_path / "b.zarr", LABELS, ORIGIN)
