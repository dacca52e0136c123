from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from projects import write_squares

from grd.config.general import Fidelity
from grd.distillation import method_class
from grd.distillation.method import Context
from grd.planning.estimate import Measurement
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.figures import figure6 as module
from grd.reporting.figures.figure6 import LEAST_RANGE, figure6, held_bytes, map_bytes, points, sbd_limits, seed_band

CONFIG = Path(__file__).parents[3] / "config"
CPU = torch.device("cpu")


def project(seeds=(0,)):
    return Project.load(CONFIG, {"scale": "demo", "seeds": list(seeds), "device": "cpu"})


def scored(tmp_path, project):
    layout = Layout(tmp_path, tmp_path)
    write_squares(layout.samples("cvppp"))
    for number, run in enumerate(project.runs("figure6")):
        path = layout.scores(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"segmenter": "mutex_truth_foreground", "image": ["a", "b"], "sbd": [0.5 + number / 100] * 2}).to_csv(
            path, index=False
        )
    return layout


def test_each_curve_has_its_values_in_order_and_shares_the_unchanged_run():
    found = points(project().runs("figure6"))
    assert [point.value for point in found if point.option == "queue_size"] == [12, 16, 24, 32, 48]
    assert [point.value for point in found if point.option == "sampling_number"] == [1, 4, 8, 12, 24]
    assert sum(point.run.stem == "mobilenet_v2-grd-resunet" for point in found) == 2
    assert {point.sampling_number for point in found if point.option == "queue_size"} == {12}
    assert {point.queue_size for point in found if point.option == "sampling_number"} == {32}


def test_the_bank_holds_nodes_and_one_gram_matrix_an_image():
    point = next(point for point in points(project().runs("figure6")) if point.value == 48)
    sizes = held_bytes(point, instances=6, dimension=16, crop=(48, 48), device=CPU)
    image = 6 * 16 * 4 + 6 + 16 * 16 * 4  # nodes, which are present, gram
    assert sizes["bank_bytes"] == 48 * image and sizes["drawn_bytes"] == 12 * image
    assert sizes["held_bytes"] == 60 * image
    assert sizes["map_bytes"] == 48 * 48 * 48 * (16 * 4 + 4)


def test_bytes_are_those_of_the_bank_that_trains():
    bank = method_class("grd")(Context(Fidelity(), {}, {}, {}, [(-1, 0)], instances=6, dimension=16)).bank
    point = next(point for point in points(project().runs("figure6")) if point.value == 32)
    assert held_bytes(point, 6, 16, (48, 48), CPU)["bank_bytes"] == sum(buffer.nbytes for buffer in bank.buffers())


def test_the_paper_s_maps_take_half_a_gigabyte():
    assert map_bytes(32, 16, (544, 544), CPU) == 32 * 544 * 544 * (16 + 1) * 4  # 0.60 GiB


def test_figure_6_has_a_line_of_data_for_each_point(tmp_path):
    figure, data = figure6(project(), scored(tmp_path, project()), CPU)
    assert len(data) == 10 and len(figure.axes) == 4
    lowest = data[(data["option"] == "queue_size") & (data["value"] == 12)].iloc[0]
    assert lowest["sbd"] == pytest.approx(50) and np.isnan(lowest["sd"])
    assert (data["held_map_bytes"] > data["held_bytes"]).all()
    assert data["peak_device_bytes"].isna().all()  # it is measured on a GPU only


def test_on_a_gpu_the_peak_is_what_a_student_holds_and_its_own_part_of_a_step(monkeypatch):
    cost = Measurement(run="", step=1, own=1, validation=1, output=(8, 8), held=30, peak=900, own_peak=4)
    monkeypatch.setattr(module, "measure", lambda project, run, steps, device: cost)
    assert module.peak_bytes(project(), points(project().runs("figure6"))[0].run, torch.device("cuda", 0)) == 34


def test_several_seeds_give_error_bars(tmp_path):
    figure, data = figure6(project((0, 1)), scored(tmp_path, project((0, 1))), CPU)
    assert (data["sd"] > 0).all()
    assert len(figure.axes[0].patches) == 1 and "sd over seeds 0, 1" in figure.get_label()


def test_the_band_is_what_seeds_alone_spread(tmp_path):
    data = pd.DataFrame({"run": ["a", "b", "b"], "sbd": [50.0, 54.0, 54.0], "sd": [3.0, 1.0, 1.0]})
    low, high = seed_band(data)  # a mean of 52, counting b once, and the root of (9 + 1) / 2
    assert (low, high) == (pytest.approx(52 - 5**0.5), pytest.approx(52 + 5**0.5))
    assert seed_band(data.assign(sd=[3.0, None, None])) is None
    figure, _ = figure6(project(), scored(tmp_path, project()), CPU)
    assert not figure.axes[0].patches and "no trend can be read from the points" in figure.get_label()


def test_a_few_points_of_sbd_do_not_fill_the_axis():
    few = pd.DataFrame({"sbd": [50.0, 53.0], "sd": [None, None]}, dtype=float)
    assert sbd_limits(few) == (51.5 - LEAST_RANGE / 2, 51.5 + LEAST_RANGE / 2)
    many = pd.DataFrame({"sbd": [30.0, 70.0], "sd": [0.0, 10.0]})
    assert sbd_limits(many) == pytest.approx((55 - 27.5, 55 + 27.5))
