import itertools

import minis
import pytest

from grd.data.splits import split_names
from grd.data.store import SPLITS
from grd.errors import GrdError


@pytest.mark.parametrize(("dataset", "sizes"), [("cvppp", (98, 10, 20)), ("celegans", (40, 10, 50))])
def test_the_frozen_splits_are_disjoint_and_complete(dataset, sizes):
    splits = split_names(minis.settings(dataset), {})
    assert tuple(len(splits[split]) for split in SPLITS) == sizes
    assert len(set(itertools.chain(*splits.values()))) == sum(sizes)


def test_the_test_plants_are_the_authors_list():
    listed = "002 016 029 037 045 046 055 061 072 080 088 099 104 108 115 127 130 142 148 159"
    assert split_names(minis.settings("cvppp"), {})["test"] == [f"plant{number}" for number in listed.split()]


def test_the_lists_of_bbbc039_come_from_its_metadata(tmp_path):
    splits = split_names(minis.settings("bbbc039"), minis.bbbc039(tmp_path))
    assert splits == {split: [name] for split, name in zip(SPLITS, minis.NUCLEI, strict=True)}


def test_line_endings_of_windows_are_read(tmp_path):
    archives = minis.bbbc039(tmp_path, changes={"training.txt": "a.png\r\nb.png\r\n"})
    assert split_names(minis.settings("bbbc039"), archives)["training"] == ["a", "b"]


def test_a_list_that_the_metadata_lack_is_named(tmp_path):
    archives = minis.bbbc039(tmp_path, changes={"validation.txt": None})
    with pytest.raises(GrdError, match=r"metadata\.zip: expected a text file metadata/validation\.txt"):
        split_names(minis.settings("bbbc039"), archives)


def test_a_name_in_two_splits_is_refused(tmp_path):
    path = minis.split_file(tmp_path, ("A01", "A02", "A01"))
    with pytest.raises(GrdError, match="found A01 in training and in test"):
        split_names(minis.settings("celegans", split=path), {})


def test_a_name_twice_in_a_split_is_refused(tmp_path):
    archives = minis.bbbc039(tmp_path, changes={"test.txt": "a.png\na.png\n"})
    with pytest.raises(GrdError, match="found a twice in test"):
        split_names(minis.settings("bbbc039"), archives)


def test_a_split_file_without_one_of_the_splits_is_refused(tmp_path):
    path = tmp_path / "split.yaml"
    path.write_text("training: [A01]\ntest: [A02]\n")
    with pytest.raises(GrdError, match="expected lists of names under training, validation, test, found training, test"):
        split_names(minis.settings("celegans", split=path), {})
