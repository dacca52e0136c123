"""After an edit exactly the jobs that depend on it are planned, and in a group only the changed students train again."""

import base64
import os
import shutil
import time

import pytest
import yaml
from pipelines import ROOT, TARGETS

pytestmark = pytest.mark.slow
GROUP = "Training 2 student(s) of resunet-s0 on cvppp"
AT = "src/grd/distillation/at.py"


def after(run, table="table2"):
    """The jobs that a run of images is followed by."""
    return {
        f"Segmenting the test images of cvppp with {run}",
        f"Scoring {run} on cvppp",
        f"Setting {table}",
    }


def after_volumes(run):
    """The jobs that a run of volumes is followed by."""
    return {
        f"Segmenting the test images of cremi_c with {run}",
        f"Scoring {run} on cremi_c",
        "Setting table3",
    }


@pytest.fixture
def pipeline(built, tmp_path):
    """The same with its edits undone afterwards; times are kept, as an editor would keep those of files it leaves alone."""
    for part in ("src", "config", "workflow"):
        shutil.copytree(built.folder / part, tmp_path / part)
    yield built
    for part in ("src", "config", "workflow"):
        shutil.rmtree(built.folder / part)
        shutil.copytree(tmp_path / part, built.folder / part)


def test_nothing_is_planned_when_all_is_done(pipeline):
    assert pipeline.planned(*TARGETS) == set()


def test_touching_files_plans_nothing(pipeline):
    later = time.time() + 60
    for pattern in ("src/grd/**/*.py", "workflow/**/*", "config/**/*"):
        for path in pipeline.folder.glob(pattern):
            os.utime(path, (later, later))
    assert pipeline.planned(*TARGETS) == set()


def test_comments_docstrings_and_layout_plan_nothing(pipeline):
    pipeline.edit(AT, "def attention_map(", "# A comment.\n\n\ndef attention_map(")
    pipeline.edit("src/grd/metrics/instances.py", '"""', '"""Another docstring. ', first=True)
    pipeline.edit("workflow/scripts/train.py", "with compute_job", "# A comment.\nwith compute_job")
    pipeline.edit("src/grd/provenance/passport.py", "LARGE = 4 << 20", "LARGE = 8 << 20")  # it decides no result
    assert pipeline.planned(*TARGETS) == set()


def test_where_and_how_it_is_computed_plans_nothing(pipeline):
    assert pipeline.planned(*TARGETS, "--config", "device=cpu", "checkpoint_minutes=1") == set()


def test_where_archives_come_from_and_lie_plans_nothing(pipeline):
    pipeline.edit("config/datasets.yaml", "fill in the form at", "use the form at", first=True)
    assert pipeline.planned(*TARGETS, "--config", "data=elsewhere") == set()


def test_a_metric_of_images_plans_their_scores_and_what_it_chooses(pipeline):
    pipeline.edit("src/grd/metrics/instances.py", "_MATCH_IOU = 0.5", "_MATCH_IOU = 0.6")
    runs = ("resunet-s0", "resunet_tiny-s0", "resunet_tiny-at-resunet-s0", "resunet_tiny-grd-resunet-s0")
    assert pipeline.planned(*TARGETS) == set().union(*map(after, runs))


def test_a_segmenter_plans_its_segmentations_alone(pipeline):
    pipeline.edit("src/grd/segmentation/multicut.py", "def multicut(", "UNUSED = 1\n\n\ndef multicut(")
    assert pipeline.planned(*TARGETS) == set()
    pipeline.edit("src/grd/segmentation/__init__.py", "return multicut(", "return +multicut(")
    runs = ("mala-s0", "mala_tiny-s0", "mala_tiny-at-mala-s0")
    assert pipeline.planned(*TARGETS) == set().union(*map(after_volumes, runs))


def test_how_volumes_are_predicted_plans_all_that_is_made_of_their_affinities(pipeline):
    pipeline.edit("src/grd/inference/tiles.py", "TILE = (84, 268, 268)", "TILE = (84, 268, 300)")
    runs = ("mala-s0", "mala_tiny-s0", "mala_tiny-at-mala-s0")
    assert pipeline.planned(*TARGETS) == set().union(*map(after_volumes, runs))


def test_the_layout_of_one_table_plans_that_table_alone(pipeline):
    pipeline.edit("src/grd/reporting/tables/table2.py", "def table2(", "@lambda table: table\ndef table2(")
    assert pipeline.planned(*TARGETS) == {"Setting table2"}


def test_a_reader_plans_its_data_set_alone(pipeline):
    pipeline.edit("src/grd/data/readers/cvppp.py", "def read(", "@lambda reader: reader\ndef read(")
    planned = pipeline.planned(*TARGETS)
    assert "Preparing the samples of cvppp" in planned and not any("cremi_c" in job or "mala" in job for job in planned)


def test_a_split_plans_its_data_set_alone(pipeline):
    split = pipeline.folder / "config/splits/cvppp.yaml"
    lists = yaml.safe_load(split.read_text())
    lists["training"][0], lists["test"][0] = lists["test"][0], lists["training"][0]
    split.write_text(yaml.safe_dump(lists))
    planned = pipeline.planned(*TARGETS)
    assert {"Preparing the samples of cvppp", "Training resunet-s0 on cvppp", GROUP} < planned
    assert "Obtaining the archives of cvppp" not in planned
    assert not any("cremi_c" in job or "table3" in job for job in planned)


def test_a_comment_in_a_split_plans_nothing(pipeline):
    split = pipeline.folder / "config/splits/cvppp.yaml"
    split.write_text(f"{split.read_text()}# a comment\n")
    assert pipeline.planned(*TARGETS) == set()


def test_a_new_name_in_the_split_of_a_twin_draws_it_again(pipeline):
    split = pipeline.folder / "config/splits/cvppp.yaml"
    lists = yaml.safe_load(split.read_text())
    lists["training"][0] = "plant999"
    split.write_text(yaml.safe_dump(lists))
    planned = pipeline.planned(*TARGETS)
    assert {"Obtaining the archives of cvppp", "Preparing the samples of cvppp"} < planned
    assert not any("cremi_c" in job for job in planned)


def test_one_method_s_loss_plans_its_students_and_trains_them_alone(pipeline):
    pipeline.edit(AT, ".square().sum(1).mean()", ".abs().sum(1).mean()")
    students = "resunet_tiny-at-resunet-s0", "mala_tiny-at-mala-s0"
    groups = {GROUP, "Training 1 student(s) of mala-s0 on cremi_c"}
    collected = {f"Collecting {students[0]} on cvppp", f"Collecting {students[1]} on cremi_c"}
    assert pipeline.planned(*TARGETS) == groups | collected | after(students[0]) | after_volumes(students[1])
    other = pipeline.folder / "results/demo/runs/cvppp/resunet_tiny-grd-resunet-s0/weights.pt"
    before = other.stat()
    pipeline.build(*TARGETS)
    log = (pipeline.folder / "results/demo/logs/distil/cvppp_resunet_s0_table2.log").read_text()
    assert "resunet_tiny-at-resunet-s0: step 3 of 3" in log and "resunet_tiny-grd-resunet-s0: step" not in log
    assert other.stat() == before
    assert pipeline.planned(*TARGETS) == set()


def test_another_teacher_s_students_train_again_though_the_call_that_trained_it_ended_early(pipeline):
    pipeline.build(*TARGETS)
    pipeline.edit("config/scales/demo.yaml", "teacher_iterations: 3", "teacher_iterations: 4", first=True)
    students = ("resunet_tiny-at-resunet-s0", "resunet_tiny-grd-resunet-s0")
    taught = {GROUP, *(f"Collecting {run} on cvppp" for run in students)}.union(*map(after, students))
    assert pipeline.planned("table2") == {"Training resunet-s0 on cvppp", *taught, *after("resunet-s0")}
    pipeline.build("results/demo/runs/cvppp/resunet-s0/weights.pt")
    assert pipeline.planned("table2") == {*taught, *after("resunet-s0")}


def test_a_changed_weight_is_a_run_of_its_own_and_trains_alone(pipeline):
    pipeline.build(*TARGETS)
    pipeline.edit("config/experiments.yaml", "    methods:\n    - at\n    - grd\n", WITH_CHANGE)
    new = "resunet_tiny-grd-resunet-node2-s0"
    assert pipeline.planned(*TARGETS) == {GROUP, f"Collecting {new} on cvppp", *after(new)}
    pipeline.build(*TARGETS)
    log = (pipeline.folder / "results/demo/logs/distil/cvppp_resunet_s0_table2.log").read_text()
    assert f"{new}: step 3 of 3" in log and "resunet_tiny-at-resunet-s0: step" not in log


WITH_CHANGE = """    methods:
    - at
  - network: resunet_tiny
    teacher: resunet
    methods:
    - grd
    changes:
      node: 2
"""


def test_a_new_method_trains_alone(pipeline):
    pipeline.build(*TARGETS)
    source = (pipeline.folder / AT).read_text()
    (pipeline.folder / "src/grd/distillation/mine.py").write_text(source.replace("class AT(", "class MINE("))
    assert pipeline.planned(*TARGETS) == set()
    pipeline.edit("config/experiments.yaml", "    - at\n    - grd\n", "    - at\n    - grd\n    - mine\n")
    new = "resunet_tiny-mine-resunet-s0"
    group = "Training 3 student(s) of resunet-s0 on cvppp"
    assert pipeline.planned(*TARGETS) == {group, f"Collecting {new} on cvppp", *after(new)}
    pipeline.build(*TARGETS)
    log = (pipeline.folder / "results/demo/logs/distil/cvppp_resunet_s0_table2.log").read_text()
    assert f"{new}: step 3 of 3" in log and "resunet_tiny-at-resunet-s0: step" not in log


KILLER = """import os, signal, sys
if any(word.endswith(os.environ["KILLED"] + ".py") for word in sys.orig_argv):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("killed", "iterations"), [("train", 5), ("distil", 6), ("segment", 7)])  # of no other test here
def test_after_a_job_that_died_nothing_old_passes_for_new(pipeline, tmp_path, killed, iterations):
    (tmp_path / "sitecustomize.py").write_text(KILLER)
    pipeline.edit("config/scales/demo.yaml", "  iterations: 3\n", f"  iterations: {iterations}\n", first=True)
    pipeline.edit("config/scales/demo.yaml", "teacher_iterations: 3", f"teacher_iterations: {iterations}", first=True)
    planned = pipeline.planned("table2")
    path = os.pathsep.join([str(pipeline.folder / "src"), str(tmp_path)])
    for _ in range(2):
        assert pipeline.run("--cores", "2", "table2", PYTHONPATH=path, KILLED=killed).returncode == 1
    after_it = {
        "train": planned,
        "distil": {job for job in planned if job == GROUP or "-resunet-s0" in job} | {"Setting table2"},
        "segment": {job for job in planned if not job.startswith(("Training", "Collecting"))},
    }
    assert after_it[killed] <= pipeline.planned("table2")
    pipeline.build("table2")
    assert pipeline.planned("table2") == set()


def test_models_outlive_their_states_and_states_their_models(pipeline):
    pipeline.build(*TARGETS)
    model = pipeline.folder / "results/demo/runs/cvppp/resunet_tiny-grd-resunet-s0/weights.pt"
    before, state = model.read_bytes(), pipeline.folder / "results/demo/state"
    shutil.rmtree(state)
    pipeline.build("-R", "collect_student", "--", "table2")
    assert model.read_bytes() == before
    (kept,) = (path for path in state.glob("*/weights.pt") if path.read_bytes() == before)
    kept.write_bytes(b"rotten")
    model.with_name("history.jsonl").unlink()
    pipeline.build(str(model.with_name("history.jsonl").relative_to(pipeline.folder)))
    assert model.read_bytes() == kept.read_bytes() == before


def test_the_code_of_another_copy_is_refused(pipeline):
    result = pipeline.run("-n", PYTHONPATH=str(ROOT / "src"))
    assert result.returncode == 1
    assert f"expected the code in src/grd, found {ROOT}/src/grd in use" in result.stdout.splitlines()[-1]


def test_results_without_what_tells_of_them_come_with_a_warning(pipeline):
    (pipeline.folder / ".snakemake").rename(pipeline.folder / "elsewhere")
    warned = pipeline.run("-n", "table2").stdout
    shutil.rmtree(pipeline.folder / ".snakemake")
    (pipeline.folder / "elsewhere").rename(pipeline.folder / ".snakemake")
    assert "results/demo: expected the folder .snakemake" in warned
    assert "expected the folder .snakemake" not in pipeline.run("-n", "table2").stdout


def test_files_without_a_record_that_were_made_otherwise_end_the_call(pipeline):
    scores = "results/demo/runs/cvppp/resunet_tiny-s0/scores.csv"
    record = pipeline.folder / ".snakemake/metadata" / base64.b64encode(scores.encode()).decode()
    kept = record.read_bytes()
    record.unlink()
    (pipeline.folder / "results/demo/tables/table2.csv").unlink()
    assert "Setting table2" in pipeline.build("table2")  # its passport says that it is as planned
    pipeline.edit("workflow/scripts/score.py", "with record_job", "VERSION = 2\nwith record_job")
    result = pipeline.run("--cores", "1", "table2")
    record.write_bytes(kept)
    assert result.returncode == 1
    assert f"{scores}: expected a passport with the settings and code of this call" in result.stdout


def test_states_that_are_gone_are_made_from_the_models_that_are_there(pipeline):
    pipeline.build(*TARGETS)
    shutil.rmtree(pipeline.folder / "results/demo/state")
    assert pipeline.planned(*TARGETS) == set()
    model = "results/demo/runs/cvppp/resunet_tiny-grd-resunet-s0/weights.pt"
    (pipeline.folder / model).unlink()
    assert pipeline.planned(model) == {GROUP, "Collecting resunet_tiny-grd-resunet-s0 on cvppp"}
    pipeline.build(model)
    log = (pipeline.folder / "results/demo/logs/distil/cvppp_resunet_s0_table2.log").read_text()
    assert "resunet_tiny-grd-resunet-s0: step 3 of 3" in log and "resunet_tiny-at-resunet-s0: step" not in log
