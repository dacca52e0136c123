"""Models that ship are found by their names."""

from pathlib import Path

import pytest
import torch

from grd.apply import shipped
from grd.data.twins import bbbc039, shapes
from grd.errors import GrdError
from grd.inference.predict import load_predictor
from grd.metrics.instances import score_instances
from grd.networks.model_file import load_model
from grd.reading.grey import grey_rule
from grd.segmentation.run_files import segment_sample
from grd.system.digests import sha256


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "nuclei.pt").touch()
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_means_the_model_that_ships(folder):
    assert shipped.find_model("nuclei") == folder / "nuclei.pt"


@pytest.mark.parametrize("path", ["model.pt", "runs/model", "missing.pt"])
def test_a_path_stays_a_path(folder, path):
    assert shipped.find_model(path) == Path(path)


def test_a_file_in_the_working_directory_comes_before_the_model_of_its_name(folder):
    (folder / "nuclei").touch()
    assert str(shipped.find_model("nuclei")) == "nuclei"


def test_a_folder_of_images_of_the_same_name_is_no_model(folder):
    (folder / "nuclei").mkdir()
    assert shipped.find_model("nuclei") == folder / "nuclei.pt"


def test_a_mistyped_name_is_refused_with_the_nearest(folder):
    with pytest.raises(GrdError, match="did you mean 'nuclei'"):
        shipped.find_model("nucleus")


def test_without_models_the_message_says_what_to_name(folder):
    (folder / "nuclei.pt").unlink()
    with pytest.raises(GrdError, match=r"expected a file, found none.*name the model\.pt of a run"):
        shipped.find_model("nuclei")


@pytest.mark.parametrize("model", shipped.shipped_models().values(), ids=lambda path: path.stem)
def test_a_model_that_ships_has_a_card_of_its_own_file_and_can_be_used(model):
    card, picture = (model.with_suffix(ending) for ending in (".md", ".png"))
    assert sha256(model) in card.read_text() and picture.exists()
    network, facts = load_model(model, torch.device("cpu"))
    use = facts.required_use(model)
    assert network.rank == 2 and use.data["licence"] and use.segmenter().foreground == "learned"
    assert model.stat().st_size < 1_500_000


def test_the_model_of_nuclei_finds_the_nuclei_of_a_twin():
    image, truth = bbbc039.draw(shapes.generator(0, 0), (160, 208), 2)
    model = shipped.find_model("nuclei")
    predictor = load_predictor(model, torch.device("cpu"))
    segmenter = predictor.card.required_use(model).segmenter()
    found = segment_sample(predictor.offsets, segmenter, predictor.predict(grey_rule(image)(image)))
    assert score_instances(found, truth)["pq"] > 0.8  # 0.904, where it was measured
