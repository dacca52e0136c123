"""Copies of the project in which the commands of the pages are tried."""

import io
import re
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from pages import ROOT, block_titled, commands
from programs import STAND_INS
from projects import WIDTHS, squares
from skimage.io import imsave
from stand_ins import make_results
from tifffile import imwrite

from grd.apply.label_files import write_labels
from grd.apply.origin import Origin
from grd.apply.own_dataset import import_folders
from grd.networks import build
from grd.networks.model_file import ModelCard, Use, save_model
from grd.reading.axes import Choice

IMAGES = (
    "nuclei.tif",
    "new.tif",
    "truth.tif",
    "plates/plate1.tif",
    "plates/plate2.tif",
    "labels/nuclei-labels.tif",
    "volume.h5",
    "nuclei/new/a.tif",
)
MODELS = {2: ("resunet_tiny", [(-1, 0), (0, -1)]), 3: ("mala_tiny", [(-1, 0, 0), (0, -1, 0), (0, 0, -1)])}


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project with stand-ins for programs, results, models, and users' images."""
    folder = copied(tmp_path_factory.mktemp("project"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_results()
        for name in IMAGES:
            write_image(Path(name))
        write_pairs(Path("nuclei"))
        for command in commands():
            for path in re.findall(r"(?:--model |model=|export )(\S+)", command.text):
                write_model(Path(path))
    return folder


@pytest.fixture(scope="session")
def extended(tmp_path_factory):
    """A copy of the project to which a data set, a method, a network and a table were added, as the pages say."""
    folder = copied(tmp_path_factory.mktemp("extended"))
    for path in ("src/grd/data/readers/cells.py", "src/grd/distillation/mse.py", "config/splits/cells.yaml"):
        (folder / path).write_text(block_titled(path))
    extend(folder / "config/datasets.yaml", block_titled("config/datasets.yaml"))
    for table in ("table_cells", "table7"):
        extend(folder / "config/experiments.yaml", block_titled("config/experiments.yaml", table))
    extend(folder / "config/published.yaml", shown("docs/extend.md", r"`(table7: \{\})`"))
    readers = folder / "src/grd/data/readers/__init__.py"
    insert(readers, '    "cvppp": cvppp.read,', "    " + shown("docs/extend.md", r'`("cells": cells\.read,)`') + "\n")
    insert(readers, "from grd.data.sample", "from grd.data.readers import cells\n")
    network = shown("docs/extend.md", r'^("resunet_s30": .*)$')
    insert(folder / "src/grd/config/catalogue.py", '    "resunet_s20"', f"    {network}\n")
    shutil.copy(folder / "workflow/report/table2.rst", folder / "workflow/report/table7.rst")
    (folder / "src/grd/reporting/tables/table7.py").write_text("def table7(project, layout):\n    raise NotImplementedError\n")
    write_archive(folder / "data/inbox/my cells.zip")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_pairs(Path("nuclei"))
        import_folders("mine", Path("nuclei/images"), Path("nuclei/masks"))
    return folder


def copied(folder):
    for part in ("config", "envs", "workflow", "src"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    binaries = folder / ".venv/bin"
    binaries.mkdir(parents=True)
    for name, script in STAND_INS.items():
        (binaries / name).write_text(f"#!/bin/sh\n{script}\n")
        (binaries / name).chmod(0o755)
    (binaries / "activate").touch()
    return folder


def write_image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (20, 64, 64) if path.suffix == ".h5" else (32, 32)
    pixels = np.random.default_rng(0).integers(0, 200, shape).astype(np.uint8)
    if path.parent.name == "labels":
        write_labels(path, pixels, Origin.of(Path("nuclei.tif"), Choice()))
        return
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["main"] = pixels
    else:
        imsave(path, pixels, check_contrast=False)


def write_model(path):
    if path.exists():
        return
    dataset, run = path.parts[-3:-1] or ("bbbc039", "resunet-s0")
    rank = 3 if run.startswith("mala") else 2
    network, offsets = MODELS[rank]
    images = {"mutex": {"algorithm": "mutex", "foreground": "corner", "strides": (1, 1)}}
    volumes = {"waterz": {"algorithm": "waterz", "threshold": 0.4}, "multicut": {"algorithm": "multicut"}}
    canvas = {2: (32, 32), 3: (12, 40, 40)}[rank]
    use = Use(canvas, canvas, 50.0, None, {2: images, 3: volumes}[rank], {}, {}, {})
    card = ModelCard(dataset, run, network, WIDTHS[network], "unit", "reflect", offsets, use=use)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(path, card, build(network, **WIDTHS[network]).state_dict())


def write_pairs(folder):
    """Folders of three images and masks, as docs/train.md describes them."""
    drawn = squares(3, 0, 64)
    for kind, arrays, ending in (("images", drawn.images, ""), ("masks", drawn.labels, "_mask")):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number, pixels in enumerate(arrays):
            imwrite(folder / kind / f"n{number}{ending}.tif", pixels)


def write_archive(path):
    """The zip that docs/extend.md describes, of five images."""
    drawn = squares(5, 0, 256)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for number, images in enumerate(zip(drawn.images, drawn.labels * 3, strict=True), 1):
            for kind, pixels in zip(("images", "labels"), images, strict=True):
                content = io.BytesIO()
                imwrite(content, pixels)
                file.writestr(f"{kind}/cell{number}.tif", content.getvalue())


def extend(file, text):
    file.write_text(f"{file.read_text().rstrip()}\n\n{text}\n")


def insert(file, before, text):
    """Put a text before one that occurs once in a file."""
    content = file.read_text()
    assert content.count(before) == 1, f"{file} has {content.count(before)} times {before!r}"
    file.write_text(content.replace(before, text + before))


def shown(page, pattern):
    """What the one match of a pattern on a page shows."""
    (found,) = re.findall(pattern, (ROOT / page).read_text(), re.MULTILINE)
    return found
