"""The ONNX file of a model, run by onnxruntime, gives the pipeline's embeddings."""

import json
import sys

import numpy as np
import onnxruntime
import pytest
import torch
from random_models import write_random_model

import grd
from grd.apply.export import Sizes, export_onnx
from grd.errors import GrdError
from grd.inference.predict import load_predictor
from grd.losses.affinity import unit_vectors
from grd.networks import build
from grd.networks.model_file import ModelCard, load_model

CPU = torch.device("cpu")
MODELS = {
    "resunet_tiny": {"normalisation": "unit", "padding": "reflect"},
    "nested_unet": {"normalisation": "imagenet", "padding": "reflect", "rgb": True},
    "mobilenet_v2": {"normalisation": "imagenet", "padding": "zero"},
    "mala_tiny": {},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Exports a model once: its file, and that of its ONNX."""
    folder, made = tmp_path_factory.mktemp("exported"), {}

    def export(name):
        if name not in made:
            model = write_random_model(folder / f"{name}.pt", name, **MODELS[name])
            made[name] = model, export_onnx(model, folder / f"{name}.onnx")
        return made[name]

    return export


def run(path, grey):
    return onnxruntime.InferenceSession(path).run(None, {"image": grey})[0]


def random_grey(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("name", ["resunet_tiny", "nested_unet", "mobilenet_v2"])
@pytest.mark.parametrize("size", [(48, 64), (37, 90)])
def test_images_of_any_size_get_the_predictor_s_embeddings(exported, name, size):
    model, path = exported(name)
    channels = 3 if MODELS[name].get("rgb") else 1
    grey = random_grey(2, channels, *size)
    found, predictor = run(path, grey), load_predictor(model, CPU)
    images = np.moveaxis(grey, 1, 3) if channels == 3 else grey[:, 0]
    expected = np.stack([predictor.embedding(image).numpy() for image in images])
    assert expected.std((2, 3)).max() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("steps", [0, 3])
def test_volumes_get_the_network_s_embeddings_of_their_middle(exported, steps):
    model, path = exported("mala_tiny")
    network, _ = load_model(model, CPU)
    sizes = Sizes.of(network)
    grey = random_grey(2, 1, *(first + steps * step for first, step in zip(sizes.smallest, sizes.step, strict=True)))
    with torch.inference_mode():
        expected = unit_vectors(network(torch.from_numpy(grey).float() / 255)).numpy()
    assert expected.shape[2:] == network.output_size(grey.shape[2:])
    np.testing.assert_allclose(run(path, grey), expected, atol=1e-5)


@pytest.mark.parametrize("pooling", [[[1, 3, 3], [1, 3, 3]], [[2, 2, 2]]])
def test_the_sizes_of_volumes_are_all_that_the_network_takes(pooling):
    levels = len(pooling)
    network = build("mala", encoder=[1] * (levels + 1), decoder=[1] * levels, pooling=pooling, kernels=None)
    sizes = Sizes.of(network)
    taken = [n for n in range(1, 200) if network._output_length(1, n)]
    assert taken == list(range(sizes.smallest[1], 200, sizes.step[1]))


def test_a_volume_of_another_size_is_refused_by_the_runtime(exported):
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail, match="dimensions must match"):
        run(exported("mala_tiny")[1], random_grey(1, 1, 12, 41, 40))


def test_numbers_of_another_type_or_another_count_of_channels_are_refused_by_the_runtime(exported):
    path = exported("resunet_tiny")[1]
    for wrong in (random_grey(1, 1, 32, 32).astype(np.float32) / 255, random_grey(1, 3, 32, 32)):
        with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
            run(path, wrong)


def test_the_card_travels_in_the_metadata_and_paths_of_this_machine_do_not(exported):
    model, path = exported("resunet_tiny")
    found = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map["card"]
    card = load_model(model, CPU)[1]
    assert ModelCard.of(json.loads(found)).required_use(path).background == card.use.background
    assert [tuple(offset) for offset in json.loads(found)["offsets"]] == card.offsets
    content = path.read_bytes()
    assert not any(str(place).encode() in content for place in (grd.__path__[0], torch.__path__[0], sys.prefix))


def test_absent_packages_are_named_with_the_way_to_install_them(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(GrdError, match=r"found no onnxscript; run pip install '.\[export\]'"):
        export_onnx(tmp_path / "model.pt", tmp_path / "model.onnx")


def test_weights_without_a_card_are_refused(tmp_path):
    model = write_random_model(tmp_path / "weights.pt", "resunet_tiny", use=None)
    with pytest.raises(GrdError, match="found weights alone"):
        export_onnx(model, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
