"""What `grd plan` says, against counts worked out by hand for the shipped configuration at scale demo.

There a network of images is trained for 120 steps, a teacher for 260; MALA-tiny for 120, MALA for 150.
"""

import csv
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from grd.cli import main
from grd.errors import GrdError
from grd.networks import build
from grd.planning.estimate import Benchmark, Estimate, Measurement, all_work, estimate, own_work, read_benchmark, work_of
from grd.planning.plan import Job, Plan, runs_of
from grd.planning.report import duration, report, size, table, wall_clock
from grd.project.groups import all_groups, with_companions
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run

ROOT = Path(__file__).parents[2]
SECONDS = {"plain": 1.0, "teacher": 10.0, "student": 2.0, "validation": 0.5}
GRD = Run("cvppp", "mobilenet_v2", "grd", "resunet")


def project(scale="demo", **changes):
    general = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | {"scale": scale, **changes}
    return Project.load(ROOT / "config", general)


def made_up(project, runs=None, **changes):
    """A benchmark in which a step of each kind takes SECONDS, holds 100 bytes and needs 10 more, a teacher 1000 and 7."""
    measured = {
        key: Measurement(
            kind=work.kind,
            work=work.title,
            seconds=SECONDS[work.kind],
            held=1000 if work.kind == "teacher" else 100,
            peak=7 if work.kind == "teacher" else 10,
            model=40,
            checkpoint=160,
            output=work.settings.canvas if len(work.settings.canvas) == 2 else (8, 48, 48),
        )
        for key, work in all_work(project, runs or project.all_runs()).items()
    }
    facts = {"machine": {}, "device": "a GPU", "torch": "2", "steps": 3, "memory": "measured", "measurements": measured}
    return Benchmark(**{**facts, **changes})


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(ROOT)  # split files are named relative to the repository


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "results/demo", tmp_path / "data")


def planned(layout, *targets, benchmark=None, **changes):
    demo = project(**changes)
    if benchmark:
        layout.benchmark.parent.mkdir(parents=True, exist_ok=True)
        layout.benchmark.write_text(made_up(demo).model_dump_json())
    return Plan.of(demo, layout, targets)


@pytest.mark.parametrize(
    ("targets", "runs", "alone", "jobs"),
    [
        (["all"], 127, 23, 23 + 17),
        (["table2"], 72, 12, 12 + 9),  # of ResUNet on CVPPP four groups, for other tables share some of its students
        (["table5"], 1 + 11, 1, 1 + 2),
        (["table1"], 6, 6, 6),
        (["table5", "table5"], 12, 1, 3),
        (["figures"], 3 * 7 + 2 * 7 + 8, 3 * 2 + 2 * 2, 3 * 2 + 2 * 2 + 3 + 2 + 2 + 1),
    ],
)
def test_targets_are_runs_with_their_teachers_and_jobs(layout, targets, runs, alone, jobs):
    plan = planned(layout, *targets)
    assert len(plan.wanted) == runs
    assert sum(run.taught_by is None for run in plan.wanted) == alone
    assert len(plan.jobs) == jobs


def test_teachers_pass_once_for_all_students_of_a_job(layout):
    plan = planned(layout, "all")
    passes = {sharing: sum(job.passes for job in plan.jobs_with(sharing)) for sharing in ("table", "teacher", "run")}
    # 13 groups of images and 4 of volumes; 2 x 3 and 4 teachers; 60 + 20 students of Tables II and III, 3 + 10 + 3 + 8 of others
    assert passes == {"table": 17 * 120, "teacher": 10 * 120, "run": 104 * 120}
    assert sum(plan.iterations(run) for run in plan.trained) == 6 * 260 + 4 * 150 + (6 + 3 + 4) * 120 + 104 * 120


def test_students_that_share_a_job_are_trained_though_nobody_asked_for_them(layout):
    plan = planned(layout, str(layout.results / "runs/cvppp/resunet_tiny-at-resunet-s0/model.pt"))
    assert [run.name for run in plan.wanted] == ["resunet_tiny-at-resunet-s0", "resunet-s0"]
    assert [len(job.runs) for job in plan.jobs] == [1, 7] and len(plan.trained) == 8
    assert len(with_companions(plan.project, plan.wanted)) == 8
    assert "6 other students in the same jobs" in report(plan)
    assert len(planned(layout, *plan.targets, sharing="run").trained) == 2


def test_what_is_finished_is_subtracted_and_said(layout):
    for name in ("resunet-s0", "mobilenet_v2-grd-resunet-s0", "mobilenet_v2-grd-resunet-node1-s0"):
        (layout.results / "runs/cvppp" / name).mkdir(parents=True)
        (layout.results / "runs/cvppp" / name / "model.pt").touch()
    plan = planned(layout, "table5", benchmark=True)
    assert [(job.name, len(job.runs)) for job in plan.jobs] == [("distil/cvppp_resunet_s0_table5", 9)]
    assert "finished      3 of them; 9 are left" in report(plan)
    asked = layout.results / "runs/cvppp/mobilenet_v2-grd-resunet-node1-s0"
    done = planned(layout, str(asked))
    assert done.jobs == [] and "0 jobs, 0 runs, 0 iterations" in report(done)


def test_an_estimate_is_steps_and_validations_of_all_students_and_the_teacher_once():
    demo = project()
    (group,) = [group for group in all_groups(demo) if group.name == "cvppp_resunet_s0_table5"]
    found = estimate(demo, group.students, made_up(demo))
    assert found.step_seconds == 10 + 10 * 2
    validated = 10 * 5 * 0.5  # once, at the end: 10 images in batches of 2, for each of 10 students
    assert found.hours * 3600 == pytest.approx(120 * 30 + validated)
    data = (98 + 10) * 106 * 100 * (3 + 4)  # images of three channels, labels of four bytes
    assert found.memory == data + 1000 + 10 * 100 + 10


def test_an_estimate_of_a_network_of_volumes_counts_tiles():
    demo = project()
    found = estimate(demo, [Run("ac34", "mala")], made_up(demo))
    tiles = 3 * 2 * 2  # 20 x 96 x 96 in outputs of 8 x 48 x 48
    assert found.hours * 3600 == pytest.approx(150 * 1 + tiles / 2 * 0.5)
    assert found.memory == (80 + 20) * 96 * 96 * (1 + 4) + 100 + 10


def test_an_estimate_of_what_was_not_measured_is_none():
    demo = project()
    benchmark = made_up(demo, [Run("cvppp", "resunet")])
    assert estimate(demo, [Run("cvppp", "resunet", seed=3)], benchmark) is not None
    assert estimate(demo, [Run("cvppp", "resunet_tiny")], benchmark) is None
    assert estimate(demo, [GRD], benchmark) is None


def test_work_is_the_same_where_nothing_that_costs_time_differs():
    demo = project()
    changed = Run("cvppp", "mobilenet_v2", "grd", "resunet", 5, (("node", 1.0),))
    assert own_work(demo, changed).key == own_work(demo, GRD).key
    assert work_of(demo, "plain", Run("celegans", "resunet")).key == work_of(demo, "plain", Run("bbbc039", "resunet")).key
    other = [replace(GRD, method="at"), replace(GRD, teacher="nested_unet"), replace(GRD, dataset="celegans")]
    assert len({own_work(demo, run).key for run in (GRD, *other)}) == 4
    assert len({work_of(demo, kind, Run("cvppp", "resunet")).key for kind in SECONDS}) == 4
    assert own_work(project("trial"), GRD).key != own_work(demo, GRD).key
    training = demo.scale.training.model_copy(update={"iterations": 7, "learning_rate": 1.0})
    longer = replace(demo, scale=demo.scale.model_copy(update={"training": training}))
    assert own_work(longer, GRD).key == own_work(demo, GRD).key


def job(name, hours, run, teacher=None):
    return Job(name, (Run("cvppp", run, *(("at", teacher) if teacher else ())),), 1, Estimate(1, hours, 0))


def test_students_wait_for_their_teacher_and_the_longest_job_goes_first():
    jobs = [
        job("a", 1, "resunet"),
        job("b", 4, "mobilenet_v2", "resunet"),
        job("c", 3, "nested_unet"),
        job("d", 2, "resunet_tiny"),
    ]
    assert wall_clock(jobs, 1) == 10
    # c and d begin (the longest), a on the second device from 2 to 3; b may begin at 3
    assert wall_clock(jobs, 2) == 7
    assert wall_clock(jobs, 3) == wall_clock(jobs, 9) == 5
    assert wall_clock(jobs[1:2], 2) == 4  # its teacher is there already
    assert wall_clock([], 2) == 0


def test_the_report_says_hours_memory_and_disk(layout):
    plan = planned(layout, "table5", benchmark=True)
    text = report(plan, 2)
    teacher, ten, one = 260 + 2 * 5 * 0.5, 120 * 30 + 25, 120 * 12 + 2.5
    assert f"time          {(teacher + ten + one) / 3600:.1f} h of training on one device (a GPU)" in text
    assert "longest job: 1.0 h, distil/cvppp_resunet_s0_table5" in text
    assert f"on 2 at a time, the longest first: {(teacher + ten) / 3600:.1f} h" in text
    assert "  table            3    12               240          1.48" in text and "as configured" in text
    images, labels = 128 * 106 * 100 * 3, 128 * 106 * 100 * 2 * 0.05
    assert plan.disk() == {
        "samples": int(images + labels),
        "models": 12 * 40,
        "finished trainings": 12 * 40,
        "checkpoints": 2 * 10 * 160,  # of the ten students in one job
        "segmentations": 12 * int(20 * 106 * 100 * 4 * 0.05),
        "affinities": 20 * 106 * 100 * 10 * 4,
    }


def test_affinities_are_of_two_splits_where_a_threshold_is_chosen_on_the_validation_volume(layout):
    assert planned(layout, "table3").disk()["affinities"] == (100 + 20) * 96 * 96 * 3 * 4


def test_without_a_benchmark_all_else_is_said(layout):
    plan = planned(layout, "table5")
    text = report(plan, 2)
    assert "time, memory  not measured here: `grd benchmark --scale demo` first" in text
    assert "240" in text and "disk" in text
    networks = [build(name, **plan.project.settings(Run("cvppp", name)).arguments) for name in ("resunet", "mobilenet_v2")]
    teacher, student = (sum(tensor.nbytes for tensor in network.state_dict().values()) for network in networks)
    models = teacher + 11 * student
    assert plan.disk()["models"] == plan.disk()["finished trainings"] == models
    largest = max(teacher, 10 * student)  # a job of one, and one of ten
    assert plan.disk()["checkpoints"] == 2 * 4 * largest  # two checkpoints of weights, the best, two of Adam


def test_a_benchmark_with_other_settings_is_not_taken(layout):
    layout.results.mkdir(parents=True)
    layout.benchmark.write_text(made_up(project("trial")).model_dump_json())
    text = report(planned(layout, "table5"))
    assert "not measured with the present settings for 3 of 3 jobs: `grd benchmark --scale demo` first" in text


def test_a_file_that_is_no_benchmark_is_named(tmp_path):
    assert read_benchmark(tmp_path / "benchmark.json") is None
    for content in ("[", "[]", '{"steps": 3}'):
        (tmp_path / "benchmark.json").write_text(content)
        with pytest.raises(GrdError, match=r"benchmark\.json: expected what `grd benchmark` writes"):
            read_benchmark(tmp_path / "benchmark.json")


def test_csv_has_a_line_per_job_that_names_the_one_before(layout):
    rows = list(csv.DictReader(io.StringIO(table(planned(layout, "table5", benchmark=True)))))
    assert [row["job"] for row in rows] == [
        "train/cvppp/resunet-s0",
        "distil/cvppp_resunet_s0_table2_table4_table5_figure6",
        "distil/cvppp_resunet_s0_table5",
    ]
    assert [(row["runs"], row["iterations"], row["step_seconds"]) for row in rows] == [
        ("1", "260", "1"),
        ("1", "120", "12"),
        ("10", "120", "30"),
    ]
    assert [row["after"] for row in rows] == ["", "train/cvppp/resunet-s0", "train/cvppp/resunet-s0"]
    assert float(rows[2]["hours"]) == pytest.approx(3625 / 3600, rel=1e-3)
    blank = list(csv.DictReader(io.StringIO(table(planned(layout, "table1", scale="trial")))))
    assert {(row["step_seconds"], row["hours"], row["memory_gb"]) for row in blank} == {("", "", "")}


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("tabel5", "config/experiments.yaml: unknown target 'tabel5'; did you mean 'table5'?"),
        ("data/demo", "data/demo: expected results/demo/runs/DATASET/RUN or a file in such a folder"),
        ("results/paper/runs/cvppp/resunet-s0", "expected results/demo/runs/DATASET/RUN"),
        ("results/demo/runs/cvpp/resunet-s0", "unknown data set 'cvpp'; did you mean 'cvppp'?"),
        ("results/demo/runs/cvppp/resnet-s0", "unknown network 'resnet'; did you mean 'resunet'?"),
        ("results/demo/runs/cvppp/mala-s0", "expected a network of images for cvppp, found mala"),
        (
            "results/demo/runs/cvppp/resunet-grd-nested_unet-s0/model.pt",
            "config/experiments.yaml, cvppp: unknown student 'resunet-grd-nested_unet-s0'; did you mean",
        ),
    ],
)
def test_an_unknown_target_is_one_sentence(capsys, target, sentence):
    with pytest.raises(SystemExit) as stop:
        main(["plan", target, "--scale", "demo"])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and sentence in err and len(err.splitlines()) == 1


def test_targets_are_taken_by_absolute_and_relative_paths(layout):
    demo, relative = project(), Layout(Path("results/demo"), Path("data"))
    run = Run("cvppp", "resunet_tiny", seed=3)
    for path in ("results/demo/runs/cvppp/resunet_tiny-s3/", "./results/demo/runs/cvppp/resunet_tiny-s3/scores-mutex.csv"):
        assert runs_of(demo, relative, [path]) == runs_of(demo, relative, [str(ROOT / path)]) == [run]


def test_the_command_line_prints_the_plan_and_needs_no_torch_where_all_is_measured(tmp_path):
    (tmp_path / "config").symlink_to(ROOT / "config")
    (tmp_path / "results/demo").mkdir(parents=True)
    (tmp_path / "results/demo/benchmark.json").write_text(made_up(project()).model_dump_json())
    script = "import sys; from grd.cli import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", script, "plan", "all", "--scale", "demo", "--devices", "4"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("all at scale demo (synthetic twins, narrow networks)")
    assert "127: 23 without teacher (10 of them teach), 104 students" in result.stdout
    assert "on 4 at a time" in result.stdout


def test_numbers_for_people():
    assert [size(n) for n in (900, 5_000_000, 1_260_000_000)] == ["1 kB", "5.0 MB", "1.3 GB"]
    assert [duration(hours) for hours in (0.001, 0.5, 30.04)] == ["4 s", "30.0 min", "30.0 h"]
