"""From a folder of images and masks to a scored model, and on with that model: the workflow on a user's own data."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import yaml
from apply.own_data import write_pairs
from pipelines import NETWORKS, Pipeline

from grd.cli import main
from grd.data.store import SPLITS, read_labels, read_split
from grd.metrics.score_file import read_scores

IMPORT = "from pathlib import Path; from grd.apply.own_dataset import import_folders as f; print(f('mine', *map(Path, {})))"
OWN = ("--config", "scale=own", "device=cpu", "--")
TAUGHT = "results/own/runs/mine/resunet_tiny-grd-resunet-s0"
ALL_AGAIN = {
    "Obtaining the archives of mine",
    "Preparing the samples of mine",
    "Training resunet-s0 on mine",
    "Training resunet_tiny-s0 on mine",
    "Setting table_mine",
}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A project in which twelve pairs of two sizes were imported and trained on, for a few steps."""
    found = Pipeline(tmp_path_factory.mktemp("own"))
    path = found.folder / "config/scales/own.yaml"
    content = yaml.safe_load(path.read_text())
    content["training"] |= {"iterations": 50, "teacher_iterations": 30, "validate_every": 25}
    content["networks"] = NETWORKS | {"resunet_tiny": {"widths": [4, 6, 8, 10, 12]}}
    path.write_text(yaml.safe_dump(content))
    write_pairs(found.folder / "my data", 12, sizes=(64, 80))
    found.untouched = found.planned()
    command = [sys.executable, "-c", IMPORT.format(["my data/images", "my data/masks"])]
    subprocess.run(command, cwd=found.folder, env=os.environ | {"PYTHONPATH": str(found.folder / "src")}, check=True)
    found.build(*OWN, "table_mine")
    return found


@pytest.mark.slow
def test_a_folder_becomes_a_table_with_a_teacher_and_a_student(pipeline):
    table = (pipeline.folder / "results/own/tables/table_mine.md").read_text()
    rows = {line.split(" | ")[0]: line.split(" | ")[1:] for line in table.splitlines() if line.startswith("| ")}
    assert {"| T: ResUNet", "| S: ResUNet-tiny", "| + GRD"} <= rows.keys()
    assert all(0 <= float(cell.strip(" |")) <= 1 for cell in rows["| + GRD"])
    scores = read_scores(pipeline.folder / TAUGHT / "scores.csv", "learned")
    assert list(scores.index) == read_split(pipeline.folder / "results/own/data/mine.h5", "test").names
    assert scores["dice"].mean() > 0.5  # bright squares on a dark field
    assert not pipeline.planned(*OWN, "table_mine")


@pytest.mark.slow
def test_own_data_add_nothing_to_what_else_is_made(pipeline):
    assert pipeline.planned() == pipeline.untouched


@pytest.mark.slow
def test_the_model_segments_files_as_the_workflow_did(pipeline, tmp_path):
    samples, model = pipeline.folder / "results/own/data/mine.h5", pipeline.folder / TAUGHT / "model.pt"
    names, labels = read_labels(pipeline.folder / TAUGHT / "labels.h5", "learned")
    files = [pipeline.folder / f"my data/images/{name}.tif" for name in names]
    main(["predict", *map(str, files), "--model", str(model), "-o", str(tmp_path), "--device", "cpu"])
    for name, expected in zip(names, labels, strict=True):
        np.testing.assert_array_equal(tifffile.imread(tmp_path / f"{name}-labels.tif"), expected)
    sizes = {image.shape for split in SPLITS for image in read_split(samples, split).images}
    assert sizes == {(64, 64), (80, 80)}


@pytest.mark.slow
def test_a_mask_that_changes_is_told_and_makes_all_again_and_one_that_is_gone_is_missed(pipeline):
    mask = pipeline.folder / "my data/masks/cell3_mask.tif"
    tifffile.imwrite(mask, tifffile.imread(mask)[::-1])
    assert pipeline.planned(*OWN, "table_mine") >= ALL_AGAIN
    said = pipeline.build(*OWN, "results/own/data/mine.h5")
    assert (
        "cell3_mask.tif changed since config/folders/mine.json was written; what is made from this data set is made again" in said
    )
    mask.unlink()
    assert pipeline.planned("table2")
    result = pipeline.run("--cores", "1", *OWN, "results/own/data/mine.h5")
    assert (
        result.returncode and "cell3_mask.tif, which config/folders/mine.json lists, found no file; put it back" in result.stdout
    )
