"""Real archives, where the environment variable GRD_REAL_DATA names a folder that holds them."""

import os
from pathlib import Path

import h5py
import pytest

from grd.data.archives import obtain
from grd.data.prepare import prepare
from grd.data.store import read_split
from grd.runs import Project

ROOT = Path(__file__).parents[2]
ARCHIVES = Path(os.environ.get("GRD_REAL_DATA", "/nonexistent"))


def prepared(dataset, folder, monkeypatch):
    if not ARCHIVES.is_dir():
        pytest.skip("real archives: GRD_REAL_DATA names no folder here")
    monkeypatch.chdir(ROOT)
    settings = Project.load(ROOT / "config", {"scale": "paper", "seeds": [0]}).dataset(dataset)
    archives = obtain(dataset, settings, folder / "archives", ARCHIVES, progress=False)
    prepare(dataset, settings, archives, folder / "samples.h5", allow_missing=True)
    return folder / "samples.h5"


def counts(path):
    splits = [read_split(path, split) for split in ("training", "validation", "test")]
    return [len(split.names) for split in splits], sum(int(labels.max()) for split in splits for labels in split.labels)


def test_bbbc039_has_200_images_with_23617_nuclei(tmp_path, monkeypatch):
    path = prepared("bbbc039", tmp_path, monkeypatch)
    assert counts(path) == ([100, 50, 50], 23_617)
    with h5py.File(path) as file:
        assert file["training/images"].shape == (100, 520, 696)


def test_97_wells_of_celegans_have_1368_worms(tmp_path, monkeypatch):
    assert counts(prepared("celegans", tmp_path, monkeypatch)) == ([40, 10, 47], 1_368)
