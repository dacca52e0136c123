from pathlib import Path

import pytest
import yaml

from grd.data.splits import split_names
from grd.planning.sizes import affinities_bytes, device_bytes, sample_shape, samples_bytes, split_shapes
from grd.project.project import Project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def datasets(monkeypatch):
    monkeypatch.chdir(ROOT)
    general = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | {"scale": "paper"}
    return Project.load(ROOT / "config", general)


def test_samples_are_counted_by_the_split_file_or_as_the_archive_lists_them(datasets):
    counts = {name: [len(shapes) for shapes in split_shapes(data, None).values()] for name, data in datasets.datasets.items()}
    assert counts["cvppp"] == [98, 10, 20] and counts["celegans"] == [40, 10, 50] and counts["bbbc039"] == [100, 50, 50]
    assert counts["cremi_b"] == [1, 1, 1]
    assert list(split_shapes(datasets.dataset("bbbc039"), None)) == list(split_names(datasets.dataset("cvppp"), {}))


def test_a_part_of_a_volume_has_the_size_of_the_part(datasets, tmp_path):
    assert split_shapes(datasets.dataset("ac34"), None)["validation"] == [(20, 1024, 1024)]
    split = tmp_path / "split.yaml"
    split.write_text('training: ["AC4[0:10, 0:400, 0:220]"]\nvalidation: [AC3]\ntest: ["AC4[50:90]"]\n')
    custom = datasets.dataset("ac34").model_copy(update={"split": split})
    assert list(split_shapes(custom, None).values()) == [[(10, 400, 220)], [(100, 1024, 1024)], [(40, 1024, 1024)]]
    split.write_text('training: ["AC4[0:9]"]\nvalidation: [AC3]\ntest: [AC5]\n')
    assert split_shapes(custom, None)["training"] == [(9, 1024, 1024)]  # a changed file is read again


def test_a_twin_has_sections_of_its_own_size(datasets):
    twins = yaml.safe_load((ROOT / "config/scales/demo.yaml").read_text())["twins"]
    demo = Project.load(ROOT / "config", datasets.config.model_dump() | {"scale": "demo"})
    assert sample_shape(demo.dataset("cremi_a"), demo.twin("cremi_a")) == (125, *twins["cremi_a"]["size"])
    assert sample_shape(demo.dataset("cvppp"), demo.twin("cvppp")) == tuple(twins["cvppp"]["size"])
    assert datasets.twin("cvppp") is None


def test_bytes_by_hand(datasets):
    cvppp, cremi = datasets.dataset("cvppp"), datasets.dataset("cremi_c")
    assert device_bytes(cvppp, None) == 108 * 530 * 500 * (3 + 4)
    assert samples_bytes(cvppp, None) == int(128 * 530 * 500 * (3 + 2 * 0.05))
    assert device_bytes(cremi, None) == 75 * 1250 * 1250 * (1 + 4)
    assert affinities_bytes(cremi, None, 3) == 75 * 1250 * 1250 * 3 * 4  # 25 sections for validation, 50 for the test
