"""Label images as people store them: colours, palettes, many in a file, CREMI's marks."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from grd.errors import GrdError
from grd.reading.labels import label_rank, read_labels

CASES = Path(__file__).parent / "cases"
IDS = np.array([[0, 1, 1], [300, 300, 70000]])


def ids_of(path, rank=2):
    (labels,) = read_labels(path, rank).arrays
    return labels.tolist()


def test_a_colour_is_an_id(tmp_path):
    colours = np.stack([IDS >> 16, (IDS >> 8) & 255, IDS & 255], -1).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    assert ids_of(tmp_path / "a.png") == IDS.tolist()
    opaque = np.dstack([colours, np.full(IDS.shape, 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "b.png")
    assert ids_of(tmp_path / "b.png") == IDS.tolist()


def test_colours_of_16_bits_are_refused_since_their_ids_would_coincide(tmp_path):
    colours = np.zeros((2, 2, 3), np.uint16)
    colours[0, 0], colours[1, 1] = (1, 0, 0), (0, 256, 0)
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb")
    with pytest.raises(GrdError, match=r"a\.tif: expected colours of 8 bits as labels, found the value 256; store a number for"):
        read_labels(tmp_path / "a.tif", 2)


def test_shared_axes_hold_for_labels_of_as_many(tmp_path):
    stack = np.zeros((3, 6, 8), np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="rgb", planarconfig="separate")
    tifffile.imwrite(tmp_path / "image.tif", stack[0])
    assert [len(read_labels(tmp_path / f"{name}.tif", 2, shared="TYX").arrays) for name in ("stack", "image")] == [3, 1]


def test_colours_of_a_palette_are_counted_by_their_numbers(tmp_path):
    picture = Image.fromarray(np.array([[0, 5, 9]], np.uint8), "P")
    picture.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    picture.save(tmp_path / "a.png")
    assert ids_of(tmp_path / "a.png") == [[0, 5, 9]]


def test_whole_numbers_of_any_type_are_labels(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0.0, 2.0]]))
    assert ids_of(tmp_path / "a.npy") == [[0, 2]]
    for wrong in ([[0.5, 1.0]], [[-1, 2]], [[np.nan, 1]], [["a", "b"]]):
        np.save(tmp_path / "a.npy", np.array(wrong))
        with pytest.raises(GrdError, match=r"a\.npy: expected whole numbers from 0 as labels, found"):
            read_labels(tmp_path / "a.npy", 2)


def test_a_single_number_is_no_image(tmp_path):
    np.save(tmp_path / "a.npy", np.array(5))
    with pytest.raises(GrdError, match=r"a\.npy: expected an image, found a single number; name another array or file"):
        read_labels(tmp_path / "a.npy", 2)


def test_a_jpeg_is_no_label_image(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.jpg")
    with pytest.raises(GrdError, match="expected labels, found a format that changes values, such as JPEG; store them as tif"):
        read_labels(tmp_path / "a.jpg", 2)


def test_cremis_marks_of_unlabelled_voxels_become_0(tmp_path):
    with h5py.File(tmp_path / "a.hdf", "w") as file:
        file["volumes/labels/neuron_ids"] = np.array([[[7, 2**64 - 3]]], np.uint64)
    assert ids_of(tmp_path / "a.hdf", 3) == [[[7, 0]]]


@pytest.mark.parametrize(("axes", "rank"), [("YX", 2), ("ZYX", 3), ("TYX", 2), ("CYX", 2), ("QYX", None)])
def test_the_axes_of_a_tif_say_if_it_is_a_volume(tmp_path, axes, rank):
    shape = (6, 8) if axes == "YX" else (3, 6, 8)
    metadata = None if axes == "QYX" else {"axes": axes}
    named = axes not in ("YX", "QYX")
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(shape, np.uint8), photometric="minisblack", metadata=metadata, ome=named)
    assert label_rank(tmp_path / "a.tif") == rank


@pytest.mark.parametrize(("shape", "rank"), [((6, 8), 2), ((1, 6, 8), 2), ((3, 6, 8), None), ((3, 6, 8, 1), None)])
def test_axes_without_names_leave_open_what_more_than_two_of_them_are(tmp_path, shape, rank):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    assert label_rank(tmp_path / "a.npy") == rank


def test_planes_without_a_name_are_images_or_sections_as_the_caller_says(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 6, 8), np.uint8))
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 6, 8), np.uint8), metadata=None)
    for path in (tmp_path / "a.npy", tmp_path / "a.tif"):
        assert [labels.shape for labels in read_labels(path, 2).arrays] == [(6, 8)] * 5
        assert [labels.shape for labels in read_labels(path, 3).arrays] == [(5, 6, 8)]


def test_images_of_the_pipelines_own_files_have_names():
    found = read_labels(CASES / "images_a.h5", 2)
    assert (label_rank(CASES / "images_a.h5"), len(found.arrays), len(set(found.names))) == (2, 50, 50)


def test_a_mask_of_all_objects_is_warned_of(tmp_path, caplog):
    mask = np.zeros((9, 9), np.uint8)
    mask[::3, ::3] = 255
    np.save(tmp_path / "a.npy", mask)
    read_labels(tmp_path / "a.npy", 2)
    assert "1 number for 9 pieces; expected a number for each object, not a mask of all" in caplog.text


def test_a_mask_of_few_pieces_is_warned_of_if_its_number_is_255(tmp_path, caplog):
    for number, whole, warned in ((255, False, True), (255, True, False), (7, False, False)):
        caplog.clear()
        np.save(tmp_path / "a.npy", np.array([[number, 0, number]], np.uint8))
        read_labels(tmp_path / "a.npy", 2, whole=whole)
        assert ("1 number for 2 pieces" in caplog.text) == warned
    np.save(tmp_path / "a.npy", np.array([[0, 255, 255]], np.uint8))
    read_labels(tmp_path / "a.npy", 2)
    assert not caplog.text


def test_colourings_and_images_are_warned_of_and_labels_in_pieces_are_not(tmp_path, caplog):
    row, column = np.ogrid[:40, :40]
    labels = (row // 8 * 5 + column // 8 + 1) * ((row % 8 < 6) & (column % 8 < 6))
    labels[:, 18:20] = 0  # cuts five objects in two
    np.save(tmp_path / "labels.npy", labels)
    read_labels(tmp_path / "labels.npy", 2)
    assert not caplog.text
    np.save(tmp_path / "colouring.npy", labels % 4)
    read_labels(tmp_path / "colouring.npy", 2)
    assert "3 numbers for 23 pieces" in caplog.text
    np.save(tmp_path / "image.npy", np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8))
    read_labels(tmp_path / "image.npy", 2)
    assert "image.npy: 25" in caplog.text
