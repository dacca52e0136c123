"""The Makefile: what it says before anything runs."""

import os
import shutil
import subprocess

import pytest
from pipelines import ROOT


def make(folder, *arguments):
    """``make`` as someone types it, also where these tests run under a ``make`` of their own."""
    shutil.copy(ROOT / "Makefile", folder)
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [(), ("demo",), ("setup",), ("test",), ("-j4", "test")])
def test_in_a_path_with_a_space_make_says_so_and_does_nothing(tmp_path, arguments):
    folder = tmp_path / "my project"
    folder.mkdir()
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / name).touch()
    result = make(folder, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert f"expected a path without spaces, found {folder}: Snakemake cannot start Python there; move" in result.stderr
    assert not (folder / ".venv").exists()


def test_an_installation_is_not_made_again_in_a_path_without_one(tmp_path):
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/installed").touch()
    result = make(tmp_path, "setup", "PYTHON=false")
    assert result.returncode == 0, result.stderr
