"""Folders of synthetic images and masks as users have them, and a project to import them into."""

import shutil
from pathlib import Path

import numpy as np
import tifffile
from projects import squares, tubes

CONFIG = Path(__file__).parents[2] / "config"


def write_pairs(folder, count=5, sizes=(48,), background=True):
    """Write `count` images of squares, 12 pixels wide, and their masks, of these sizes in turn."""
    for number in range(count):
        split = squares(1, number, sizes[number % len(sizes)])
        write(folder / f"images/cell{number}.tif", split.images[0].astype(np.uint16) * 10)
        write(folder / f"masks/cell{number}_mask.tif", split.labels[0] + (not background))
    return folder / "images", folder / "masks"


def write_volumes(folder, count=1, size=(30, 40, 40)):
    """Write volumes of columns and their labels."""
    for number in range(count):
        split = tubes(1, number, size)
        write(folder / f"images/v{number}.tif", split.images[0])
        write(folder / f"masks/v{number}.tif", split.labels[0])
    return folder / "images", folder / "masks"


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, array, photometric="minisblack")


def copy_project(folder, monkeypatch):
    """A project's config/ in a folder that becomes the working directory."""
    shutil.copytree(CONFIG, folder / "config")
    monkeypatch.chdir(folder)
    return folder
