"""Timed passes fit into a budget of seconds; the clock of these tests is advanced by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from grd.config.segmenters import MutexSegmenter
from grd.data.store import Split
from grd.segmentation import timing

SETTINGS = MutexSegmenter(algorithm="mutex", foreground="corner")
IMAGES = Split(["a", "b"], np.zeros((2, 6, 7, 3), np.uint8), np.zeros((2, 6, 7), np.uint16))


@pytest.fixture
def clock(monkeypatch):
    """A clock; `clock.image` and `clock.forward` are the seconds from an image to instances, and of a forward pass over all."""
    clock = SimpleNamespace(now=100.0, image=0.0, forward=0.0, segmented=[])

    def forward(predictor, images):
        clock.now += clock.forward
        return clock.forward

    def end_to_end(predictor, images, settings):
        clock.now += clock.image * len(images.names)
        clock.segmented.append(images.images.shape)

    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    use = SimpleNamespace(canvas=(8, 8), segmenter=lambda name: SETTINGS)
    clock.use = use
    card = SimpleNamespace(required_use=lambda path: use)
    monkeypatch.setattr(timing, "load_predictor", lambda *arguments: SimpleNamespace(card=card))
    monkeypatch.setattr(timing, "read_split", lambda *arguments: IMAGES)
    monkeypatch.setattr(timing, "_forward", forward)
    monkeypatch.setattr(timing, "_end_to_end", end_to_end)
    return clock


def rows(tmp_path):
    timing.write_timing_file(None, None, "mutex", tmp_path / "timing.csv", torch.device("cpu"))
    return pd.read_csv(tmp_path / "timing.csv")


@pytest.mark.parametrize(
    ("image", "forward", "passes"),
    [
        (1, 1, 3),  # warm-up to 1 s, passes to 4, 7 and 10 s
        (2, 4, 2),  # warm-up to 2 s, passes to 10 and 18 s; a third would end at 26 s
        (3, 6, 1),  # warm-up to 3 s, a pass to 15 s; a second would end at 27 s
        (40, 9, 1),  # the warm-up alone takes 40 s
    ],
)
def test_a_pass_begins_only_if_it_would_end_within_the_budget_but_one_always(tmp_path, clock, image, forward, passes):
    clock.image, clock.forward = image, forward
    found = rows(tmp_path)
    assert found["forward"].tolist() == [forward] * passes
    assert found["end_to_end"].tolist() == [2 * image] * passes
    assert found["images"].tolist() == [2] * passes


def test_the_warm_up_repeats_what_fits_into_the_canvas_for_a_second(tmp_path, clock):
    clock.image, clock.forward = 0.3, 0.5
    clock.use.canvas = (4, 8)
    rows(tmp_path)
    assert clock.segmented == 4 * [(1, 4, 7, 3)] + 3 * [(2, 6, 7, 3)]
