import h5py
import numpy as np
import pytest

from grd.data import store
from grd.errors import GrdError
from grd.system.files import atomic_write, write_text

SPLIT = store.Split(["a", "b"], np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.ones((2, 3, 4), np.uint16))


def test_samples_are_read_as_they_were_written(tmp_path):
    store.write_samples(tmp_path / "s.h5", {"training": SPLIT})
    found = store.read_split(tmp_path / "s.h5", "training")
    assert found.names == SPLIT.names
    assert np.array_equal(found.images, SPLIT.images) and found.images.dtype == np.uint8
    assert np.array_equal(found.labels, SPLIT.labels) and found.labels.dtype == np.uint16


def test_labels_are_read_as_they_were_written(tmp_path):
    labels = np.arange(12, dtype=np.int32).reshape(1, 3, 4)
    store.write_labels(tmp_path / "l.h5", ["ä"], {"mutex": labels, "other": labels + 1})
    names, found = store.read_labels(tmp_path / "l.h5", "mutex")
    assert store.segmenters_of(tmp_path / "l.h5") == ["mutex", "other"]
    assert names == ["ä"] and np.array_equal(found, labels) and found.dtype == np.int32


def test_another_kind_of_file_is_refused_by_name(tmp_path):
    store.write_labels(tmp_path / "l.h5", ["a"], {"mutex": np.zeros((1, 2, 2))})
    with pytest.raises(GrdError, match="expected format 'grd samples' version 3, found 'grd labels' version 3"):
        store.read_split(tmp_path / "l.h5", "training")


def test_another_version_is_refused_by_number(tmp_path):
    store.write_labels(tmp_path / "l.h5", ["a"], {"mutex": np.zeros((1, 2, 2))})
    with h5py.File(tmp_path / "l.h5", "a") as file:
        file.attrs["format_version"] = 99
    with pytest.raises(GrdError, match="version 99"):
        store.read_labels(tmp_path / "l.h5", "mutex")


@pytest.mark.parametrize("content", [None, b"no HDF5"])
def test_a_file_that_is_absent_or_damaged_is_named(tmp_path, content):
    path = tmp_path / "l.h5"
    if content:
        path.write_bytes(content)
    with pytest.raises(GrdError, match=r"l\.h5: expected an HDF5 file"):
        store.read_labels(path, "mutex")


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    write_text(tmp_path / "t", "before")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "t") as part:
        part.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
    assert (tmp_path / "t").read_text() == "before"


def test_a_failure_while_writing_hdf5_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), store.create_file(tmp_path / "x.h5", "labels"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_folders_on_the_way_are_made(tmp_path):
    write_text(tmp_path / "a" / "b" / "t", "text")
    assert (tmp_path / "a" / "b" / "t").read_text() == "text"


def test_samples_are_spread_evenly_over_a_split():
    images = np.arange(50, dtype=np.uint8).reshape(50, 1, 1)
    split = store.Split([str(n) for n in range(50)], images, images.astype(np.uint16))
    assert split.spread(6).names == ["0", "10", "20", "29", "39", "49"]
    assert split.spread(6).images[:, 0, 0].tolist() == [0, 10, 20, 29, 39, 49]
    assert split.spread(99).names == split.names


VARIED = store.Split(
    ["a", "b", "c"],
    [np.arange(size[0] * size[1], dtype=np.uint8).reshape(size) for size in ((3, 4), (5, 2), (2, 2))],
    [np.full(size, number, np.uint16) for number, size in enumerate(((3, 4), (5, 2), (2, 2)))],
)


def test_samples_of_different_sizes_are_read_as_they_were_written(tmp_path):
    store.write_samples(tmp_path / "s.h5", {"training": VARIED})
    found = store.read_split(tmp_path / "s.h5", "training")
    assert found.names == VARIED.names and not found.stacked and not found.holds_volumes
    for kind in ("images", "labels"):
        for one, other in zip(getattr(found, kind), getattr(VARIED, kind), strict=True):
            assert np.array_equal(one, other) and one.dtype == other.dtype
    assert found.largest == (3, 4) and found.spread(2).names == ["a", "c"] and found.spread(2).images[1].shape == (2, 2)
    assert found.single(1).stacked and found.single(1).images.shape == (1, 5, 2)


def test_labels_of_different_sizes_are_read_as_they_were_written(tmp_path):
    store.write_labels(tmp_path / "l.h5", VARIED.names, {"mutex": VARIED.labels}, {"mutex": {"min_size": 3}})
    names, found = store.read_labels(tmp_path / "l.h5", "mutex")
    assert names == VARIED.names and store.segmenters_of(tmp_path / "l.h5") == ["mutex"]
    assert store.chosen_numbers(tmp_path / "l.h5", "mutex") == {"min_size": 3}
    assert [labels.shape for labels in found] == [(3, 4), (5, 2), (2, 2)] and found[1].dtype == np.int32 and (found[2] == 2).all()


def test_damage_of_one_of_several_arrays_is_found(tmp_path):
    path = tmp_path / "s.h5"
    store.write_samples(path, {"training": VARIED})
    with h5py.File(path) as file:
        chunk = file["training/images/1"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(GrdError, match=r"expected the arrays that were written, found damage"):
        store.read_split(path, "training")
