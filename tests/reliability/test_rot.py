"""A flipped bit is named by `grd verify`, whatever file it is in, and is refused by what reads the file."""

import os
import shutil
from pathlib import Path

import h5py
import pytest
import torch
from stand_ins import RESULTS, RUN, flip, make_results

from grd.cli import main
from grd.data import store
from grd.errors import GrdError
from grd.networks.model_file import load_model
from grd.provenance import passport as provenance
from grd.provenance.verify import survey
from grd.system.digests import sha256

KINDS = {
    "archive": (RESULTS / "data/archives/cvppp/A1.zip", "the archive from twin", "results/demo/data/cvppp.archives.json"),
    "record": (RESULTS / "data/cvppp.archives.json", "obtain_archives", "results/demo/data/cvppp.archives.json"),
    "samples": (RESULTS / "data/cvppp.h5", "prepare_samples", "results/demo/data/cvppp.h5"),
    "weights": (RUN / "weights.pt", "train", f"{RUN}/weights.pt"),
    "history": (RUN / "history.jsonl", "train", f"{RUN}/history.jsonl"),
    "model": (RUN / "model.pt", "segment", f"{RUN}/model.pt"),
    "labels": (RUN / "labels.h5", "segment", f"{RUN}/labels.h5"),
    "scores": (RUN / "scores.csv", "score", f"{RUN}/scores.csv"),
    **{
        f"table {ending}": (RESULTS / f"tables/table2.{ending}", "table2", f"results/demo/tables/table2.{ending}")
        for ending in ("csv", "tex", "md", "html")
    },
    **{
        f"figure {ending}": (RESULTS / f"figures/figure2.{ending}", "figure2", f"results/demo/figures/figure2.{ending}")
        for ending in ("pdf", "png", "csv", "tex")
    },
    "state": (RESULTS / "state/0123456789abcdef", "by its name", "training resumes from the one before"),
}


READ = {
    "samples": lambda path: store.read_split(path, "test"),
    "labels": lambda path: store.read_labels(path, "mutex"),
    "weights": lambda path: load_model(path, torch.device("cpu")),
    "model": lambda path: load_model(path, torch.device("cpu")),
}
ARRAYS = {"samples": "test/images", "labels": "mutex"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A results folder, once."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("made")
    os.chdir(folder)
    make_results()
    os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def _in_a_copy(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")


def verify(capsys, *paths):
    code = 0
    try:
        main(["verify", *map(str, paths or [RESULTS])])
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


def file_of(kind):
    """The file of a kind; of the state, its checkpoint."""
    path = KINDS[kind][0]
    return next(path.glob("*.pt")) if path.is_dir() else path


def test_files_as_they_were_written_are_counted_and_all_is_well(capsys):
    code, out, _ = verify(capsys)
    assert code == 0 and out.startswith("17 file(s), ") and out.endswith("all as they were written\n")
    assert len(out.splitlines()) == 1


def test_what_nothing_vouches_for_is_no_success(capsys, tmp_path):
    (tmp_path / "a.csv").write_text("1")
    code, out, err = verify(capsys, tmp_path / "a.csv")
    assert code == 2 and "not verified" in out and "expected files that a passport or an account knows, found none" in err
    passport = RUN / "scores.csv.passport.json"
    passport.write_text(passport.read_text().replace(sha256(RUN / "scores.csv"), ""))
    code, out, _ = verify(capsys)
    assert code == 2 and f"{passport}: expected a passport of version 1, found something else" in out
    passport.unlink()
    code, out, _ = verify(capsys)
    assert code == 0 and out.endswith("the others as they were written\n")


def test_a_data_set_may_have_the_name_of_another_folder(capsys):
    run = RESULTS / "runs/logs" / RUN.name
    shutil.copytree(RUN, run)
    for passport in run.glob("*.passport.json"):
        passport.write_text(passport.read_text().replace(f'"dataset": "{RUN.parent.name}"', '"dataset": "logs"'))
    flip(run / "scores.csv")
    code, out, _ = verify(capsys)
    assert code == 2 and f"{run / 'scores.csv'}: expected sha256" in out


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_named_with_its_rule_and_remedy(capsys, kind):
    path, (_, rule, again) = file_of(kind), KINDS[kind]
    flip(path)
    code, out, err = verify(capsys)
    assert code == 2 and len(out.splitlines()) == 1 and len(err.splitlines()) == 1
    assert out.startswith(f"{path}: expected sha256") and rule in out and again in out and "delete it" in out


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("keep_size", [True, False])
def test_what_was_changed_at_another_time_is_refused_on_open(kind, keep_size):
    path = file_of(kind)
    READ[kind](path)
    flip(path, place=-1, keep_time=False)
    if not keep_size:
        path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(GrdError, match=f"^{path}: expected the .*bytes .*that {KINDS[kind][1]} wrote, found .*; delete it"):
        READ[kind](path)


@pytest.mark.parametrize("kind", ARRAYS)
def test_a_flipped_bit_in_an_array_is_refused_even_if_the_time_is_as_it_was(kind, monkeypatch):
    monkeypatch.setattr(provenance, "LARGE", 0)
    path = file_of(kind)
    READ[kind](path)
    with h5py.File(path) as file:
        chunk = file[ARRAYS[kind]].id.get_chunk_info(0)
        assert file[ARRAYS[kind]].fletcher32
    flip(path, chunk.byte_offset + chunk.size // 2)
    with pytest.raises(GrdError, match=f"^{path}: expected the arrays that were written, found damage"):
        READ[kind](path)


def test_a_flipped_bit_in_weights_is_refused_even_if_the_time_is_as_it_was(monkeypatch):
    monkeypatch.setattr(provenance, "LARGE", 0)
    path = file_of("model")
    network, _ = load_model(path, torch.device("cpu"))
    largest = max(network.state_dict().values(), key=torch.numel).numpy().tobytes()
    flip(path, path.read_bytes().index(largest) + len(largest) // 2)
    with pytest.raises(GrdError, match="expected the weights that were written, found damage"):
        load_model(path, torch.device("cpu"))


def test_errors_of_the_system_while_a_file_is_open_keep_their_own_words():
    with pytest.raises(FileNotFoundError), store.open_file(file_of("labels"), "labels"):
        Path("nowhere").read_bytes()


@pytest.mark.parametrize("kind", ["scores", "archive", "labels"])  # labels are not the first output of their job
def test_files_that_are_gone_are_no_rot(capsys, kind):
    file_of(kind).unlink()
    code, out, _ = verify(capsys)
    gone, whole = out.splitlines()
    assert code == 0 and whole.startswith("16 file(s), ")
    assert gone == f"gone, though they were written: 1 file(s), such as {file_of(kind)}"


def test_a_checkpoint_that_goes_while_files_are_hashed_is_no_rot():
    found = survey([RESULTS])
    file_of("state").unlink()
    assert found.hash_again() == [] and found.bytes > 0


def test_files_that_nothing_is_known_of_are_counted_but_logs_are_not(capsys):
    for name in ("logs/train.log", "mine.txt", "tables/other.csv"):
        (RESULTS / name).parent.mkdir(exist_ok=True)
        (RESULTS / name).write_text("text")
    code, out, _ = verify(capsys)
    assert code == 0 and f"2 file(s), such as {RESULTS}/mine.txt" in out


def test_a_damaged_passport_or_manifest_is_named(capsys):
    (RUN / "model.pt.passport.json").write_text("{")
    (RESULTS / "data/archives/cvppp/archives.json").write_text("[]")
    code, out, _ = verify(capsys)
    assert code == 2 and "model.pt.passport.json: expected a passport" in out and "archives.json: expected a JSON object" in out


def test_single_files_are_verified_alone(capsys):
    flip(file_of("scores"))
    assert verify(capsys, file_of("labels"), file_of("archive"))[:2] == (
        0,
        verify(capsys, *map(file_of, ("archive", "labels")))[1],
    )
    code, out, _ = verify(capsys, RUN, file_of("scores"))
    assert code == 2 and len(out.splitlines()) == 1
    code, _, err = verify(capsys, "results/other")
    assert code == 2 and "results/other: expected a file or folder, found nothing" in err


def test_a_run_s_files_in_the_folder_of_another_are_named_and_refused(capsys):
    other = RUN.with_name("resunet-s7")
    RUN.rename(other)
    code, out, _ = verify(capsys)
    assert code == 2 and f"resunet-s7: expected files of this run, found those of cvppp/{RUN.name}" in out
    with pytest.raises(GrdError, match="expected files of this run"):
        provenance.check(other / "model.pt")
