import shutil

import pytest
from config.edits import CONFIG


@pytest.fixture
def config(tmp_path):
    """A copy of config/ that a test may edit."""
    return shutil.copytree(CONFIG, tmp_path / "config")
