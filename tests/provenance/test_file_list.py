"""A list of users' files says what they were, and tells what they are now without reading those that did not change."""

import os

import pytest

from grd.config.datasets import Folder
from grd.errors import GrdError
from grd.provenance import file_list
from grd.provenance.file_list import (
    content_digest,
    current_digests,
    current_entry,
    entry_of,
    read_list,
    wanted_entries,
    write_list,
)


@pytest.fixture
def folder(tmp_path):
    """Two images, a mask file, and a mask of two objects."""
    for name in ("images/a.tif", "images/b.tif", "masks/a.png", "masks/b/1.png", "masks/b/2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    own = Folder(images=tmp_path / "images", masks=tmp_path / "masks", files=tmp_path / "list.json")
    files = {"images/a": "a.tif", "images/b": "b.tif", "masks/a": "a.png", "masks/b": "b"}
    entries = {
        name: entry_of(below / file, below) for name, file in files.items() if (below := getattr(own, name.partition("/")[0]))
    }
    write_list(own.files, entries)
    return own


def test_files_that_did_not_change_are_not_read_again(folder, monkeypatch):
    before = current_digests(folder, ["a", "b"])
    assert before == {name: entry["sha256"] for name, entry in read_list(folder.files).items()} and len(before) == 4
    monkeypatch.setattr(file_list, "content_digest", None)
    assert current_digests(folder, ["a", "b"]) == before


def test_a_file_that_changed_has_another_digest_and_a_file_that_was_touched_has_not(folder):
    before = current_digests(folder, ["a", "b"])
    os.utime(folder.images / "a.tif", (1, 1))
    (folder.masks / "b/2.png").write_text("another")
    after = current_digests(folder, ["a", "b"])
    assert [name for name in before if before[name] != after[name]] == ["masks/b"]
    assert after["masks/b"] == content_digest(folder.masks / "b")


def test_an_object_that_is_renamed_or_added_changes_the_digest_of_its_mask(folder):
    first = content_digest(folder.masks / "b")
    (folder.masks / "b/2.png").rename(folder.masks / "b/3.png")
    second = content_digest(folder.masks / "b")
    (folder.masks / "b/4.png").write_text("")
    assert len({first, second, content_digest(folder.masks / "b")}) == 3


def test_a_mask_that_is_exchanged_for_an_older_one_of_the_same_size_changes_the_digest(tmp_path):
    for number, text in enumerate(("one", "two")):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / f"a/{number}.png").write_text(text)
    listed = entry_of(tmp_path / "a", tmp_path)
    (tmp_path / "a/0.png").write_text("ten")
    os.utime(tmp_path / "a/0.png", (1, 1))
    assert current_entry(tmp_path / "a", listed)["sha256"] != listed["sha256"]


def test_a_file_that_is_gone_has_no_digest(folder):
    (folder.images / "b.tif").unlink()
    assert [name for name, digest in current_digests(folder, ["a", "b"]).items() if digest is None] == ["images/b"]


def test_only_files_of_samples_count_and_a_sample_may_be_one_of_many_in_a_file(folder):
    assert list(wanted_entries(folder, ["a"])) == ["images/a", "masks/a"]
    assert list(wanted_entries(folder, ["b:0", "b:1"])) == ["images/b", "masks/b"]


def test_a_list_that_is_absent_is_empty_and_another_file_is_refused(folder):
    folder.files.write_text("[1]")
    with pytest.raises(
        GrdError,
        match=r"list\.json: expected a JSON object that lists files, found .*; restore the list that `grd import` wrote",
    ):
        read_list(folder.files)
    folder.files.unlink()
    assert read_list(folder.files) == {}
