"""A target that Snakemake would take for a NAME=VALUE pair is one sentence with the command that works."""

import sys

import pytest

from grd.config.command_line import SCALE, check_command_line, scale_of_targets
from grd.errors import GrdError


@pytest.mark.parametrize(
    ("words", "option", "found", "mended"),
    [
        ("--config scale=trial table2", "--config", "table2", "--config scale=trial -- table2"),
        ("-n --config scale=trial seeds=[0] a/b.csv table3", "--config", "a/b.csv", "'seeds=[0]' -- a/b.csv table3"),
        ("-C scale=trial table2 --cores 1", "-C", "table2", "-C scale=trial -- table2 --cores 1"),
        ("--resources gpu=4 table2", "--resources", "table2", "--resources gpu=4 -- table2"),
    ],
)
def test_a_target_without_dashes_before_it_is_one_sentence(monkeypatch, words, option, found, mended):
    monkeypatch.setattr(sys, "argv", ["snakemake", *words.split()])
    with pytest.raises(SystemExit) as ended:
        check_command_line()
    sentence = f"error: expected NAME=VALUE after {option}, found '{found}'; put -- before targets: snakemake "
    assert ended.value.code.startswith(sentence) and ended.value.code.endswith(mended)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "table2",
        "table2 --config scale=trial",
        "--config scale=trial -- table2",
        "--config scale=trial --cores 2 table2",
        "--config=scale=trial table2",
        "--cores all --resources gpu=4 -- table2 --config",
    ],
)
def test_other_calls_are_left_alone(monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["snakemake", *words.split()])
    check_command_line()


def test_a_target_may_be_the_name_of_a_scale_which_jobs_inherit(monkeypatch):
    monkeypatch.setenv(SCALE, "")
    monkeypatch.delenv(SCALE)
    assert scale_of_targets(["table2"], None, {"trial"}) is None
    assert scale_of_targets(["trial"], ["scale=trial", "seeds=[0]"], {"trial"}) == "trial"
    assert scale_of_targets([], None, {"trial"}) == "trial"  # in the process of a job


@pytest.mark.parametrize(
    ("targets", "config", "found"), [(["trial", "table2"], None, "table2"), (["trial"], ["scale=paper"], "scale=paper")]
)
def test_a_scale_beside_other_targets_or_another_scale_is_refused(monkeypatch, targets, config, found):
    monkeypatch.setenv(SCALE, "")
    with pytest.raises(
        GrdError, match=f"trial: expected this target, which is made at its own scale, alone, found {found} beside it"
    ):
        scale_of_targets(targets, config, {"trial"})
