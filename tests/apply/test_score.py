"""Segmentations are scored against truths as people store them; right answers by brute force and scikit-image."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from grd.apply.score import check_complete, check_table, format_scores, score, score_files
from grd.data import store
from grd.errors import GrdError

CASES = Path(__file__).parents[1] / "reading" / "cases"
INSTANCES = {"sbd": 0.9083, "dic": 0, "aji": 0.8148, "f1": 1, "pq": 0.8377, "dice": 0.9143}


def check(frame, expected):
    found = frame.drop(columns="image").mean()
    assert {name: round(found[name], 4) for name in expected} == expected


@pytest.mark.parametrize(
    ("prediction", "truth"),
    [
        *[(f"p_{kind}.png", f"t_{kind}.png") for kind in ("pal", "rgb", "rgba", "red")],
        ("p_pal.png", "t.tif"),
        ("ps.tif", "t.tif"),
        ("p.tif", "t_lzw.tif"),
        ("p.tif", "t_zstd.tif"),
        ("p1hw.h5", "t1hw.h5"),
    ],
)
def test_an_image_has_the_same_scores_however_it_is_stored(prediction, truth):
    check(score_files(CASES / prediction, CASES / truth)[0], INSTANCES)


@pytest.mark.parametrize(
    ("prediction", "truth", "expected"),
    [
        ("Ppages5.tif", "Tpages5.tif", {"voi": 1.9108, "voi_split": 0.6277, "voi_merge": 1.2831, "arand": 0.4293}),
        ("P5.npy", "T5.npy", {"voi": 1.9108, "arand": 0.4293}),
        ("il_p.h5", "il_t.h5", {"voi": 0.4762, "arand": 0.0946}),
    ],
)
def test_a_stack_that_may_be_a_volume_or_images_is_asked_about(prediction, truth, expected):
    with pytest.raises(
        GrdError, match="expected axes with names, found three without; say what they are with --images or --volume"
    ):
        score_files(CASES / prediction, CASES / truth)
    check(score_files(CASES / prediction, CASES / truth, 3)[0], expected)


def test_images_of_one_file_are_scored_one_by_one():
    frame, _ = score_files(CASES / "images_a.h5", CASES / "images_b.h5")
    assert len(frame) == 50
    check(frame, {"sbd": 0.6498, "dic": 3.34, "aji": 0.519, "f1": 0.6681, "pq": 0.5442, "dice": 0.9426})


def test_images_of_one_file_are_paired_by_name(tmp_path):
    labels = np.arange(3 * 64).reshape(3, 8, 8) // 10 * (np.arange(8) > 2)
    for name, order in (("a", "xyz"), ("b", "zxy"), ("c", "xyw"), ("d", "xyx"), ("e", "xxy")):
        stored = np.stack([labels["xyzw".index(letter) % 3] for letter in order])
        store.write_labels(tmp_path / f"{name}.h5", list(order), {"mutex": stored})
    frame, _ = score_files(tmp_path / "a.h5", tmp_path / "b.h5")
    assert (frame["pq"] == 1).all() and [name.split()[-1] for name in frame["image"]] == ["z", "x", "y"]
    with pytest.raises(GrdError, match=r"a\.h5: expected images of the same names as in .*c\.h5, found w in one only"):
        score_files(tmp_path / "a.h5", tmp_path / "c.h5")
    assert (score_files(tmp_path / "d.h5", tmp_path / "d.h5")[0]["pq"] == 1).all()
    with pytest.raises(GrdError, match=r"d\.h5: expected names that differ, or the order of .*e\.h5, found several x"):
        score_files(tmp_path / "d.h5", tmp_path / "e.h5")


def test_files_of_two_folders_are_paired_by_name(tmp_path):
    for folder, ending in (("found", "-labels"), ("true", "_mask")):
        (tmp_path / folder).mkdir()
        for number in (1, 2, 10):
            tifffile.imwrite(tmp_path / folder / f"a{number}{ending}.tif", np.eye(4, dtype=np.uint8) * number)
    tifffile.imwrite(tmp_path / "found/a1-overlay.png", np.zeros((4, 4, 3), np.uint8))  # a picture is no label image
    frame, _ = score_files(tmp_path / "found", tmp_path / "true")
    assert frame["image"].tolist() == ["a1", "a10", "a2"]
    assert (frame["pq"] == 1).all()
    (tmp_path / "true/a2_mask.tif").unlink()
    with pytest.raises(GrdError, match="true: expected a file for each of 3 names, found none for a2"):
        score_files(tmp_path / "found", tmp_path / "true")
    assert score_files(tmp_path / "found", tmp_path / "true", pairs_only=True)[0]["image"].tolist() == ["a1", "a10"]
    tifffile.imwrite(tmp_path / "true/a10.tif", np.eye(4, dtype=np.uint8))
    with pytest.raises(GrdError, match=r"expected one file for a10, found a10.*tif and a10.*tif; take one away"):
        score_files(tmp_path / "found", tmp_path / "true")


def test_labels_of_an_image_pair_with_a_truth_whose_name_says_that_it_is_of_the_image(tmp_path):
    for name in ("found/a_img-labels.tif", "true/a.tif", "found/b-labels.tif", "true/b_raw_mask.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / name, np.eye(4, dtype=np.uint8))
    assert score_files(tmp_path / "found", tmp_path / "true")[0]["image"].tolist() == ["a", "b"]
    for name in ("found/b_raw-labels.tif", "true/b.tif"):  # names that both sides have stay as they are
        tifffile.imwrite(tmp_path / name, np.eye(4, dtype=np.uint8))
    assert score_files(tmp_path / "found", tmp_path / "true")[0]["image"].tolist() == ["a", "b", "b_raw"]


def test_of_many_pairs_those_that_cannot_be_scored_are_named_and_the_others_are_done(tmp_path, caplog):
    for folder in ("found", "true"):
        (tmp_path / folder).mkdir()
        for name in "abc":
            np.save(tmp_path / folder / f"{name}.npy", np.eye(4, dtype=int))
    (tmp_path / "found/a.npy").write_bytes(b"\x93NUMPY broken")
    np.save(tmp_path / "true/b.npy", np.eye(5, dtype=int))
    for pairs_only in (False, True):
        caplog.clear()
        frame, bad = score_files(tmp_path / "found", tmp_path / "true", pairs_only=pairs_only)
        assert frame["image"].tolist() == ["c"] and bad == ["a", "b"]
        assert "a.npy: expected a readable file" in caplog.text
        assert "b.npy: expected a segmentation of the truth's size (5, 5)" in caplog.text
    with pytest.raises(GrdError, match=r"a, b: expected pairs that can be scored, found 2 that cannot"):
        check_complete(bad)
    np.save(tmp_path / "true/c.npy", np.eye(5, dtype=int))
    frame, bad = score_files(tmp_path / "found", tmp_path / "true")
    assert format_scores(frame) == "" and len(bad) == 3


@pytest.mark.parametrize(("prediction", "truth"), [("nix", "."), (".", "nix")])
def test_what_is_absent_is_named_also_beside_a_folder(tmp_path, prediction, truth):
    with pytest.raises(GrdError, match="nix: expected a label image, or a folder of them, found no file"):
        score_files(tmp_path / prediction, tmp_path / truth)


def test_a_table_replaces_nothing_but_scores(tmp_path):
    pd.DataFrame({"image": ["a"], "voi": [0.5]}).to_csv(tmp_path / "scores.csv", index=False)
    for allowed in ("scores.csv", "new.csv"):
        check_table(tmp_path / allowed)
    (tmp_path / "objects.csv").write_text("image,label,area\na,1,5\n")
    (tmp_path / "a.tif").write_bytes(b"II*")
    for path in (tmp_path, tmp_path / "a.tif", tmp_path / "objects.csv"):
        with pytest.raises(GrdError, match="expected no file, or scores that this command wrote, found another") as caught:
            check_table(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_axes_say_whether_files_hold_images_or_volumes(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(24).reshape(2, 3, 4))
    assert len(score_files(tmp_path / "a.npy", tmp_path / "a.npy", axes="TYX")[0]) == 2
    assert len(score_files(tmp_path / "a.npy", tmp_path / "a.npy", axes="ZYX")[0]) == 1


def test_no_pixel_is_no_score():
    with pytest.raises(GrdError, match=r"expected pixels to compare, found only true labels to ignore, \[1, 2\]"):
        score(np.ones((1, 2), int), np.array([[1, 2]]), 2, [1, 2])


def test_pixels_of_ignored_labels_do_not_count():
    truth, prediction = np.array([[1, 1, 9], [2, 2, 9]]), np.array([[1, 1, 1], [2, 2, 0]])
    assert score(prediction, truth, 2)["pq"] < 1
    assert score(prediction, truth, 2, [9]) == pytest.approx(score(truth[:, :2], truth[:, :2], 2))


def test_a_volume_without_background_has_no_scores_of_instances():
    truth = np.ones((2, 3, 4), int)
    assert set(score(truth, truth, 3)) == {"voi", "voi_split", "voi_merge", "arand"}
    truth[0] = 0
    assert "pq" in score(truth, truth, 3)


def test_an_image_without_labels_has_no_scores_of_partitions():
    empty = np.zeros((3, 4), int)
    assert set(score(empty, empty, 2)) == {"sbd", "dic", "aji", "f1", "pq", "dice"}


def test_sizes_that_differ_are_refused():
    with pytest.raises(GrdError, match=r"expected a segmentation of the truth's size \(3, 4\), found \(4, 3\)"):
        score(np.ones((4, 3), int), np.ones((3, 4), int), 2)


def test_several_samples_are_shown_with_mean_and_standard_deviation():
    frame = pd.DataFrame({"image": ["a", "b"], "pq": [0.5, 1.0]})
    assert format_scores(frame).split() == ["pq", "a", "0.5000", "b", "1.0000", "mean", "0.7500", "sd", "0.3536"]
    assert format_scores(frame[:1]) == "pq        0.5000\n"
