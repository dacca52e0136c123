import os

import pytest
import torch
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

os.environ.setdefault("MPLBACKEND", "Agg")
hypothesis_settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy")  # other work on a machine fails no test


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
