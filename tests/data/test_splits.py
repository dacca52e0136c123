import itertools

import minis
import pytest

from grd.config.scales import Twin
from grd.config.splits import parse_entry
from grd.data.prepare import prepare
from grd.data.splits import split_names, subsets
from grd.data.store import SPLITS, read_split
from grd.data.twins import write_twin
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
    path = minis.write_split_file(tmp_path, ("A01", "A02", "A01"))
    with pytest.raises(GrdError, match="every sample once, found A01 in test and A01 in training"):
        split_names(minis.settings("celegans", split=path), {})


def test_a_name_twice_in_a_split_is_refused(tmp_path):
    archives = minis.bbbc039(tmp_path, changes={"test.txt": "a.png\na.png\n"})
    with pytest.raises(GrdError, match="every sample once, found a in test and a in test"):
        split_names(minis.settings("bbbc039"), archives)


def test_a_split_file_without_one_of_the_splits_is_refused(tmp_path):
    path = tmp_path / "split.yaml"
    path.write_text("training: [A01]\ntest: [A02]\n")
    with pytest.raises(GrdError, match=r"split\.yaml: key 'validation' is missing"):
        split_names(minis.settings("celegans", split=path), {})


def test_an_entry_may_name_a_part():
    assert parse_entry("AC4[0:80]") == ("AC4", (slice(0, 80),))
    assert parse_entry("sample_A[0:50, 113:1137]") == ("sample_A", (slice(0, 50), slice(113, 1137)))
    assert parse_entry("plant001") == ("plant001", ())
    with pytest.raises(GrdError, match=r"a part like NAME\[0:80\], found 'AC4\[0:\]'"):
        parse_entry("AC4[0:]")


@pytest.mark.parametrize(("test", "disjoint"), [("V[5:9]", True), ("V[4:9]", False), ("W[0:5]", True), ("V[0:5, 6:9]", False)])
def test_parts_that_overlap_are_refused(tmp_path, test, disjoint):
    path = minis.write_split_file(tmp_path, ('"V[0:5]"', '"V[9:12]"', f'"{test}"'))
    settings = minis.settings("ac34", split=path)
    if disjoint:
        assert split_names(settings, {})["test"] == [test]
    else:
        with pytest.raises(GrdError, match=r"found V\[.* in test and V\[0:5\] in training"):
            split_names(settings, {})


def test_a_subset_is_spread_evenly_over_the_list_and_keeps_its_order(tmp_path):
    lists = {"training": [f"t{n}" for n in range(9)], "validation": ["v0", "v1"], "test": ["x"]}
    assert subsets(lists, {"training": 3, "test": 5}) == {**lists, "training": ["t0", "t4", "t8"]}


@pytest.mark.parametrize("dataset", ["cvppp", "bbbc039"])
def test_a_twin_with_a_subset_holds_that_many_images_and_is_prepared(dataset, tmp_path):
    settings = minis.settings(dataset).model_copy(update={"subset": {"training": 3, "validation": 2, "test": 1}})
    write_twin(dataset, settings, Twin(size=(48, 48)), tmp_path)
    prepare(dataset, settings, {name: tmp_path / name for name in settings.archives}, tmp_path / "prepared.h5", False)
    sizes = [len(read_split(tmp_path / "prepared.h5", split).names) for split in ("training", "validation", "test")]
    assert sizes == [3, 2, 1]
