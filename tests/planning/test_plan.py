"""Reports of `grd plan`, against counts worked out by hand for the shipped configuration at scale demo."""

import csv
import io
from pathlib import Path

import pytest
from fake_benchmarks import ROOT, measured, shipped, without_memory

from grd.cli import main
from grd.networks import build
from grd.planning.estimate import Estimate
from grd.planning.plan import Plan, TrainingJob, runs_of
from grd.planning.report import duration, report, table
from grd.project.groups import with_companions
from grd.project.paths import Layout
from grd.project.run import Run
from grd.system.files import size


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(ROOT)  # split files are named relative to the repository


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "results/demo", tmp_path / "data")


def planned(layout, *targets, benchmark=None, **changes):
    if benchmark:
        layout.benchmark.parent.mkdir(parents=True, exist_ok=True)
        layout.benchmark.write_text(benchmark.model_dump_json())
    return Plan.of(shipped(**changes), layout, targets)


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


def test_iterations_are_those_of_every_run(layout):
    plan = planned(layout, "all")
    images, volumes = plan.project.scale.training, plan.project.volume_training
    teachers = 6 * images.teacher_iterations + 4 * volumes.teacher_iterations
    # 9 students of images and 4 of volumes alone; 84 and 20 taught
    iterations = teachers + (9 + 84) * images.iterations + (4 + 20) * volumes.iterations
    assert sum(sum(job.steps) for job in plan.jobs) == iterations
    assert f"training    40 jobs, 127 runs, {iterations:,} iterations" in report(plan)


def test_students_that_share_a_job_are_trained_though_nobody_asked_for_them(layout):
    plan = planned(layout, str(layout.results / "runs/cvppp/resunet_tiny-at-resunet-s0/model.pt"))
    assert [run.name for run in plan.wanted] == ["resunet_tiny-at-resunet-s0", "resunet-s0"]
    assert [len(job.runs) for job in plan.jobs] == [1, 7] and len(plan.trained) == 8
    assert len(with_companions(plan.project, plan.wanted)) == 8
    assert "companions  6 other students, trained in the same jobs" in report(plan)
    assert len(planned(layout, *plan.targets, sharing="run").trained) == 2


def test_finished_runs_are_subtracted_and_counted(layout):
    for name in ("resunet-s0", "mobilenet_v2-grd-resunet-s0", "mobilenet_v2-grd-resunet-node1-s0"):
        (layout.results / "runs/cvppp" / name).mkdir(parents=True)
        (layout.results / "runs/cvppp" / name / "weights.pt").touch()
    plan = planned(layout, "table5", benchmark=measured(shipped()))
    assert [(job.name, len(job.runs)) for job in plan.jobs] == [("distil/cvppp_resunet_s0_table5", 9)]
    assert plan.jobs[0].cost.step_seconds == 10 + 9 * 2
    assert "finished    3 of them (their weights.pt is there; `snakemake -n` says if they are out of date); 9 are left" in report(
        plan
    )
    asked = layout.results / "runs/cvppp/mobilenet_v2-grd-resunet-node1-s0"
    done = planned(layout, str(asked))
    assert done.jobs == [] and "0 jobs, 0 runs, 0 iterations" in report(done, 2) and "time  " not in report(done, 2)


def job(name, hours, network, teacher=None):
    return TrainingJob(name, (Run("cvppp", network, *(("at", teacher) if teacher else ())),), (1,), Estimate(1, hours, 0))


@pytest.mark.parametrize(
    ("devices", "hours"),
    [
        (1, 10),
        (2, 5),  # all of the time in two equal parts, or b after a
        (4, 5),
    ],
)
def test_the_least_hours_are_a_share_of_all_or_a_student_after_its_teacher(layout, devices, hours):
    plan = planned(layout, "table5")
    vars(plan)["jobs"] = [
        job("a", 1, "resunet"),
        job("b", 4, "mobilenet_v2", "resunet"),
        job("c", 3, "nested_unet"),
        job("d", 2, "resunet_tiny"),
    ]
    assert plan.least_hours(devices) == hours
    vars(plan)["jobs"] = plan.jobs[1:2]  # its teacher is there already
    assert plan.least_hours(devices) == 4


def test_the_report_has_hours_memory_and_disk(layout):
    plan = planned(layout, "table5", benchmark=measured(shipped()))
    text, training = report(plan, 2), plan.project.scale.training
    teacher, ten, one = training.teacher_iterations + 1.5, training.iterations * 30 + 15, training.iterations * 12 + 1.5
    assert f"time        {(teacher + ten + one) / 3600:.1f} h of training on one device (a GPU)" in text
    assert f"longest job: {ten / 3600:.1f} h, distil/cvppp_resunet_s0_table5" in text
    assert f"on 2 device(s): at least {(teacher + ten) / 3600:.1f} h" in text
    assert "memory      17.5 MB on the GPU: distil/cvppp_resunet_s0_table5" in text  # the data's 103 x 160 x 152 x 7 bytes
    assert "device(s): at least" not in report(plan)


def test_memory_is_reported_from_a_gpu_only(layout):
    plan = planned(layout, "table5", benchmark=without_memory(measured(shipped())))
    assert "memory      measured on a GPU only" in report(plan) and "(a CPU)" in report(plan)
    assert {row["memory_gb"] for row in csv.DictReader(io.StringIO(table(plan)))} == {""}


def test_disk_is_of_samples_models_and_segmentations_that_are_not_there(layout):
    plan = planned(layout, "table5")
    networks = [build(name, **plan.project.settings(Run("cvppp", name)).arguments) for name in ("resunet", "mobilenet_v2")]
    teacher, student = (sum(tensor.nbytes for tensor in network.state_dict().values()) for network in networks)
    segmentations = 12 * 10 * 160 * 152 * 0.2 * 2  # by two segmenters
    assert plan.disk() == {
        "samples": 113 * 160 * 152 * 3,
        "models": 3 * (teacher + 11 * student),  # selected, last, and with a card; run and training share files
        "segmentations": segmentations,
    }
    for path in (layout.samples("cvppp"), layout.labels(Run("cvppp", "resunet"))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    left = planned(layout, "table5").disk()
    assert left["samples"] == 0 and left["segmentations"] == segmentations * 11 / 12


def test_a_plan_without_benchmark_has_all_but_hours(layout):
    plan = planned(layout, "table5")
    text, training = report(plan, 2), plan.project.scale.training
    assert "not measured with the present settings for 3 of 3 jobs; run `grd benchmark --scale demo` first" in text
    iterations = training.teacher_iterations + 11 * training.iterations
    assert f"{iterations:,} iterations" in text and "disk" in text and "memory" not in text


def test_a_benchmark_with_other_settings_is_not_used(layout):
    text = report(planned(layout, "table5", benchmark=measured(shipped("trial"))))
    assert "not measured with the present settings for 3 of 3 jobs" in text


def test_csv_has_a_line_per_job_with_the_name_of_the_one_before(layout):
    plan = planned(layout, "table5", benchmark=measured(shipped()))
    rows, training = list(csv.DictReader(io.StringIO(table(plan)))), plan.project.scale.training
    assert [row["job"] for row in rows] == [
        "train/cvppp/resunet-s0",
        "distil/cvppp_resunet_s0_table2_table4_table5_figure6",
        "distil/cvppp_resunet_s0_table5",
    ]
    assert [(row["runs"], row["iterations"], row["step_seconds"]) for row in rows] == [
        ("1", str(training.teacher_iterations), "1"),
        ("1", str(training.iterations), "12"),
        ("10", str(training.iterations), "30"),
    ]
    assert [row["after"] for row in rows] == ["", "train/cvppp/resunet-s0", "train/cvppp/resunet-s0"]
    assert float(rows[2]["hours"]) == pytest.approx((training.iterations * 30 + 15) / 3600, rel=1e-3)
    assert rows[2]["memory_gb"] == "0.018"
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


def test_targets_can_be_absolute_and_relative_paths(layout):
    demo, relative = shipped(), Layout(Path("results/demo"), Path("data"))
    run = Run("cvppp", "resunet_tiny", seed=3)
    for path in ("results/demo/runs/cvppp/resunet_tiny-s3/", "./results/demo/runs/cvppp/resunet_tiny-s3/scores.csv"):
        assert runs_of(demo, relative, [path]) == runs_of(demo, relative, [str(ROOT / path)]) == [run]


def test_the_command_line_prints_the_plan(tmp_path, monkeypatch, capsys):
    (tmp_path / "config").symlink_to(ROOT / "config")
    (tmp_path / "results/demo").mkdir(parents=True)
    (tmp_path / "results/demo/benchmark.json").write_text(measured(shipped()).model_dump_json())
    monkeypatch.chdir(tmp_path)
    main(["plan", "all", "--scale", "demo", "--devices", "4"])
    out = capsys.readouterr().out
    assert out.startswith("all at scale demo (synthetic twins, narrow networks)")
    assert "127: 23 without teacher, 104 students" in out and "on 4 device(s): at least" in out


def test_the_name_of_a_scale_is_a_target_at_that_scale(tmp_path, monkeypatch, capsys):
    (tmp_path / "config").symlink_to(ROOT / "config")
    monkeypatch.chdir(tmp_path)
    main(["plan", "trial"])
    named = capsys.readouterr().out
    main(["plan", "table_trial", "figure_trial", "--scale", "trial"])
    assert named.partition("\n")[2] == capsys.readouterr().out.partition("\n")[2] and named.startswith("trial at scale trial (")


def test_csv_without_benchmark_names_what_to_run_on_standard_error(tmp_path, monkeypatch, capsys):
    (tmp_path / "config").symlink_to(ROOT / "config")
    monkeypatch.chdir(tmp_path)
    main(["plan", "table5", "--scale", "demo", "--csv"])
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 4 and "run `grd benchmark --scale demo` first" in err


def test_numbers_for_people():
    assert [size(n) for n in (900, 5_000_000, 1_260_000_000)] == ["1 kB", "5.0 MB", "1.3 GB"]
    assert [duration(hours) for hours in (0.001, 0.5, 30.04)] == ["4 s", "30.0 min", "30.0 h"]
