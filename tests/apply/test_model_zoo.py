"""Packages for bioimage.io are valid for bioimageio.spec, their weights give their test output, and no address is looked up."""

import io
import socket
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import tifffile
from bioimageio.spec import ModelDescr, ValidationContext, load_description
from projects import squares, tubes
from pydantic import TypeAdapter
from random_models import DATA, write_random_model
from skimage.io import imread

from grd.apply.model_zoo import export_bioimageio
from grd.errors import GrdError

ADDRESSES = ("https://arxiv.org/abs/2401.06370", "https://example.org/")


def build_package(folder, name, sample, **changes):
    """The zip, and the names that were looked up while it was made."""
    asked, model = [], write_random_model(folder / "model.pt", name, **changes)
    tifffile.imwrite(folder / "sample.tif", sample, photometric="rgb" if sample.shape[-1] == 3 else "minisblack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *address, **_: asked.append(address) or [])
        path = export_bioimageio(model, folder / "package.zip", folder / "sample.tif", ["A. Author", "B. Author"])
    with ValidationContext(log_warnings=False):
        found = load_description(path, known_files=dict.fromkeys(ADDRESSES))
    return SimpleNamespace(path=path, asked=asked, described=found, read=zipfile.ZipFile(path).read)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A package of a model of grey images, made with a sample of 16 bits."""
    sample = squares(1, 0, size=70).images[0][:, :60] * np.uint16(9)
    return build_package(tmp_path_factory.mktemp("images"), "resunet_tiny", sample)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """A package of a model of volumes, made with a sample larger than the model's canvas."""
    data = DATA | {"licence": "ask the authors"}
    return build_package(tmp_path_factory.mktemp("volumes"), "mala_tiny", tubes(1, 0, (14, 47, 44)).images[0], data=data)


def build_clipped(folder, name, sample):
    """A package of a model whose card has percentiles, made with a sample that a few specks would darken."""
    sample = sample.astype(np.uint16)
    sample.flat[::1000] = 60000
    return build_package(folder, name, sample, percentiles=(1, 99.5))


@pytest.fixture(scope="module")
def clipped_images(tmp_path_factory):
    return build_clipped(tmp_path_factory.mktemp("clipped_images"), "resunet_tiny", squares(1, 0, size=70).images[0])


@pytest.fixture(scope="module")
def clipped_volumes(tmp_path_factory):
    return build_clipped(tmp_path_factory.mktemp("clipped_volumes"), "mala_tiny", tubes(1, 0, (14, 47, 44)).images[0])


@pytest.fixture(params=["images", "volumes", "clipped_images", "clipped_volumes"])
def package(request):
    return request.getfixturevalue(request.param)


def test_the_package_is_valid(package):
    assert isinstance(package.described, ModelDescr)
    assert package.described.validation_summary.status == "valid-format"


def test_nothing_is_looked_up(package):
    assert package.asked == []


def array(package, descr):
    return np.load(io.BytesIO(package.read(str(descr.test_tensor.source))))


def preprocess(values, steps):
    """What bioimage.io's descriptions of these steps say."""
    for step in steps:
        if step.id == "ensure_dtype":
            values = values.astype(step.kwargs.dtype)
        elif step.id == "scale_range":
            axes = tuple(range(1, values.ndim))
            assert [str(axis) for axis in step.kwargs.axes] == ["channel", *"zyx"[-(values.ndim - 2) :]]
            percentiles = step.kwargs.min_percentile, step.kwargs.max_percentile
            low, high = np.percentile(values, percentiles, axes, keepdims=True).astype(np.float32)
            values = (values - low) / (high - low + np.float32(step.kwargs.eps))
        elif step.id == "clip":
            values = values.clip(step.kwargs.min, step.kwargs.max)
        else:
            assert step.id == "scale_linear"
            values = values * step.kwargs.gain + step.kwargs.offset
    return values


def test_the_weights_give_the_test_output_for_the_preprocessed_test_input(package):
    (given,), (wanted,) = package.described.inputs, package.described.outputs
    session = onnxruntime.InferenceSession(package.read(str(package.described.weights.onnx.source)))
    (found,) = session.run(None, {"image": preprocess(array(package, given), given.preprocessing)})
    expected = array(package, wanted)
    assert expected.std((2, 3)).max() > 1e-3
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_percentiles_of_a_card_are_those_of_the_package(clipped_images, clipped_volumes):
    for package in (clipped_images, clipped_volumes):
        (given,) = package.described.inputs
        (scaling,) = [step.kwargs for step in given.preprocessing if step.id == "scale_range"]
        assert (scaling.min_percentile, scaling.max_percentile) == (1, 99.5)
        assert (array(package, given) > 128).mean() > 0.05


def test_images_of_any_range_are_stretched_to_grey_values(images):
    (given,) = images.described.inputs
    sample = np.array([[1000, 2000], [3000, 6000]], np.float32)[None, None]
    assert preprocess(sample, given.preprocessing).tolist() == [[[[0, 51], [102, 255]]]]
    assert preprocess(sample, given.preprocessing).dtype == np.uint8


def test_the_test_arrays_are_the_middle_of_the_sample(images, volumes):
    assert array(images, images.described.inputs[0]).shape == (1, 1, 70, 60)
    assert array(volumes, volumes.described.inputs[0]).shape == (1, 1, 12, 40, 40)
    assert array(volumes, volumes.described.outputs[0]).shape == (1, 16, 8, 24, 24)


def test_the_cover_is_twice_as_wide_as_high(images, volumes):
    assert imread(io.BytesIO(images.read("cover.png"))).shape == (60, 120, 3)
    assert imread(io.BytesIO(volumes.read("cover.png"))).shape == (24, 48, 3)


def test_a_licence_with_an_identifier_is_named_and_another_one_enclosed(images, volumes):
    assert str(images.described.license) == "CC-BY-4.0"
    assert volumes.read(str(volumes.described.license.source)) == b"ask the authors"


def test_card_authors_citations_and_scores_travel_along(images):
    found = images.described
    assert [author.name for author in found.authors] == ["A. Author", "B. Author"]
    assert [str(entry.url) for entry in found.cite] == list(ADDRESSES)
    assert found.config.grd["use"]["segmenters"]["usual"]["strides"] == [2, 2]
    assert "| usual | 1.50 |" in images.read("README.md").decode()
    assert found.name == "ResUNet-tiny for instances (Dots co)"


@pytest.mark.parametrize(
    ("rgb", "shape", "part"),
    [
        (False, (40, 40, 3), r"expected a grey image of at least 16 x 16, found shape \(40, 40, 3\)"),
        (True, (40, 40), r"expected an RGB image of at least 16 x 16, found shape \(40, 40\)"),
        (False, (40, 15), r"found shape \(40, 15\)"),
    ],
)
def test_a_sample_of_another_kind_is_refused(tmp_path, rgb, shape, part):
    with pytest.raises(GrdError, match=part):
        build_package(tmp_path, "resunet_tiny", np.zeros(shape, np.uint8), rgb=rgb)


def test_a_package_has_an_author(tmp_path):
    with pytest.raises(GrdError, match="expected the name of at least one author"):
        export_bioimageio(tmp_path / "model.pt", tmp_path / "package.zip", tmp_path / "sample.tif", [])


def test_an_absent_bioimageio_is_named_with_the_way_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioimageio.spec", None)
    with pytest.raises(GrdError, match=r"found no bioimageio\.spec; run pip install '.\[export\]'"):
        export_bioimageio(tmp_path / "model.pt", tmp_path / "package.zip", tmp_path / "sample.tif", ["A. Author"])


def test_what_bioimageio_refuses_is_one_sentence(tmp_path, monkeypatch):
    def refuse(*_):
        TypeAdapter(int).validate_python("two")

    monkeypatch.setattr("grd.apply.model_zoo._description", refuse)
    with pytest.raises(GrdError, match=r"a valid package, found by bioimageio\.spec: Input should be .*another --sample"):
        build_package(tmp_path, "resunet_tiny", squares(1, 0, size=70).images[0])
