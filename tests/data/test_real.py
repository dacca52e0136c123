"""Real archives, where the environment variable GRD_REAL_DATA names a folder that holds them."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from grd.data import readers
from grd.data.archives.acquisition import obtain
from grd.data.prepare import prepare
from grd.data.store import read_split
from grd.project.project import Project

ROOT = Path(__file__).parents[2]
ARCHIVES = Path(os.environ.get("GRD_REAL_DATA", "/nonexistent"))


def obtain_archives(dataset, folder, monkeypatch):
    if not ARCHIVES.is_dir():
        pytest.skip("real archives: GRD_REAL_DATA names no folder here")
    monkeypatch.chdir(ROOT)
    settings = Project.load(ROOT / "config", {"scale": "paper", "seeds": [0]}).dataset(dataset)
    return settings, obtain(dataset, settings, folder / "archives", ARCHIVES, progress=False)


def prepare_real(dataset, folder, monkeypatch):
    settings, archives = obtain_archives(dataset, folder, monkeypatch)
    prepare(dataset, settings, archives, folder / "samples.h5", allow_missing=True)
    return folder / "samples.h5"


def counts(path):
    splits = [read_split(path, split) for split in ("training", "validation", "test")]
    return [len(split.names) for split in splits], sum(int(labels.max()) for split in splits for labels in split.labels)


def test_bbbc039_has_200_images_with_22723_nuclei_of_25_pixels_and_more(tmp_path, monkeypatch):
    path = prepare_real("bbbc039", tmp_path, monkeypatch)
    assert counts(path) == ([100, 50, 50], 22_723)
    with h5py.File(path) as file:
        assert file["training/images"].shape == (100, 520, 696)


def test_222_of_the_5720_objects_of_bbbc039_s_test_split_are_smaller(tmp_path, monkeypatch):
    settings, archives = obtain_archives("bbbc039", tmp_path, monkeypatch)
    found = {}
    for smallest in (0, settings.min_instance):
        changed = settings.model_copy(update={"min_instance": smallest})
        prepare("bbbc039", changed, archives, tmp_path / f"{smallest}.h5", allow_missing=False)
        found[smallest] = [int(labels.max()) for labels in read_split(tmp_path / f"{smallest}.h5", "test").labels]
    assert sum(found[0]) == 5_720 and sum(found[0]) - sum(found[25]) == 222
    assert sum(a != b for a, b in zip(found[0], found[25], strict=True)) == 46


def test_97_wells_of_celegans_have_1368_worms(tmp_path, monkeypatch):
    assert counts(prepare_real("celegans", tmp_path, monkeypatch)) == ([40, 10, 47], 1_368)


def test_a_crop_of_ac4_has_61_neurites_and_unlabelled_membranes(tmp_path, monkeypatch):
    _, archives = obtain_archives("ac34", tmp_path, monkeypatch)
    (sample,) = readers.read("ac34", archives, allow_missing=True)
    assert sample.name == "AC4" and sample.image.shape == (10, 400, 400)
    assert sample.labels.max() == 61 and np.mean(sample.labels == 0) == pytest.approx(0.133, abs=5e-4)


def test_the_tifs_of_snemi3d_are_the_same_crop_of_ac4(tmp_path, monkeypatch):
    _, archives = obtain_archives("ac34", tmp_path, monkeypatch)
    tifs = {name: ARCHIVES / "AC4" / name for name in ("train-input.tif", "train-labels.tif")}
    (one,), (other,) = (readers.read("ac34", files, allow_missing=True) for files in (archives, tifs))
    assert np.array_equal(one.image, other.image) and np.array_equal(one.labels, other.labels)


def test_a_crop_of_cremi_b_has_27_neurons_and_no_defective_section(tmp_path, monkeypatch, caplog):
    _, archives = obtain_archives("cremi_b", tmp_path, monkeypatch)
    (sample,) = readers.read("cremi_b", archives)
    assert sample.name == "sample_B" and sample.image.shape == (5, 500, 500)
    assert sample.labels.max() == 27 and sample.labels.min() == 1
    assert "are defective" not in caplog.text
