import pytest

from grd.config.scales import Training
from grd.training.schedule import learning_rate


def test_the_paper_s_rate_is_constant():
    settings = Training(iterations=100)
    assert {learning_rate(settings, step) for step in range(100)} == {1e-4}


def test_one_cycle_rises_to_its_peak_at_30_percent_and_falls_to_nearly_nothing():
    settings = Training(iterations=100, learning_rate=0.01, schedule="one_cycle")
    rates = [learning_rate(settings, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.01 / 25)
    assert max(rates) == rates[30] == pytest.approx(0.01)
    assert rates[:31] == sorted(rates[:31]) and rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[-1] < 1e-4
