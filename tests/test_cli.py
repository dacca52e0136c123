import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch
from projects import settings, squares, train_into, tubes, volume_settings, write_squares, write_tubes
from random_models import write_random_model
from skimage.io import imread, imsave

from grd.cli import main
from grd.config.segmenters import as_segmenter
from grd.data.store import write_labels
from grd.project.run import Run
from grd.segmentation.run_files import Evaluation, segment_run


def run(capsys, *arguments):
    code = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["predict", "a.tif", "--model", "nuclei", "-o", "out"],
            "interrupted; the same call with --skip-existing does what is left",
        ),
        (["plan", "all"], "interrupted"),
    ],
)
def test_an_interrupted_call_says_so(capsys, monkeypatch, words, said):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"grd.cli._{words[0]}", interrupted)
    assert run(capsys, *words) == (130, "", f"{said}\n")


@pytest.mark.parametrize("words", [["predict", "", "--model", "nuclei", "-o", "out"], ["score", "a.tif", ""], ["verify", ""]])
def test_an_empty_name_is_no_folder(capsys, words):
    code, _, err = run(capsys, *words)
    assert code == 2 and "expected a name, found an empty text; is a variable of the shell not set?" in err


def test_complexity_prints_table_1_s_counts(capsys):
    code, out, _ = run(capsys, "complexity")
    assert code == 0
    assert "33,613,510" in out and "582.974" in out and "4,785,872" in out
    _, out, _ = run(capsys, "complexity", "--csv")
    assert "resunet_tiny,295990,5755363328,5622784000" in out.splitlines()


@pytest.mark.parametrize("ending", ["npy", "tif", "png", "h5"])
def test_score_prints_every_metric_for_every_file_type(capsys, tmp_path, ending):
    labels = squares(1, 0).labels[0]
    paths = [tmp_path / f"{name}.{ending}" for name in ("prediction", "truth")]
    for path in paths:
        if ending == "npy":
            np.save(path, labels)
        elif ending == "h5":
            import h5py

            with h5py.File(path, "w") as file:
                file["labels"] = labels
        else:
            imsave(path, labels, check_contrast=False)
    code, out, _ = run(capsys, "score", *paths)
    assert code == 0
    found = {name: value for name, value in (line.split() for line in out.splitlines())}
    assert found == dict.fromkeys(("sbd", "aji", "f1", "pq", "dice"), "1.0000") | dict.fromkeys(
        ("dic", "voi", "voi_split", "voi_merge", "arand"), "0.0000"
    )


def test_faults_are_one_sentence_and_exit_code_2(capsys, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4), int))
    np.save(tmp_path / "b.npy", np.zeros((4, 5), int))
    np.save(tmp_path / "c.npy", np.full((4, 4), 0.5))
    (tmp_path / "d.png").write_bytes(b"\x89PNG broken")
    for other, part in (("b", "(4, 5)"), ("c", "float64"), ("d", "d.png"), ("e", "no file")):
        path = tmp_path / f"{other}.{'png' if other == 'd' else 'npy'}"
        code, _, err = run(capsys, "score", tmp_path / "a.npy", path)
        assert code == 2 and part in err and len(err.splitlines()) == 1 and "Traceback" not in err


def test_scores_of_the_other_files_are_shown_and_kept_if_one_is_bad(capsys, tmp_path):
    for folder in ("found", "true"):
        (tmp_path / folder).mkdir()
        for name in "abc":
            np.save(tmp_path / folder / f"{name}.npy", np.eye(4, dtype=int))
    np.save(tmp_path / "found/b.npy", np.eye(5, dtype=int))
    table = tmp_path / "scores.csv"
    for _ in range(2):
        code, out, err = run(capsys, "score", tmp_path / "found", tmp_path / "true", "--table", table)
        assert code == 2 and "mean" in out and "error: b: expected pairs that can be scored" in err
        assert [line[:2] for line in table.read_text().splitlines()[1:]] == ["a,", "c,"]
    code, _, err = run(capsys, "score", tmp_path / "found", tmp_path / "true", "--table", tmp_path)
    assert code == 2 and "expected no file, or scores that this command wrote" in err and "Traceback" not in err


def test_channels_are_counted_from_0(capsys):
    code, _, err = run(capsys, "import", "mine", "images", "masks", "--channel", "-1")
    assert code == 2 and "argument --channel: expected a number of at least 0, found '-1'" in err


def write_model(folder, samples, canvas, **segmenters):
    """Write model.pt beside the weights in a folder."""
    wanted = {name: as_segmenter(settings) for name, settings in segmenters.items()}
    evaluation = Evaluation(canvas=canvas, segmenters=wanted, metric="pq", data={})
    segment_run(folder / "weights.pt", samples, evaluation, folder / "labels.h5", folder / "model.pt", torch.device("cpu"))


def test_predict_segments_images_of_any_size(capsys, tmp_path):
    samples = write_squares(tmp_path / "samples.h5")
    train_into([settings(Run("cvppp", "resunet_tiny"))], samples, [tmp_path], tmp_path / "state")
    write_model(tmp_path, samples, (48, 48), mutex={"algorithm": "mutex", "foreground": "corner", "max_size": 500})
    image = np.random.default_rng(0).integers(0, 4000, (50, 41)).astype(np.uint16)
    imsave(tmp_path / "mine.tif", image, check_contrast=False)
    code, out, _ = run(capsys, "predict", tmp_path / "mine.tif", "--model", tmp_path / "model.pt", "-o", tmp_path / "out")
    assert code == 0 and "mine-labels.tif: " in out
    labels = imread(tmp_path / "out/mine-labels.tif")
    assert labels.shape == (50, 41) and labels.dtype == np.uint16


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["a/x.tif", "b/x.tif", "-o", "out"], "b/x.tif: expected an image of another name, found a/x.tif"),
        (["a/x.tif", "-o", "file"], "file: expected a folder"),
    ],
)
def test_predict_refuses_what_would_be_lost_or_means_nothing(capsys, tmp_path, monkeypatch, arguments, part):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    code, _, err = run(capsys, "predict", "--model", "model.pt", *arguments)
    assert code == 2 and part in err and len(err.splitlines()) == 1


def test_predict_names_what_is_no_image(capsys, tmp_path):
    np.save(tmp_path / "stack.npy", np.zeros((5, 6, 7, 8)))
    (tmp_path / "model.pt").write_bytes(b"")
    code, _, err = run(capsys, "predict", tmp_path / "stack.npy", "--model", tmp_path / "model.pt", "-o", tmp_path / "out")
    assert code == 2 and "model.pt" in err


def test_an_unknown_data_set_is_answered_with_the_nearest(capsys):
    code, _, err = run(capsys, "fetch", "bbbc39")
    assert code == 2 and "did you mean 'bbbc039'" in err


def test_help_does_not_need_torch():
    script = "import sys, grd.cli; grd.cli.parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_score_of_volumes_prints_voi_and_arand(capsys, tmp_path):
    labels = tubes(1, 0).labels[0]
    with h5py.File(tmp_path / "cremi.hdf", "w") as file:
        file["volumes/labels/neuron_ids"], file["volumes/raw"] = labels, labels * 3
    write_labels(tmp_path / "ours.h5", ["a"], {"waterz": labels[None]})
    code, out, _ = run(capsys, "score", tmp_path / "ours.h5", tmp_path / "cremi.hdf")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        [name, "0.0000"] for name in ("voi", "voi_split", "voi_merge", "arand")
    ]


def test_predict_segments_volumes_and_names_what_it_cannot(capsys, tmp_path):
    samples = write_tubes(tmp_path / "samples.h5")
    train_into([volume_settings(Run("ac34", "mala_tiny"))], samples, [tmp_path], tmp_path / "state")
    write_model(tmp_path, samples, (12, 40, 40), multicut={"algorithm": "multicut"}, waterz={"algorithm": "waterz"})
    volume = tubes(1, 5).images[0]
    good, other = tmp_path / "good.h5", tmp_path / "bad.h5"
    with h5py.File(good, "w") as file:
        file["main"] = volume
    for options in ([], ["--segmenter", "waterz", "--threshold", "0.3"]):
        arguments = ["predict", good, "--model", tmp_path / "model.pt", "-o", tmp_path, "--device", "cpu", *options]
        code, out, _ = run(capsys, *arguments)
        assert code == 0 and imread(out.partition(": ")[0]).shape == volume.shape
    bad = {"NaN": volume + np.where(volume == volume[0, 0, 0], np.nan, 0), "(40, 40)": volume[0], "(2, 40, 40)": volume[:2]}
    for part, content in bad.items():
        with h5py.File(other, "w") as file:
            file["main"] = content
        code, _, err = run(capsys, "predict", other, "--model", tmp_path / "model.pt", "-o", tmp_path, "--device", "cpu")
        assert code == 2 and part in err and err.count(str(other)) == 1 and len(err.splitlines()) == 1
    with h5py.File(other, "w") as file:
        file["a"], file["b"] = volume, volume
    code, _, err = run(capsys, "predict", other, "--model", tmp_path / "model.pt", "-o", tmp_path, "--device", "cpu")
    assert code == 2 and "expected one array, found a, b; name one, as in bad.h5:a" in err


def test_a_reader_that_has_enough_is_no_fault():
    command = f"""{sys.executable} -c "from grd.cli import main; main(['complexity'])" | true"""
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_all_images_are_segmented_though_a_reader_has_enough(tmp_path):
    write_random_model(tmp_path / "model.pt", "resunet_tiny")
    for name in "ab":
        imsave(tmp_path / f"{name}.tif", np.arange(32 * 32, dtype=np.uint16).reshape(32, 32), check_contrast=False)
    arguments = ["predict", f"{tmp_path}/?.tif", "--model", f"{tmp_path}/model.pt", "-o", f"{tmp_path}/out", "--device", "cpu"]
    command = f"""{sys.executable} -c "from grd.cli import main; main({arguments})" | true"""
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert result.returncode == 0 and "BrokenPipe" not in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-labels.tif", "b-labels.tif"]


def test_a_misspelt_option_is_answered_with_the_nearest(capsys):
    code, _, said = run(capsys, "predict", "a.tif", "--model", "nuclei", "-o", "out", "--overlays", "--stirde=3")
    assert code == 2
    assert "grd predict: error: unrecognized arguments: --overlays --stirde=3; did you mean --overlay, --stride?" in said
    code, _, said = run(capsys, "predict", "a.tif", "--model", "nuclei", "-o", "out", "-overlay")
    assert code == 2 and "unrecognized argument: -overlay; did you mean --overlay?" in said
    code, _, said = run(capsys, "verify", "--nothing-like-it")
    assert code == 2 and said.rstrip().endswith("unrecognized arguments: --nothing-like-it")
