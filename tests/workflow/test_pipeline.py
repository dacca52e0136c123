"""The workflow on twins, from nothing to tables, in a folder of its own."""

import base64
import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from pipelines import shrink

from grd.cli import main
from grd.data.store import read_labels, read_split, segmenters_of
from grd.reporting.latex import missing_latex

ROOT = Path(__file__).parents[2]
TABLES = [f"table{number}" for number in range(1, 7)]
FIGURES = [f"figure{number}" for number in range(2, 7)]


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile"), "--directory", str(folder)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=3000)


def jobs(result):
    """Planned jobs by rule, from a dry run's statistics."""
    lines = (result.stdout + result.stderr).split("Job stats:")[-1].splitlines()
    counts = {}
    for line in lines[3:]:
        if len(line.split()) != 2:
            break
        counts[line.split()[0]] = int(line.split()[1])
    return counts


def embedded(report, name):
    """A variable of a report's page: `results` by path, `categories` with their subcategories."""
    (found,) = re.findall(rf'<script id="{name.replace("_", "-")}">\s*var {name} = (.*);\s*</script>', report.read_text())
    return json.loads(found)


def check_report(results):
    """The report holds the very tables, figures and loss curves that lie beside it, each with a caption and labels."""
    names = ["tables/claims.html", *(f"tables/table{number}.html" for number in range(1, 7))]
    names += [f"figures/figure{number}.png" for number in range(2, 7)]
    trained = sorted({path.parents[1].name for path in results.glob("runs/*/*/history.jsonl")})
    names += [f"figures/curves-{dataset}.png" for dataset in trained]
    shown = embedded(results / "report.html", "results")
    assert set(shown) == {f"results/demo/{name}" for name in names}
    for name in names:
        entry = shown[f"results/demo/{name}"]
        assert base64.b64decode(entry["data_uri"].split("base64,")[1]) == (results / name).read_bytes()
        assert "Scale demo: synthetic twins" in entry["caption"] and "system-message" not in entry["caption"]
        assert entry["labels"]["scale"] == "demo" and len(entry["labels"]) == 2
    categories = embedded(results / "report.html", "categories")
    assert {name: set(parts) for name, parts in categories.items()} == {
        "Claims": {"Other"},
        "Tables": {"Methods", "Ablations"},
        "Figures": {"Images", "Volumes", "Ablations"},
        "Training": {"Images", "Volumes"},
    }
    description = embedded(results / "report.html", "workflow_desc")
    assert "Graph relation distillation, reproduced" in description and "system-message" not in description


def check_timings(results):
    """Inference was timed on all cores, after all else that runs are followed by."""
    passports = [json.loads(path.read_text()) for path in results.glob("runs/*/*/*.passport.json")]
    timings = [passport for passport in passports if passport["rule"] == "time_inference"]
    assert len(timings) == 6 and {passport["threads"] for passport in timings} == {2}
    others = [passport["began"] for passport in passports if passport["rule"] != "time_inference"]
    assert max(others) <= min(passport["began"] for passport in timings)


def check_predictions(results, folder):
    """`grd predict` gives the labels of the pipeline, pixel by pixel, for the test images of every data set written as tif."""
    for samples in sorted((results / "data").glob("*.h5")):
        split = read_split(samples, "test")
        run = results / "runs" / samples.stem / ("mala_tiny-s0" if split.holds_volumes else "resunet_tiny-s0")
        names = [re.sub(r"\W", "_", name) for name in split.names]
        files = [folder / samples.stem / f"{name}.tif" for name in names]
        files[0].parent.mkdir(parents=True)
        for path, image in zip(files, split.images, strict=True):
            tifffile.imwrite(path, image, photometric="rgb" if image.shape[-1] == 3 else "minisblack")
        for segmenter in segmenters_of(run / "labels.h5"):
            if segmenter == "mutex_truth_foreground":
                continue  # users have no ground truth
            out = folder / samples.stem / segmenter
            main(["predict", *map(str, files), "--model", f"{run}/model.pt", "-o", str(out), "--segmenter", segmenter])
            found = [tifffile.imread(out / f"{name}-labels.tif") for name in names]
            np.testing.assert_array_equal(found, read_labels(run / "labels.h5", segmenter)[1], f"{samples.stem} {segmenter}")


def check_document(results):
    """The sources name every table and figure, and where LaTeX is, its pages hold them."""
    source = (results / "reproduction.tex").read_text()
    assert all(f"tables/{name}.tex" in source for name in (*TABLES, "claims"))
    assert all(f"figures/{name}.pdf" in source for name in FIGURES)
    assert (results / "reproduction.pdf").exists() == (not missing_latex())


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A copy of config/ whose demo trains two methods for a few steps on small twins, two of them volumes."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "config", folder / "config")
    shrink(folder / "config")
    experiments = folder / "config/experiments.yaml"
    fewer = experiments.read_text().replace("[at, spkd, rekd, biskd, grd]", "[at, grd]")
    experiments.write_text(fewer.replace("[ac34, cremi_a, cremi_b, cremi_c]", "[ac34, cremi_c]"))
    return folder


def test_the_workflow_is_free_of_lint():
    result = snakemake(ROOT, "--lint")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_whole_demo_is_a_job_per_run_and_step_and_one_per_group(small):
    planned = jobs(snakemake(small, "-n", "all", "results/demo/report.html"))  # a file of its own among the targets
    runs = 36 + 8 + 4 + 10 + 6 + 8  # Tables II and III, then what IV (BISKD, too), V, VI and Figure 6 add
    assert planned["segment"] == planned["score"] == runs
    assert sum(count for rule, count in planned.items() if rule.startswith("distil_")) == 6 + 2 + 6
    assert planned["train"] == 12 + 4 + 3 and planned["time_inference"] == 6
    assert all(planned[name] == 1 for name in [*TABLES, *FIGURES, "claims", "report", "document"]) and planned["loss_curves"] == 5
    assert planned.get("pdf", 0) == (not missing_latex())


def test_table_5_alone_is_its_own_runs_and_their_teacher(small):
    planned = jobs(snakemake(small, "-n", "table5"))
    assert planned["segment"] == planned["score"] == 11
    assert planned["train"] == planned["prepare_samples"] == 1
    distil = {rule for rule in planned if rule.startswith("distil_")}
    assert distil == {"distil_cvppp_resunet_s0_table5", "distil_cvppp_resunet_s0_table2_table4_table5_figure6"}
    assert not {*TABLES, *FIGURES} - {"table5"} & set(planned)


def test_every_file_can_be_asked_for_by_its_path(small):
    makers = {"table5": "tables/table5.html", "loss_curves": "figures/curves-bbbc039.png", "prepare_samples": "data/ac34.h5"}
    result = snakemake(small, "-n", *(f"results/demo/{path}" for path in makers.values()))
    assert result.returncode == 0, (result.stdout + result.stderr)[-3000:]
    planned = jobs(result)
    assert planned["table5"] == planned["loss_curves"] == 1
    assert planned["prepare_samples"] == 3  # of table 5, of the curves and the one that is asked for
    assert not {"report", "table2", "figure2"} & set(planned)


def test_table_1_alone_trains_only_the_networks_it_times(small):
    planned = jobs(snakemake(small, "-n", "table1"))
    assert planned["train"] == planned["segment"] == planned["time_inference"] == 6  # segmented, since models say how
    assert not any(rule.startswith("distil_") or rule == "score" for rule in planned)


def test_a_typo_in_the_configuration_is_one_sentence_before_anything_runs(small):
    result = snakemake(small, "-n", "--config", "sclae=demo")
    assert result.returncode != 0
    assert "unknown key 'sclae' (value 'demo'); did you mean 'scale'?" in result.stdout + result.stderr


def test_broken_yaml_in_the_configuration_has_file_and_line(small):
    path = small / "config/config.yaml"
    content = path.read_text()
    path.write_text(content.replace("seeds: [0]", "seeds: [0"))
    try:
        result = snakemake(small, "-n")
    finally:
        path.write_text(content)
    assert result.returncode != 0
    assert re.match(r"error: config/config\.yaml, line \d+: not valid YAML \(", result.stderr.splitlines()[-1])


def test_a_target_without_dashes_before_it_is_one_sentence(small):
    result = snakemake(small, "-n", "--config", "scale=demo", "table2")
    assert result.returncode != 0 and "Traceback" not in result.stderr
    sentence = "error: expected NAME=VALUE after --config, found 'table2'; put -- before targets: snakemake"
    assert result.stderr.splitlines()[-1].startswith(sentence)


def test_a_data_set_by_form_says_where_to_get_it_and_where_to_put_it(small):
    result = snakemake(small, "--cores", "1", "--config", "scale=trial", "--", "results/trial/data/cvppp.h5")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "https://www.plant-phenotyping.org/datasets-download" in output and "data/inbox" in output


@pytest.mark.slow
def test_from_nothing_to_tables_and_figures_and_nothing_to_do_after(small):
    result = snakemake(small, "--cores", "2")
    assert result.returncode == 0, (result.stdout + result.stderr)[-5000:]
    results = small / "results/demo"
    for name in (*TABLES, "claims"):
        for ending in ("csv", "tex", "md", "html"):
            assert (results / "tables" / f"{name}.{ending}").stat().st_size > 500
    for name in FIGURES:
        for ending in ("pdf", "png", "csv", "tex"):
            assert (results / "figures" / f"{name}.{ending}").stat().st_size > 100
    check_report(results)
    check_document(results)
    check_predictions(results, small / "predictions")
    check_timings(results)
    runs = sorted(path.parent for path in results.glob("runs/*/*/model.pt"))
    assert len(runs) == 36 + 8 + 4 + 10 + 6 + 8
    for run in runs:
        names = {path.name for path in run.iterdir() if not path.name.endswith(".passport.json")}
        trained, segmented = {"weights.pt", "last.pt", "history.jsonl", "training.json"}, {"model.pt", "labels.h5", "scores.csv"}
        assert names - {"timing.csv"} == trained | segmented
    assert "Nothing to be done" in (again := snakemake(small, "-n")).stdout + again.stderr

    # a changed setting runs again what it touches, and no more
    demo = small / "config/scales/demo.yaml"
    content = yaml.safe_load(demo.read_text())
    content["datasets"]["bbbc039"] = copy.deepcopy(content["datasets"]["bbbc039"])  # YAML's alias is one object
    content["datasets"]["bbbc039"].setdefault("segmenters", {})["mutex"] = {"max_size": 900}
    demo.write_text(yaml.safe_dump(content))
    planned = jobs(snakemake(small, "-n"))
    assert planned["segment"] == planned["score"] == 12
    assert not any(rule == "train" or rule.startswith("distil_") for rule in planned)


@pytest.mark.slow
def test_finished_members_of_a_group_are_written_back_at_once(small):
    run = "results/demo/runs/cvppp/resunet_tiny-at-resunet-s0"
    result = snakemake(small, "--cores", "2", f"{run}/weights.pt")  # nothing, after the tests before
    assert result.returncode == 0, (result.stdout + result.stderr)[-3000:]
    before = (small / run / "weights.pt").read_bytes()
    (small / run / "weights.pt").unlink()
    result = snakemake(small, "--cores", "1", f"{run}/weights.pt")
    assert result.returncode == 0, (result.stdout + result.stderr)[-3000:]
    assert jobs(result) == {"collect_student": 1, "total": 1}
    assert (small / run / "weights.pt").read_bytes() == before
