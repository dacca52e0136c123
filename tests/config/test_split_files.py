"""Faults of split files are found when the project is loaded, long before a job reads the samples."""

import shutil
from pathlib import Path

import pytest

from grd.errors import GrdError
from grd.project.project import Project

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(CONFIG, tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "validation:",
            "validaton:",
            r"ac34\.yaml: unknown key 'validaton' \(value \['AC4\[80:100\]'\]\); did you mean 'validation'",
        ),
        ("validation:", "checks:", r"ac34\.yaml: key 'validation' is missing"),
        ("AC4[80:100]", "AC4[80-100]", r"ac34\.yaml: expected a name or a part like NAME\[0:80\], found 'AC4\[80-100\]'"),
        ("AC4[80:100]", "AC4[100:80]", r"ac34\.yaml: expected a name or a part like NAME\[0:80\], found 'AC4\[100:80\]'"),
        ("AC4[80:100]", "AC4[79:100]", r"ac34\.yaml: expected disjoint splits, .*AC4\[79:100\] in validation and AC4\[0:80\] in"),
        ('["AC3[0:100]"]', "AC3", r"ac34\.yaml: 'test' has value 'AC3'; input should be a valid list"),
        ('["AC3[0:100]"]', "[3]", r"ac34\.yaml: 'test\.0' has value 3; input should be a valid string"),
        ('["AC3[0:100]"]', "[]", r"ac34\.yaml: 'test' has value \[\]; list should have at least 1 item"),
        ('["AC3[0:100]"]', "[", r"ac34\.yaml, line \d: not valid YAML"),
    ],
)
def test_a_fault_of_a_split_file_is_one_sentence_at_load(folder, old, new, fault):
    path = folder / "config/splits/ac34.yaml"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(GrdError, match=fault):
        Project.load()


def test_a_sample_that_is_listed_twice_is_refused_at_load(folder):
    path = folder / "config/splits/cvppp.yaml"
    path.write_text(path.read_text().replace("plant006,", "plant005,"))
    with pytest.raises(
        GrdError, match=r"cvppp\.yaml: .*every sample once, found plant005 in validation and plant005 in training"
    ):
        Project.load()


def test_a_split_file_that_is_not_there_is_refused_at_load(folder):
    (folder / "config/splits/celegans.yaml").unlink()
    with pytest.raises(GrdError, match=r"config/splits/celegans\.yaml: expected a configuration file, found none"):
        Project.load()
