"""Files that were made to do harm: they are refused in one sentence, and nothing in them is run or written."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from grd.config.datasets import Archive, Source
from grd.data.archives import acquisition as archives
from grd.data.archives import zips
from grd.errors import GrdError
from grd.networks.model_file import FORMAT, FORMAT_VERSION, load_model
from grd.reading.files import open_file

CLIMBING = [
    "../x.tif",
    "images/../../x.tif",
    "/x.tif",
    "C:/x.tif",
    "C:x.tif",
    "..\\x.tif",
    "images\\x.tif",
    "//host/share/x.tif",
]


class Evil:
    """Unpickling this makes a file."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "marker"


def zipped(path, name="images/b.tif", content=b"pixels"):
    """A zip of an image and a member besides."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images/a.tif", b"pixels")
        file.writestr(name, content)
    return path


def encrypted(path):
    """A zip whose members are marked as encrypted: a bit of the flags in each local header and each entry of the list."""
    content = bytearray(zipped(path).read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(signature, at + 1)) >= 0:
            content[at + flags] |= 1
    path.write_bytes(content)
    return path


def refused(path, match):
    with pytest.raises(GrdError, match=match), zips.open_file(path):
        pass


def test_the_pickle_of_these_tests_is_harmful_where_it_is_let_run(marker):
    pickle.loads(pickle.dumps(Evil(marker)))
    assert marker.exists()


@pytest.mark.parametrize("name", CLIMBING)
def test_a_zip_with_a_member_that_climbs_out_is_refused(tmp_path, name):
    refused(zipped(tmp_path / "a.zip", name), r"a\.zip: expected members below the archive's own folder, found .*; get the")


@pytest.mark.parametrize("name", ["images/..a.tif", "images/a..tif", "images/.../a.tif", "./images/c.tif"])
def test_dots_in_a_name_do_not_climb(tmp_path, name):
    with zips.open_file(zipped(tmp_path / "a.zip", name)) as file:
        assert name in zips.names(file)


def test_a_zip_with_encrypted_members_is_refused(tmp_path):
    refused(encrypted(tmp_path / "a.zip"), r"a\.zip: expected members without a password, found 'images/a\.tif' encrypted")


def test_a_hostile_zip_in_the_inbox_is_not_taken_and_is_told(tmp_path):
    zipped(tmp_path / "inbox/a.zip", "../x.tif")
    settings = Source(archives={"images.zip": Archive(members="^images/")}, split="archive")
    with pytest.raises(GrdError, match=r"bbbc039: found no images\.zip, but .*a\.zip: .* found '\.\./x\.tif'; get the official"):
        archives.obtain("bbbc039", settings, tmp_path / "data", tmp_path / "inbox", False)
    assert not (tmp_path / "data").exists()


def test_a_member_that_would_fill_the_memory_is_refused_unread(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", "images/bomb.tif", bytes(5 << 20))
    monkeypatch.setattr(zips, "LARGEST", 4 << 20)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("the member was read"))
    with (
        zips.open_file(path) as file,
        pytest.raises(GrdError, match=r"at most 4 MiB, found images/bomb\.tif of 5 MiB"),
    ):
        zips.read_image(file, "images/bomb.tif")


def test_a_small_image_file_of_immense_pixels_is_refused(tmp_path):
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    path = zipped(tmp_path / "a.zip", "images/c.png", buffer.getvalue())
    with zips.open_file(path) as file, pytest.raises(GrdError, match=r"a\.zip: expected a readable image in images/c\.png"):
        zips.read_image(file, "images/c.png")


@pytest.mark.parametrize("place", ["everything", "weights", "card"])
@pytest.mark.parametrize("old_format", [False, True], ids=["zip", "before torch 1.6"])
def test_a_model_that_holds_a_harmful_pickle_is_refused(tmp_path, marker, place, old_format):
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "card": {}, "weights": {}}
    content = Evil(marker) if place == "everything" else content | {place: Evil(marker)}
    torch.save(content, tmp_path / "model.pt", _use_new_zipfile_serialization=not old_format)
    with pytest.raises(GrdError, match=r"model\.pt: expected a file of format 'grd model'"):
        load_model(tmp_path / "model.pt", torch.device("cpu"))
    assert not marker.exists()


def test_a_bare_pickle_in_place_of_a_model_is_refused(tmp_path, marker):
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Evil(marker), protocol=2))
    with pytest.raises(GrdError, match=r"model\.pt: expected a file of format 'grd model'"):
        load_model(tmp_path / "model.pt", torch.device("cpu"))
    assert not marker.exists()


@pytest.mark.parametrize("name", ["a.npy", "a.NPY", "a.npz", "a.tif", "a.png", "a.h5"])
@pytest.mark.parametrize("bare", [False, True], ids=["array of objects", "bare pickle"])
def test_an_image_that_holds_a_harmful_pickle_is_refused(tmp_path, marker, name, bare):
    with open(tmp_path / name, "wb") as file:
        if bare:
            file.write(pickle.dumps(Evil(marker)))
        else:
            np.save(file, np.array([Evil(marker)], dtype=object), allow_pickle=True)
    with pytest.raises(GrdError, match=rf"{name}: expected "), open_file(tmp_path / name):
        pass
    assert not marker.exists()
