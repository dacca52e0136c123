import hashlib
import json
import logging
import re

import h5py
import minis
import pytest

from grd.config.datasets import Dataset
from grd.config.parsing import parse_all, read_yaml
from grd.data.archives import acquisition as archives
from grd.errors import GrdError
from grd.provenance.manifest import read_manifest, record_archive
from grd.system.digests import sha256

SETTINGS = minis.ROOT / "config/datasets.yaml"
DESCRIBED = [pair for one in parse_all(Dataset, read_yaml(SETTINGS), SETTINGS).values() for pair in one.archives.items()]


@pytest.fixture
def obtain(tmp_path):
    """Obtain the one archive images.zip of a data set."""

    def call(archive):
        settings = minis.settings("bbbc039", archives={"images.zip": archive})
        (path,) = archives.obtain("bbbc039", settings, tmp_path / "data", tmp_path / "inbox", False).values()
        return path

    return call


def images(path):
    return minis.write_zip(path, {"images/IXMtest_A01.tif": "pixels"})


def entry(folder, name="images.zip"):
    return json.loads((folder / "archives.json").read_text())[name]


def test_an_archive_is_recognised_in_the_inbox_under_any_name_and_in_any_folder(tmp_path, obtain):
    source = images(tmp_path / "inbox" / "deep" / "down (1).ZIP")
    assert obtain(minis.archive()).read_bytes() == source.read_bytes()
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    found = {"file": "images.zip", "sha256": digest, "bytes": source.stat().st_size, "source": "inbox"}
    assert entry(tmp_path / "data") == found


def test_a_zip_is_recognised_without_the_ending(tmp_path, obtain):
    images(tmp_path / "inbox" / "download")
    assert obtain(minis.archive()).exists()


def test_copies_that_macos_adds_do_not_make_an_archive(tmp_path, obtain):
    minis.write_zip(tmp_path / "inbox" / "a.zip", {"__MACOSX/images/a.tif": ""})
    with pytest.raises(GrdError, match="found no zip file"):
        obtain(minis.archive())


def test_recognised_contents_that_are_not_the_official_bytes_are_taken_with_a_warning(tmp_path, obtain, caplog):
    images(tmp_path / "inbox" / "a.zip")
    obtain(minis.archive(sha256="0" * 64))
    assert "not the official images.zip; taken because its contents are recognised" in caplog.text


def test_of_several_recognised_files_the_official_one_is_taken_without_a_warning(tmp_path, obtain, caplog):
    images(tmp_path / "inbox" / "a.zip")
    official = minis.write_zip(tmp_path / "inbox" / "b.zip", {"images/a.tif": "the official pixels"})
    path = obtain(minis.archive(sha256=sha256(official)))
    assert path.read_bytes() == official.read_bytes() and not caplog.text


def test_an_archive_obtained_before_is_used_without_the_inbox(tmp_path, obtain):
    source = images(tmp_path / "inbox" / "a.zip")
    first = obtain(minis.archive())
    source.unlink()
    assert obtain(minis.archive()) == first


def test_an_archive_placed_by_hand_is_verified_and_entered_into_the_manifest(tmp_path, obtain):
    images(tmp_path / "data" / "images.zip")
    obtain(minis.archive())
    assert entry(tmp_path / "data")["source"] == "inbox"


def test_an_archive_of_another_size_than_verified_is_refused(tmp_path, obtain):
    images(tmp_path / "inbox" / "a.zip")
    with open(obtain(minis.archive()), "ab") as file:
        file.write(b"more")
    with pytest.raises(GrdError, match=r"images\.zip: expected the \d+ bytes that were verified before"):
        obtain(minis.archive())


def test_a_twin_is_not_taken_for_the_official_archive(tmp_path, obtain):
    images(tmp_path / "data" / "images.zip")
    record_archive(tmp_path / "data", "images.zip", "twin")
    with pytest.raises(GrdError, match="found a synthetic twin"):
        obtain(minis.archive())


def test_an_archive_that_only_you_can_get_is_asked_for(tmp_path, obtain):
    with pytest.raises(GrdError, match=rf"fill in the form, and place the file in {tmp_path / 'inbox'} under any name"):
        obtain(minis.archive(ask="fill in the form"))


@pytest.mark.parametrize("name, archive", DESCRIBED, ids=[name for name, _ in DESCRIBED])
def test_a_missing_archive_is_described_by_an_example_of_what_is_looked_for(name, archive):
    assert archive.example and re.search(archive.members, archive.example.replace("*", "0"))
    assert re.search(archive.named or "", name)


def test_the_regular_expression_is_not_shown(tmp_path):
    settings = minis.settings("cvppp")
    with pytest.raises(GrdError) as error:
        archives.obtain("cvppp", settings, tmp_path / "data", tmp_path / "inbox", False)
    error.match(
        r"^cvppp: expected CVPPP2017_LSC_training\.zip, found no zip file holding A1/plant001_rgb\.png in .*; fill in the form"
    )


def test_a_damaged_zip_is_named_where_nothing_else_is_found(tmp_path, obtain):
    whole = images(tmp_path / "inbox" / "a.zip").read_bytes()
    (tmp_path / "inbox" / "a.zip").write_bytes(whole[:40])
    with pytest.raises(GrdError, match=r"found no images\.zip, but .*a\.zip: expected a readable zip file.*, or remove it"):
        obtain(minis.archive())


def test_a_damaged_zip_beside_the_archive_is_passed_over_with_a_warning(tmp_path, obtain, caplog):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.zip").write_bytes(b"damaged")
    images(tmp_path / "inbox" / "b.zip")
    obtain(minis.archive())
    assert "a.zip: expected a readable zip file" in caplog.text


def test_a_damaged_manifest_is_named(tmp_path, obtain):
    images(tmp_path / "data" / "images.zip")
    (tmp_path / "data" / "archives.json").write_text("[1,")
    with pytest.raises(GrdError, match=r"archives\.json: expected a JSON object"):
        obtain(minis.archive())


def test_the_inbox_goes_before_the_download(tmp_path, obtain):
    images(tmp_path / "inbox" / "a.zip")
    obtain(minis.archive(url="http://127.0.0.1:1/images.zip"))
    assert entry(tmp_path / "data")["source"] == "inbox"


def test_all_archives_of_a_data_set_are_obtained_by_name(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    minis.bbbc039(tmp_path / "inbox")
    found = archives.obtain("bbbc039", minis.settings("bbbc039"), tmp_path / "data", tmp_path / "inbox", False)
    assert found == {name: tmp_path / "data" / name for name in ("images.zip", "masks.zip", "metadata.zip")}


NEURONS = minis.archive(members="^volumes/labels/neuron_ids$", example="volumes/labels/neuron_ids", named="(?i)sample_?a")
ALTERNATIVES = [
    {"inputs.h5": minis.archive(members="^main$", named="in"), "labels.h5": minis.archive(members="^main$", named="lab")},
    {"inputs.tif": minis.archive(members=None, named="^inputs"), "labels.tif": minis.archive(members=None)},
]


def hdf(path, dataset="volumes/labels/neuron_ids"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file[dataset] = [1]
    return path


def obtain_archives(tmp_path, archive, alternatives=(), name="A.hdf"):
    settings = minis.settings("cremi_a", archives={name: archive}, alternatives=list(alternatives))
    return archives.obtain("cremi_a", settings, tmp_path / "data", tmp_path / "inbox", False)


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"pixels")


def test_an_hdf5_file_is_recognised_by_the_datasets_in_it_and_by_its_name(tmp_path):
    hdf(tmp_path / "inbox" / "sample_B.hdf")
    hdf(tmp_path / "inbox" / "sample_A_raw.hdf", "volumes/raw")
    source = hdf(tmp_path / "inbox" / "my sampleA")
    path = obtain_archives(tmp_path, NEURONS)["A.hdf"]
    assert path.name == "A.hdf" and path.read_bytes() == source.read_bytes()


def test_an_archive_of_a_known_name_is_asked_for_under_it(tmp_path):
    hdf(tmp_path / "inbox" / "sample_B.hdf")
    with pytest.raises(GrdError) as error:
        obtain_archives(tmp_path, NEURONS)
    error.match(r"found no HDF5 file with a name like A\.hdf holding volumes/labels/neuron_ids in .* under its official name$")


def test_a_damaged_hdf5_file_is_passed_over_with_a_warning(tmp_path, caplog):
    touch(tmp_path / "inbox", "a sample_a.h5")
    hdf(tmp_path / "inbox" / "sample_a.h5")
    obtain_archives(tmp_path, NEURONS)
    assert "a sample_a.h5: expected a readable HDF5 file" in caplog.text


def test_damaged_files_that_cannot_be_the_archive_are_not_mentioned(tmp_path, obtain, caplog):
    touch(tmp_path / "inbox", "a.h5", "b.tif")
    images(tmp_path / "inbox" / "c.zip")
    obtain(minis.archive())
    assert not caplog.text


def test_an_archive_without_members_is_recognised_by_its_name_alone(tmp_path):
    touch(tmp_path / "inbox", "other.tif", "Train-Input.tif")
    found = obtain_archives(tmp_path, minis.archive(members=None, named="(?i)^train-input"), name="input.tif")
    assert found == {"input.tif": tmp_path / "data" / "input.tif"}


def test_an_alternative_is_taken_where_all_its_files_are_there(tmp_path):
    touch(tmp_path / "inbox", "inputs.tif", "labels.tif")
    hdf(tmp_path / "inbox" / "in.h5", "main")
    found = obtain_archives(tmp_path, minis.archive(url="http://127.0.0.1:1/A.zip"), ALTERNATIVES, "A.zip")
    assert list(found) == ["inputs.tif", "labels.tif"] and all(path.exists() for path in found.values())
    assert set(read_manifest(tmp_path / "data")) == set(found)


def test_the_first_complete_alternative_is_taken_and_the_official_archive_before_all(tmp_path):
    touch(tmp_path / "inbox", "inputs.tif", "labels.tif")
    for name in ("in.h5", "lab.h5"):
        hdf(tmp_path / "inbox" / name, "main")
    assert list(obtain_archives(tmp_path, minis.archive(), ALTERNATIVES, "A.zip")) == ["inputs.h5", "labels.h5"]
    images(tmp_path / "inbox" / "a.zip")
    assert list(obtain_archives(tmp_path, minis.archive(), ALTERNATIVES, "A.zip")) == ["A.zip"]


def test_an_alternative_obtained_before_is_used_without_the_inbox(tmp_path):
    touch(tmp_path / "inbox", "inputs.tif", "labels.tif")
    first = obtain_archives(tmp_path, minis.archive(), ALTERNATIVES, "A.zip")
    for path in (tmp_path / "inbox").iterdir():
        path.unlink()
    assert obtain_archives(tmp_path, minis.archive(), ALTERNATIVES, "A.zip") == first


def test_where_no_alternative_is_complete_all_are_named(tmp_path):
    touch(tmp_path / "inbox", "inputs.tif")
    with pytest.raises(GrdError, match=r"or there instead inputs\.h5 and labels\.h5; or inputs\.tif and labels\.tif"):
        obtain_archives(tmp_path, minis.archive(), ALTERNATIVES, "A.zip")


def test_the_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea")
