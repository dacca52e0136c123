"""Float32 means float32: PyTorch's switches for TF32 before, in and after what computes. (They can be read without a GPU.)"""

import pytest
import torch

from grd.config.general import Config
from grd.config.parsing import parse
from grd.errors import GrdError
from grd.system.devices import choose_device, device_name, product_precision
from grd.system.gpu_turns import claim_device


def tf32():
    """The switches for matrix products and for convolutions."""
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.fixture(autouse=True)
def _switched_on():
    before = tf32()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def test_whatever_computes_on_a_device_computes_in_full_float32():
    choose_device("cpu")
    assert tf32() == (False, False)


def test_a_job_that_claims_a_device_computes_in_full_float32():
    with claim_device("predicting", "cpu"):
        assert tf32() == (False, False)


@pytest.mark.parametrize(("precision", "allowed"), [("float32", False), ("bfloat16", False), ("tf32", True)])
def test_only_the_precision_tf32_allows_it_and_it_ends_with_the_training(precision, allowed):
    with product_precision(precision):
        assert tf32() == (allowed, allowed)
    assert tf32() == (False, False)


def test_it_ends_with_a_training_that_fails():
    with pytest.raises(GrdError), product_precision("tf32"):
        raise GrdError("a loss that is not finite")
    assert tf32() == (False, False)


@pytest.mark.parametrize("name", ["cpu", "mps"])
def test_a_device_has_the_name_that_config_and_command_line_give_it(monkeypatch, name):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device(name) == torch.device(name)
    assert device_name(torch.device(name)).startswith({"cpu": "CPU", "mps": "Apple GPU"}[name])
    assert parse(Config, {"scale": "demo", "seeds": [0], "device": name}, "config.yaml").device == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mps", "expected a Mac with a GPU"), ("cuda:7", "expected a GPU, found 0"), ("cuda", "expected a GPU")],
)
def test_a_gpu_that_is_not_there_is_one_sentence(monkeypatch, name, expected):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(GrdError, match=rf"^device '{name}': {expected}[^.]*; set `device: auto` in config/config\.yaml, or"):
        choose_device(name)


@pytest.mark.parametrize("name", ["gpu", "meta", "mps:1", "cuda:", "CPU"])
def test_a_device_of_another_name_is_refused_by_config_and_command_line(name):
    with pytest.raises(GrdError, match=f"device '{name}': expected auto, cpu, cuda, cuda:N or mps"):
        choose_device(name)
    with pytest.raises(GrdError, match="'device' has value"):
        parse(Config, {"scale": "demo", "seeds": [0], "device": name}, "config.yaml")


def test_without_a_cuda_gpu_auto_is_the_cpu_also_on_a_mac(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cpu")
