"""Float32 means float32: PyTorch's switches for TF32 before, in and after what computes. (They can be read without a GPU.)"""

import pytest
import torch

from grd.errors import GrdError
from grd.system.devices import choose_device, product_precision
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
