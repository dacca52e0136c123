"""Calls of Snakemake that run nothing, and what a call needs that runs jobs."""

import base64

import pytest
import yaml
from pipelines import Pipeline

TABLE = "results/demo/tables/table1.csv"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A pipeline that has made nothing, but has metadata of a table, as if it had."""
    pipeline = Pipeline(tmp_path_factory.mktemp("project"))
    metadata = pipeline.folder / ".snakemake/metadata" / base64.b64encode(TABLE.encode()).decode()
    metadata.parent.mkdir(parents=True)
    metadata.write_text("{}")
    return pipeline


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("--summary", "table1"), f"{TABLE}\t"),
        (("table1", "--dag"), 'label = "time_inference'),
        (("table1", "--rulegraph"), 'label = "time_inference'),
        (("--list-changes", "params"), ""),
        (("--unlock",), "Unlocked working directory"),
        (("--cleanup-metadata", TABLE), ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_call_that_runs_nothing_needs_no_cores(pipeline, arguments, shown):
    result = pipeline.run(*arguments)
    assert result.returncode == 0 and shown in result.stdout, result.stdout[-3000:]


def test_a_call_that_runs_jobs_without_cores_is_told_to_give_them(pipeline):
    result = pipeline.run("table1")
    assert result.returncode == 1
    assert "cores have to be specified for local execution" in result.stdout.splitlines()[-1]


def test_a_target_with_the_name_of_a_scale_is_made_at_that_scale(pipeline):
    printed = pipeline.run("-n", "trial").stdout
    assert "results/trial/tables/table_trial.csv" in printed and "results/demo" not in printed


def test_a_scale_s_target_has_its_tables_figures_and_claims(pipeline):
    printed = pipeline.run("-n", "laptop").stdout
    figures = ("laptop", "embeddings", "curves_worms", "curves_nuclei")
    made = ["tables/table_laptop.md", "tables/claims_laptop.md", *(f"figures/figure_{name}.png" for name in figures)]
    assert all(f"results/laptop/{name}" in printed for name in made)


def test_a_table_of_real_data_at_a_scale_of_twins_is_one_sentence_with_the_scale_it_is_for(tmp_path):
    pipeline = Pipeline(tmp_path)
    datasets, experiments = (tmp_path / "config" / name for name in ("datasets.yaml", "experiments.yaml"))
    content = yaml.safe_load(datasets.read_text())
    datasets.write_text(yaml.safe_dump(content | {"mine": content["cvppp"]}))
    content = yaml.safe_load(experiments.read_text())
    content["table_trial"] |= {"datasets": ["mine"], "scale": "own"}
    experiments.write_text(yaml.safe_dump(content, sort_keys=False))
    result = pipeline.run("-n", "table_trial")
    assert result.returncode == 1 and "Traceback" not in result.stdout
    assert result.stdout.splitlines()[-1].endswith("found none; call with --config scale=own")


def test_a_job_of_a_cluster_refuses_configuration_that_was_edited_after_the_call(pipeline):
    printed = pipeline.run("--mode", "subprocess", "--cores", "1", "-n", "table6", GRD_PLANNED_CONFIG="{}").stdout
    assert "config/" in printed and "expected the file that this call was planned with, found it edited since" in printed
