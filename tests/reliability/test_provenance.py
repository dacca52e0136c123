"""What made a file, and from what, can be told from the file alone."""

import hashlib
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pipelines import Pipeline
from stand_ins import RESULTS, RUN, flip, job, make_results

from grd.cli import main
from grd.errors import GrdError
from grd.jobs import PLANNED, PLANNED_CODE, record_job
from grd.provenance import passport as provenance
from grd.provenance.passport import check, find
from grd.system import hardware as machine


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, text="text"):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def make(*outputs, inputs=(), text="text", **params):
    with record_job(job("rule", inputs, outputs, **params)):
        for path in outputs:
            write(path, text)


def explain(capsys, *arguments):
    main(["explain", *map(str, arguments)])
    return capsys.readouterr().out


def test_a_passport_says_what_made_a_file_and_from_what():
    write("in.txt", "before")
    Path("folder").mkdir()
    with record_job(job("rule", ["in.txt", "folder", "gone"], ["out.txt"], code="c0de", runs=[{"seed": 3}])) as facts:
        write("out.txt", "after")
        facts["device"] = "a GPU"
    passport = find(Path("out.txt"))
    assert passport.path == Path("out.txt.passport.json")
    content = passport.content
    assert passport.inputs == {Path("in.txt"): digest("before"), Path("folder"): None, Path("gone"): None}
    assert passport.outputs["out.txt"]["sha256"] == digest("after") and passport.outputs["out.txt"]["bytes"] == 5
    assert (content["rule"], content["wildcards"], content["threads"]) == ("rule", {"dataset": "cvppp"}, 1)
    assert (content["code"], content["settings"], content["seed"]) == ("c0de", {"runs": [{"seed": 3}]}, 3)
    assert (content["device"], content["processor"]) == ("a GPU", machine.processor())
    assert content["versions"] == machine.versions() and content["seconds"] >= 0
    assert abs(datetime.fromisoformat(content["began"]) - datetime.now(UTC)).days == 0
    assert os.uname().nodename not in json.dumps(content)


def test_without_facts_of_the_script_the_device_is_the_processor_and_there_is_no_seed():
    make("out.txt")
    content = find(Path("out.txt")).content
    assert content["device"] == "CPU" and content["code"] is None and "seed" not in content
    make("out.txt", runs=[{"seed": 1}, {"seed": 0}, {"seed": 1}])
    assert find(Path("out.txt")).content["seed"] == [0, 1]


def test_a_passport_names_the_precision_of_a_training_and_float32_for_all_else():
    make("out.txt")
    assert find(Path("out.txt")).content["precision"] == "float32"
    make("out.txt", runs=[{"training": {"precision": "tf32"}}, {"training": {"precision": "tf32"}}])
    assert find(Path("out.txt")).content["precision"] == "tf32"


def test_every_folder_with_outputs_has_a_passport_of_its_own():
    make("a/one", "a/two", "b/three")
    assert find(Path("a/two")).path == Path("a/one.passport.json") and set(find(Path("a/one")).outputs) == {"one", "two"}
    assert set(find(Path("b/three")).outputs) == {"three"}
    assert find(Path("b/four")) is None


@pytest.mark.parametrize("error", [GrdError("a fault"), ValueError("another")])
def test_a_job_that_fails_leaves_no_passport_not_even_of_an_earlier_one(error):
    make("out.txt", "second.txt")
    with pytest.raises((SystemExit, ValueError)), record_job(job("rule", [], ["second.txt", "out.txt"])):
        write("out.txt", "half")
        raise error
    assert find(Path("out.txt")) is None and "stopped" in Path("rule.log").read_text()


def test_a_job_with_a_changed_input_does_not_begin(capsys):
    make("in.csv", text="1,2")
    write("in.csv", "1,3")
    os.utime("in.csv", (1, 1))
    with pytest.raises(SystemExit), record_job(job("score", ["in.csv"], ["out.csv"])):
        write("out.csv")
    assert not Path("out.csv").exists() and "in.csv: expected the bytes of sha256" in capsys.readouterr().err


def test_a_job_whose_code_was_edited_before_it_planned_itself_anew_does_not_begin(monkeypatch, capsys):
    monkeypatch.setenv(PLANNED_CODE, "0123456789abcdef score.py none\nc0de score.py none")
    make("out.txt", code="c0de score.py none")
    with pytest.raises(SystemExit), record_job(job("rule", [], ["other.txt"], code=["c0de score.py none", "ed17 train.py at"])):
        write("other.txt")
    assert not Path("other.txt").exists()
    assert "train.py: expected the code that this call was planned with, found it edited since" in capsys.readouterr().err


@pytest.mark.parametrize(("run", "overtaken"), [({"iterations": 3}, True), ({"iterations": 2}, False)])
def test_a_job_left_over_from_an_earlier_call_does_not_pass_for_that_of_the_later_one(run, overtaken, monkeypatch, capsys):
    def left_over():
        monkeypatch.setenv(PLANNED, "1")
        return record_job(job("rule", [], ["out.txt"], run={"iterations": 2}, state="state"))

    with pytest.raises(SystemExit) if overtaken else nullcontext(), left_over():
        monkeypatch.setenv(PLANNED, "2")
        make("out.txt", text="later", run=run, state="elsewhere/state")
        monkeypatch.setenv(PLANNED, "1")
        write("out.txt", "left over")
    assert ("out.txt: expected no later call at work on it" in capsys.readouterr().err) == overtaken
    if overtaken:  # whoever reads the file is told, and a job that was left over does not begin
        with pytest.raises(GrdError, match=r"out\.txt: expected the 5 bytes that rule wrote, found 9"):
            check(Path("out.txt"))
        with pytest.raises(SystemExit), left_over():
            pytest.fail("it began")
        assert "out.txt: expected no later call at work on it" in capsys.readouterr().err
        Path("out.txt.passport.json").write_text("damaged")
        with left_over():
            write("out.txt")


def test_a_large_file_whose_time_was_set_is_hashed_once_and_then_no_more(monkeypatch):
    monkeypatch.setattr(provenance, "LARGE", 4)
    make("out.txt", "other.txt")
    hashed = []
    monkeypatch.setattr(provenance, "sha256", lambda path: hashed.append(path) or digest(path.read_text()))
    assert check(Path("out.txt")) == digest("text") and not hashed
    for path in ("out.txt", "other.txt"):  # as Snakemake does when a job is over
        os.utime(path)
    for _ in range(3):
        assert check(Path("out.txt")) == check(Path("other.txt")) == digest("text")
    assert hashed == [Path("out.txt"), Path("other.txt")]


def test_a_time_that_cannot_be_noted_is_no_fault(monkeypatch):
    monkeypatch.setattr(provenance, "LARGE", 4)
    make("out.txt")
    os.utime("out.txt", (1, 1))

    def read_only(*_):
        raise PermissionError

    monkeypatch.setattr(provenance, "write_text", read_only)
    assert check(Path("out.txt")) == digest("text")


def test_a_passport_that_a_job_has_written_meanwhile_is_not_replaced():
    make("out.txt")
    old = find(Path("out.txt"))
    make("out.txt", text="newer")
    old.note_time("out.txt", 5)
    assert check(Path("out.txt")) == digest("newer")


def test_a_file_of_the_user_s_own_needs_no_passport():
    write("mine.h5")
    assert check(Path("mine.h5")) is None and check(Path("nowhere.h5")) is None


def test_a_passport_of_another_version_is_refused_by_name():
    make("out.txt")
    write("out.txt.passport.json", json.dumps({"format": "grd passport", "format_version": 99}))
    with pytest.raises(GrdError, match=r"out\.txt\.passport\.json: expected a passport of version 1"):
        check(Path("out.txt"))


def test_a_job_s_record_needs_no_torch():
    script = "import sys, grd.jobs; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_explain_goes_from_a_table_back_to_the_archives_and_names_each_file_once(capsys):
    make_results()
    table, samples = RESULTS / "tables/table2.csv", RESULTS / "data/cvppp.h5"
    lines = explain(capsys, table).splitlines()
    assert lines[0] == str(table)
    files = [line.strip().removeprefix("← ") for line in lines if "←" in line]
    archive = json.loads((RESULTS / "data/cvppp.archives.json").read_text())["A1.zip"]
    assert files == [
        *map(str, [RUN / "scores.csv", RUN / "labels.h5", RUN / "weights.pt", samples]),
        str(RESULTS / "data/cvppp.archives.json"),
        f"A1.zip: sha256 {archive['sha256']}, 500 bytes, from twin",
        *2 * [f"{samples} (above)"],
    ]
    rules = [line.strip().partition(":")[0] for line in lines if " UTC, " in line]
    assert rules == ["table2", "score", "segment", "train", "prepare_samples", "obtain_archives"]
    assert any(line.strip().startswith("train: ") and line.endswith("code c0de, seed 0") for line in lines)


def test_explain_tells_a_file_that_is_not_the_one_that_was_used(capsys):
    make_results()
    assert "not the one" not in explain(capsys, RESULTS / "tables/table2.csv")
    used = find(RUN / "weights.pt").outputs["weights.pt"]["sha256"]
    with record_job(job("train", [RESULTS / "data/cvppp.h5"], [RUN / "weights.pt"])):
        write(RUN / "weights.pt", "another")
    (RUN / "labels.h5").unlink()
    flip(RUN / "scores.csv", keep_time=False)
    lines = explain(capsys, RESULTS / "tables/table2.csv").splitlines()
    told = {line.split()[1]: line.partition(line.split()[1])[2] for line in lines if "←" in line}
    change = f" — not the one that was used: sha256 {used[:16]} then, {digest('another')[:16]} now"
    assert told[str(RUN / "weights.pt")] == change
    assert told[str(RUN / "labels.h5")] == " (gone)"
    assert told[str(RUN / "scores.csv")].startswith(" — damaged: ")


def test_explain_counts_the_runs_of_a_table_and_follows_the_one_that_is_asked_for(capsys):
    runs = [RESULTS / f"runs/{data}/{run}" for data in ("cvppp", "celegans") for run in ("a-s0", "b-s0", "c-s0", "d-s0")]
    for run in runs:
        write(run / "labels.h5", run.name)
        make(run / "scores.csv", inputs=[run / "labels.h5"], text=run.name)
    make("table2.csv", inputs=[run / "scores.csv" for run in runs])
    write(runs[1] / "scores.csv", "another, later")
    lines = explain(capsys, "table2.csv").splitlines()
    assert [line.strip() for line in lines if "×" in line] == [
        f"← 4 × results/demo/runs/{data}/*/scores.csv (for one of them: --only {data}/a-s0)" for data in ("cvppp", "celegans")
    ]
    assert len(lines) == 5 and str(runs[1] / "scores.csv") in lines[3] and "damaged" in lines[3]
    make("page.html", inputs=["table2.csv"])
    for root in ("table2.csv", "page.html"):
        shown = explain(capsys, root, "--only", "celegans/b", "scores")
        assert [line.split()[1] for line in shown.splitlines() if "runs/" in line] == [
            f"{runs[5]}/{name}" for name in ("scores.csv", "labels.h5")
        ]
    with pytest.raises(SystemExit):
        main(["explain", "table2.csv", "--only", "celegans/e"])
    assert "expected files with celegans/e in their paths" in capsys.readouterr().err


def test_explain_finds_inputs_from_any_folder_and_names_the_project_once(capsys, monkeypatch, tmp_path):
    make_results()
    flip(RUN / "labels.h5")
    (RESULTS / "data/archives/cvppp/A1.zip").write_text("another")
    table = RESULTS / "tables/table2.csv"
    first, *others = explain(capsys, table).splitlines()
    assert any("damaged" in line for line in others) and not any("(gone)" in line for line in others)
    for folder, path in ((".", tmp_path / table), ("..", tmp_path / table), (table.parent, table.name), ("/", tmp_path / table)):
        monkeypatch.chdir(tmp_path / folder)
        place = "" if folder == "." else f" (in {tmp_path})"
        assert explain(capsys, path).splitlines() == [first + place, *others]
        assert Path.cwd() == (tmp_path / folder).resolve()


def test_explain_names_a_path_that_nothing_is_known_of(capsys):
    with pytest.raises(SystemExit):
        explain(capsys, "nowhere.csv")
    assert "nowhere.csv: expected a file of results/ with a passport, found none" in capsys.readouterr().err


@pytest.mark.slow
def test_in_the_pipeline_a_number_leads_back_to_the_archives_and_rot_is_made_good(tmp_path, monkeypatch, capsys):
    pipeline = Pipeline(tmp_path)
    pipeline.build("table6")
    monkeypatch.chdir(tmp_path)
    main(["verify"])
    assert "all as they were written" in capsys.readouterr().out
    shown = explain(capsys, RESULTS / "tables/table6.csv", "--only", "cvppp/resunet_tiny-s0")
    names = ("scores.csv", "labels.h5", "weights.pt")
    places = [shown.index(f"← {RUN / name}") for name in names] + [shown.index("CVPPP2017_LSC_training.zip: sha256")]
    assert places == sorted(places) and "not the one" not in shown and "damaged" not in shown
    scores = RUN / "scores.csv"
    flip(scores)
    with pytest.raises(SystemExit):
        main(["verify"])
    out = capsys.readouterr().out
    remedy = f"delete it and run: snakemake --cores all --config scale=demo -- {scores}\n"
    assert out.startswith(f"{scores}: expected sha256") and out.splitlines(keepends=True)[0].endswith(remedy)
    assert pipeline.planned("table6") == set()
    scores.unlink()
    pipeline.build("--config", "scale=demo", "--", str(scores))
    main(["verify", str(scores)])
    assert "1 file(s), " in capsys.readouterr().out
