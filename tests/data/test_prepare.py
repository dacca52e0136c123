import minis
import numpy as np
import pytest

from grd.data import store
from grd.data.prepare import prepare
from grd.data.sample import Sample
from grd.errors import GrdError


@pytest.fixture
def wells(tmp_path):
    """Prepare C. elegans with one well per split, in an order that is not the reader's."""

    def call(archives, names=("B03", "A01", "A02"), allow_missing=False):
        settings = minis.settings("celegans", split=minis.write_split_file(tmp_path, names))
        prepare("celegans", settings, archives, tmp_path / "prepared.h5", allow_missing)
        return tmp_path / "prepared.h5"

    return call


def test_every_split_holds_its_samples(tmp_path, wells):
    path = wells(minis.celegans(tmp_path))
    assert [store.read_split(path, split).names for split in store.SPLITS] == [["B03"], ["A01"], ["A02"]]
    split = store.read_split(path, "test")
    assert split.images.dtype == np.uint8 and split.labels.dtype == np.uint16
    assert (split.images.min(), split.images.max()) == (0, 255)


def test_a_split_keeps_the_order_of_its_list(tmp_path):
    one, two, three = minis.NUCLEI
    changes = {
        "training.txt": f"{three}.png\n{one}.png\n",
        "test.txt": "IXMtest_4.png\n",
        f"images/{three}.tif": minis.encode(minis.ramp()[::-1].copy(), "TIFF"),
    }
    archives = minis.bbbc039(tmp_path, (one, two, three, "IXMtest_4"), changes)
    prepare("bbbc039", minis.settings("bbbc039"), archives, tmp_path / "p.h5", False)
    training = store.read_split(tmp_path / "p.h5", "training")
    assert training.names == [three, one]
    assert np.array_equal(training.images[0], training.images[1][::-1])


def test_colour_images_keep_their_values(tmp_path):
    settings = minis.settings("cvppp", split=minis.write_split_file(tmp_path, minis.PLANTS))
    prepare("cvppp", settings, minis.cvppp(tmp_path), tmp_path / "p.h5", False)
    images = store.read_split(tmp_path / "p.h5", "test").images
    assert images.shape == (1, 6, 8, 3) and (images == 100).all()


def test_nuclei_of_fewer_than_25_pixels_are_background_in_every_split_and_ids_stay_consecutive(tmp_path):
    red = np.zeros((8, 24), np.uint8)
    red[:4, :6], red[:5, 7:12], red[:2, 13:] = 1, 1, 1  # 24, 25 and 22 pixels
    red[3:5, 13:] = red[5, 13:17] = 2  # 26 pixels
    archives = minis.bbbc039(tmp_path, changes={".png": minis.encode(minis.rgba(red))}, size=red.shape)
    prepare("bbbc039", minis.settings("bbbc039"), archives, tmp_path / "p.h5", False)
    for split in store.SPLITS:
        [labels] = store.read_split(tmp_path / "p.h5", split).labels
        assert np.bincount(labels.ravel())[1:].tolist() == [25, 26] and (labels[:4, :6] == 0).all()


def test_instances_of_any_size_are_kept_where_no_smallest_size_is_set(tmp_path, wells):
    [labels] = store.read_split(wells(minis.celegans(tmp_path)), "test").labels
    assert np.bincount(labels.ravel())[1:].min() < 25 and minis.settings("celegans").min_instance == 0


def test_names_of_the_split_that_the_archives_lack_are_refused(tmp_path, wells):
    archives = minis.celegans(tmp_path, ("A01", "A02", "B03"))
    with pytest.raises(GrdError, match=r"no image with a mask for C01.*'allow_missing: \[celegans\]' in config/config"):
        wells(archives, ("A01", "A02", "C01"))


def test_missing_names_are_left_out_and_logged_where_allowed(tmp_path, caplog):
    names = minis.NUCLEI
    archives = minis.bbbc039(tmp_path, changes={"training.txt": f"{names[0]}.png\nIXMtest_gone.png\n"})
    prepare("bbbc039", minis.settings("bbbc039"), archives, tmp_path / "p.h5", True)
    assert store.read_split(tmp_path / "p.h5", "training").names == [names[0]]
    assert "IXMtest_gone; left out" in caplog.text


def test_a_split_without_any_sample_is_refused_even_where_missing_ones_are_allowed(tmp_path, wells):
    with pytest.raises(GrdError, match="test split: expected at least one of its 1 samples, found none"):
        wells(minis.celegans(tmp_path), ("A01", "A02", "C01"), allow_missing=True)


def test_images_of_different_sizes_are_kept_one_by_one_in_every_split(tmp_path, wells, caplog):
    changes = {
        "x_A02_w2_0A-1B.tif": minis.encode(minis.ramp((5, 8)), "TIFF"),
        "A02_01_ground_truth.png": minis.encode(np.ones((5, 8), np.uint8)),
        "A02_02_ground_truth.png": minis.encode(np.eye(5, 8, dtype=np.uint8)),
    }
    with caplog.at_level("INFO", "grd"):
        path = wells(minis.celegans(tmp_path, changes=changes))
    found = {split: store.read_split(path, split) for split in store.SPLITS}
    assert not any(split.stacked for split in found.values()) and "images of different sizes" in caplog.text
    assert [split.images[0].shape for split in found.values()] == [(6, 8), (6, 8), (5, 8)]
    assert found["test"].labels[0].shape == (5, 8) and found["test"].labels[0].dtype == np.uint16


def test_volumes_of_one_size_in_each_split_are_stacked_and_others_are_not(tmp_path, monkeypatch):
    volumes = [
        Sample(name, np.zeros((depth, 2, 2), np.uint8), np.ones((depth, 2, 2), int)) for name, depth in (("V", 6), ("W", 5))
    ]
    monkeypatch.setattr("grd.data.readers.read", lambda *_: iter(volumes))
    lists = {"training": ["V[0:2]", "W[0:2]"], "validation": ["V[2:6]"], "test": ["W[2:5]"]}
    monkeypatch.setattr("grd.data.prepare.split_names", lambda *_: lists)
    archives = {"AC3AC4Package.zip": tmp_path / "x.zip"}
    prepare("ac34", minis.settings("ac34"), archives, tmp_path / "s.h5", False)
    assert store.read_split(tmp_path / "s.h5", "training").images.shape == (2, 2, 2, 2)
    lists["training"] = ["V[0:2]", "W[0:1]"]
    prepare("ac34", minis.settings("ac34"), archives, tmp_path / "s.h5", False)
    training = store.read_split(tmp_path / "s.h5", "training")
    assert training.holds_volumes and [volume.shape[0] for volume in training.images] == [2, 1]


def test_a_failure_leaves_no_file(tmp_path, wells):
    with pytest.raises(GrdError):
        wells(minis.celegans(tmp_path, ("A01",)))
    assert not (tmp_path / "prepared.h5").exists()


def test_parts_of_volumes_are_cut_out_and_their_ids_made_consecutive(tmp_path, monkeypatch):
    labels = np.repeat(np.array([3, 3, 5, 9, 9, 9]), 4).reshape(6, 2, 2)
    volume = Sample("V", np.arange(24, dtype=np.uint8).reshape(6, 2, 2), labels)
    monkeypatch.setattr("grd.data.readers.read", lambda *_: iter([volume]))
    split = minis.write_split_file(tmp_path, ('"V[0:2]"', '"V[2:3, 0:1]"', '"V[3:6]"'))
    settings = minis.settings("ac34", split=split)
    prepare("ac34", settings, {"AC3AC4Package.zip": tmp_path / "x.zip"}, tmp_path / "s.h5", False)
    found = store.read_split(tmp_path / "s.h5", "test")
    assert found.holds_volumes and found.names == ["V[3:6]"] and found.images.shape == (1, 3, 2, 2)
    assert found.images[0, 0, 0, 0] == 12 and np.unique(found.labels).tolist() == [1]
    assert store.read_split(tmp_path / "s.h5", "validation").images.shape == (1, 1, 1, 2)


def test_a_part_beyond_the_volume_is_refused_with_its_size(tmp_path, monkeypatch):
    volume = Sample("V", np.zeros((6, 2, 2), np.uint8), np.ones((6, 2, 2), int))
    monkeypatch.setattr("grd.data.readers.read", lambda *_: iter([volume]))
    settings = minis.settings("ac34", split=minis.write_split_file(tmp_path, ('"V[0:2]"', '"V[2:3]"', '"V[3:7]"')))
    with pytest.raises(GrdError, match=r"expected V\[3:7\] of V, found a size of \(6, 2, 2\)"):
        prepare("ac34", settings, {"AC3AC4Package.zip": tmp_path / "x.zip"}, tmp_path / "s.h5", False)
