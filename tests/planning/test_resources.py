"""What trainings ask a cluster for; the demo's scale has `training_hours` 1 and `training_gb` 1.5."""

from pathlib import Path

import pytest

from grd.planning import resources
from grd.planning.estimate import Benchmark, Estimate
from grd.planning.resources import Resources, training_resources
from grd.project.project import Project
from grd.project.run import Run

RUNS = [Run("cvppp", "resunet")]
BENCHMARK = Benchmark(machine={}, device="a GPU", torch="2", steps=3, memory="measured", measurements={})


@pytest.fixture
def demo():
    return Project.load(Path(__file__).parents[2] / "config")


def estimated(monkeypatch, hours, memory):
    monkeypatch.setattr(resources, "estimate", lambda project, runs, benchmark: Estimate(1, hours, memory))


def test_what_was_not_measured_asks_for_what_the_scale_says_and_more_memory_at_every_attempt(demo):
    assert training_resources(demo, RUNS, None) == Resources(60, 1500)
    assert training_resources(demo, RUNS, None, attempt=3) == Resources(60, 3000)
    assert training_resources(demo, RUNS, BENCHMARK) == Resources(60, 1500)


def test_what_was_measured_asks_for_half_as_much_again_and_a_start(demo, monkeypatch):
    estimated(monkeypatch, hours=0.2, memory=2_000_000_000)
    assert training_resources(demo, RUNS, BENCHMARK) == Resources(15 + 18, 4000 + 3000)
    assert training_resources(demo, RUNS, BENCHMARK, attempt=2) == Resources(50, 10500)


def test_no_training_asks_for_longer_than_the_scale_allows(demo, monkeypatch):
    estimated(monkeypatch, hours=100, memory=0)
    assert training_resources(demo, RUNS, BENCHMARK, attempt=4).minutes == 60
