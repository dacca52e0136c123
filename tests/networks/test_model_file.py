import pytest
import torch
from random_models import write_random_model

from grd.errors import GrdError
from grd.networks.model_file import Use, load_model


def test_a_folder_in_place_of_a_model_is_told_to_be_one(tmp_path):
    with pytest.raises(GrdError, match=r"expected a model file, found a folder; name the model\.pt in it"):
        load_model(tmp_path, torch.device("cpu"))


def test_a_model_that_may_not_be_read_is_not_to_be_trained_anew(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("grd.networks.model_file.zipfile.ZipFile", refuse)
    with pytest.raises(PermissionError):
        load_model(tmp_path / "model.pt", torch.device("cpu"))


def test_weights_of_a_network_that_was_edited_since_are_told_in_one_sentence(tmp_path):
    path = write_random_model(tmp_path / "model.pt", "resunet_tiny")
    content = torch.load(path, weights_only=True)
    content["weights"]["other"] = content["weights"].popitem()[1]
    torch.save(content, path)
    with pytest.raises(GrdError, match=r"model\.pt: expected weights of the network resunet_tiny as it is now, found others"):
        load_model(path, torch.device("cpu"))


def test_a_card_of_another_version_is_told_in_one_sentence():
    settings = {"algorithm": "waterz", "threshold": 0.5, "scoring": "mean"}
    use = Use((8, 24, 24), (8, 24, 24), 30.0, None, {"waterz": settings}, {}, {}, {})
    for name in ("waterz", None):
        with pytest.raises(GrdError, match=r"found scoring: extra inputs are not permitted; it is of another version of grd"):
            use.segmenter(name)
