import numpy as np
import pytest
import torch
from projects import settings, train_into, write_squares

from grd.config.segmenters import MutexSegmenter
from grd.data.store import affinity_reader, read_labels, read_split
from grd.errors import GrdError
from grd.inference.predict import load_predictor, write_affinity_file
from grd.metrics.score_file import write_score_file
from grd.project.run import Run
from grd.segmentation.label_file import write_label_file
from grd.segmentation.timing import write_timing_file

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("world")
    samples = write_squares(folder / "samples.h5")
    train_into([settings(Run("cvppp", "resunet_tiny"))], samples, [folder], folder / "state")
    return folder


def test_affinities_are_float32_cosines_one_map_per_image(world, tmp_path):
    write_affinity_file(world / "model.pt", world / "samples.h5", ["test"], (48, 48), tmp_path / "a.h5", CPU)
    with affinity_reader(tmp_path / "a.h5") as (names, offsets, maps):
        maps = list(maps)
    assert names == read_split(world / "samples.h5", "test").names
    assert offsets == [(-1, 0), (0, -1), (-3, 0), (0, -3), (-9, 0), (0, -9)]
    assert len(maps) == 3 and maps[0].shape == (6, 48, 48) and maps[0].dtype == np.float32
    assert np.abs(maps[0]).max() <= 1 + 1e-6
    assert len(np.unique(maps[0])) > 1000  # neither clipped nor quantised


def test_an_image_of_any_size_is_padded_to_one_that_fits_and_cut_back(world):
    predictor = load_predictor(world / "model.pt", CPU)
    image = np.random.default_rng(0).integers(0, 256, (37, 50)).astype(np.uint8)
    assert predictor.embedding(image).shape == (16, 37, 50)
    assert predictor.affinities(np.stack([image] * 3, -1)).shape == (6, 37, 50)
    assert torch.allclose(predictor.embedding(image).norm(dim=0), torch.ones(1), atol=1e-5)


def test_from_model_to_scores(world, tmp_path):
    write_affinity_file(world / "model.pt", world / "samples.h5", ["test"], (48, 48), tmp_path / "a.h5", CPU)
    settings = MutexSegmenter(algorithm="mutex", foreground="truth", merge_passes=())
    write_label_file(tmp_path / "a.h5", world / "samples.h5", "test", settings, tmp_path / "l.h5")
    write_label_file(tmp_path / "a.h5", world / "samples.h5", "test", settings, tmp_path / "l2.h5", threads=2)
    write_score_file(tmp_path / "l.h5", world / "samples.h5", "test", tmp_path / "s.csv")
    names, labels = read_labels(tmp_path / "l.h5")
    assert np.array_equal(labels, read_labels(tmp_path / "l2.h5")[1])
    assert ((labels > 0) == (read_split(world / "samples.h5", "test").labels > 0)).all()
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines[0] == "image,sbd,dic,aji,f1,pq,dice" and len(lines) == 1 + len(names)
    assert all(line.endswith("1.000000") for line in lines[1:])  # the foreground was given, so its Dice is 1


def test_scores_of_other_images_are_refused(world, tmp_path):
    from grd.data.store import write_labels

    write_labels(tmp_path / "l.h5", ["x"], np.zeros((1, 48, 48), np.int32))
    with pytest.raises(GrdError, match=r"l\.h5: expected the 3 images of .*, test, found others"):
        write_score_file(tmp_path / "l.h5", world / "samples.h5", "test", tmp_path / "s.csv")


def test_timing_has_a_row_per_pass_of_both_kinds(world, tmp_path):
    settings = MutexSegmenter(algorithm="mutex", foreground="corner")
    write_timing_file(world / "model.pt", world / "samples.h5", "test", (48, 48), settings, tmp_path / "t.csv", CPU)
    lines = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()]
    assert lines[0] == ["forward", "end_to_end", "images", "device"] and 2 <= len(lines) <= 4
    assert all(0 < float(forward) < float(whole) for forward, whole, *_ in lines[1:])
