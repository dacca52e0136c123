"""What users call runs where the modules of POSIX are absent, as on Windows."""

import subprocess
import sys

import numpy as np
import pytest
import tifffile
from projects import squares
from random_models import write_random_model

ABSENT = """
import os, sys
for module in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[module] = None
for name in ("fork", "geteuid", "getuid", "kill", "link", "mkfifo", "sched_getaffinity", "sysconf"):
    if hasattr(os, name):
        delattr(os, name)
"""
CALL = f"{ABSENT}\nfrom grd.cli import main\nmain(sys.argv[1:])"


def python(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model and an image."""
    folder = tmp_path_factory.mktemp("user")
    write_random_model(folder / "model.pt", "resunet_tiny")
    tifffile.imwrite(folder / "mine.tif", squares(1, 0).images[0])
    return folder


def test_predict_and_score_run_without_them(folder):
    done = python(CALL, "predict", folder / "mine.tif", "--model", folder / "model.pt", "-o", folder, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    labels = folder / "mine-labels.tif"
    assert done.stdout.startswith(f"{labels}: ") and tifffile.imread(labels).shape == (48, 48)
    np.save(folder / "truth.npy", squares(1, 0).labels[0])
    done = python(CALL, "score", labels, folder / "truth.npy")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sbd")


@pytest.mark.parametrize("module", ["grd.apply.export", "grd.apply.model_zoo", "grd.system.gpu_turns"])
def test_modules_are_imported_without_them(module):
    done = python(f"{ABSENT}\nimport {module}")
    assert done.returncode == 0, done.stderr


def test_the_modules_are_hidden():
    assert "ModuleNotFoundError: import of fcntl halted" in python(f"{ABSENT}\nimport fcntl").stderr
