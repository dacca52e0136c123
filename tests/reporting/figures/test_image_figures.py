from collections import Counter
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from projects import settings, squares, train_into, write_squares
from skimage.color import rgb2lab

from grd.errors import GrdError
from grd.metrics.errors import counterparts, covered_instances, covering_segments, merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.figures import make_figure
from grd.reporting.figures.colours import PALETTE, choose_colours, comparable_colours, neighbour_pairs, paint
from grd.reporting.figures.comparisons import Comparison, draw_comparisons, draw_row, representative_image
from grd.reporting.figures.figure3 import central_window, representative_section
from grd.reporting.figures.figure5 import embedding_colours
from grd.reporting.figures.panels import mark_errors, match_ids, write_figure, write_pages

CONFIG = Path(__file__).parents[3] / "config"


def halves():
    truth = np.zeros((4, 8), int)
    truth[:, :4], truth[:, 4:] = 1, 2
    return truth


def test_a_segment_over_two_instances_is_an_over_merge():
    table = overlap_table(np.ones((4, 8), int), halves())
    assert merging_segments(table) == [1] and split_instances(table) == []


def test_an_instance_in_two_halves_is_an_over_segmentation():
    prediction = halves()
    prediction[:2, :4] = 3
    table = overlap_table(prediction, halves())
    assert merging_segments(table) == [] and split_instances(table) == [1]


def test_a_sliver_is_no_error():
    prediction = halves()
    prediction[0, 0] = 3
    table = overlap_table(prediction, halves())
    assert merging_segments(table) == split_instances(table) == []


def test_boxes_are_drawn_around_errors_in_their_colours():
    _, axis = plt.subplots()
    prediction = halves()
    prediction[:2, :4] = 3
    assert mark_errors(axis, prediction, halves()) == (0, 1)
    (box,) = axis.patches
    assert box.get_edgecolor()[:3] == (1, 1, 1) and (box.get_width(), box.get_height()) == (4, 4)


def test_an_outline_closes_at_the_image_s_border():
    _, axis = plt.subplots()
    assert mark_errors(axis, np.ones((4, 8), int), halves(), outlines=True) == (1, 0)
    (lines,) = axis.collections
    ((first, *_, last),) = lines.get_paths()[0].to_polygons(closed_only=False)
    np.testing.assert_array_equal(first, last)
    assert axis.get_xlim() == (-0.5, 7.5) and axis.get_ylim() == (3.5, -0.5)


def test_a_segment_is_named_after_the_instance_that_it_matches_best():
    prediction = np.where(halves() == 1, 7, 5)
    prediction[0, 4:] = 6  # the smaller part of instance 2
    assert counterparts(overlap_table(prediction, halves())) == {7: 1, 5: 2}
    names = match_ids(prediction, halves())
    assert (names[:, :4] == 1).all() and (names[1:, 4:] == 2).all() and (names[0, 4:] == 8).all()


def test_a_merging_segment_is_named_after_one_instance_only():
    assert set(counterparts(overlap_table(np.ones((4, 8), int), halves())).values()) == {1}


def test_neighbours_touch_or_have_a_thin_border_between_them():
    labels = np.array([[1, 1, 0, 2, 0, 0, 0, 0, 0, 3, 4]] * 2)
    assert neighbour_pairs(labels) == {(1, 2), (3, 4)}


def test_neighbours_have_different_colours_that_are_easy_to_tell_apart():
    rng = np.random.default_rng(0)
    seeds = rng.integers(0, 60, (40, 2))
    labels = 1 + ((np.mgrid[:60, :60].reshape(2, -1, 1) - seeds.T[:, None]) ** 2).sum(0).argmin(1).reshape(60, 60)
    pairs = neighbour_pairs(labels)
    colours = choose_colours(range(41), pairs)
    assert len(pairs) > 80 and 0 not in colours and all(colours[one] != colours[other] for one, other in pairs)
    lab = rgb2lab(PALETTE[None])[0]
    assert min(np.linalg.norm(a - b) for a, b in combinations(lab, 2)) > 40  # a difference of 2 is visible
    picture = paint(np.array([[0, 1]]), colours)[0]
    assert (picture[0] == 0).all() and (picture[1] == PALETTE[colours[1]]).all()


def test_a_colour_that_neighbours_must_share_is_the_one_that_fewest_have():
    everyone = {(one, other) for one in range(1, 11) for other in range(one + 1, 11)}
    used = Counter(choose_colours(range(1, 11), everyone).values())
    assert sorted(used.values()) == [1] * 6 + [2] * 2


def test_an_instance_has_its_colour_in_every_image_and_new_neighbours_differ_from_it():
    truth = np.repeat([[1, 2, 3, 4]], 4, axis=0).repeat(6, axis=1)
    prediction = np.where(truth == 2, 9, truth)  # 9 is no instance of the truth
    prediction[:, 12:] = 1
    of_truth, of_prediction = comparable_colours(truth, [prediction])
    assert {of_truth[1] == of_prediction[1], of_truth[1] != of_truth[2], of_prediction[9] != of_prediction[1]} == {True}


def test_seed_and_score_stand_below_a_prediction_and_in_the_figure_s_data():
    _, axes = plt.subplots(1, 3)
    prediction = halves()
    prediction[:, 2:4] = 0  # half of instance 1 is missed: IoU 1/2 is no match, instance 2 is perfect
    run = Run("cvppp", "mobilenet_v2", seed=7)
    (record,) = draw_row(axes, Comparison("cvppp", "a", np.zeros((4, 8)), halves(), [(run, prediction)], "pq"), outlines=False)
    assert axes[2].get_xlabel() == "seed 7: PQ 0.500" and record["pq"] == 0.5
    assert (record["over_merge"], record["over_segmentation"]) == (0, 0)
    plt.close("all")


def test_each_row_of_panels_has_the_titles_of_its_own_runs():
    project = Project.load(CONFIG, {"scale": "demo", "seeds": [0]})
    taught = [Run("cvppp", "mobilenet_v2", method, "resunet") for method in ("at", "grd")]
    image = np.zeros((4, 8))
    rows = [
        Comparison("cvppp", "a", image, halves(), [(run, halves()) for run in taught], "pq"),
        Comparison("celegans", "b", image, halves(), [(run, halves()) for run in taught], "pq"),
        Comparison("bbbc039", "c", image, halves(), [(taught[1], halves())], "pq"),
    ]
    figure, _ = draw_comparisons(project, rows, "Text")
    assert [axis.get_title() for axis in figure.axes] == [
        *("Image", "Ground truth", "+ AT", "+ GRD"),
        *[""] * 4,  # as above
        *("Image", "Ground truth", "+ GRD"),
    ]
    plt.close("all")


def test_segments_cover_an_instance_in_the_order_of_their_shares():
    prediction = halves()
    prediction[:1, :4], prediction[3, 0] = 3, 4
    table = overlap_table(prediction, halves())
    assert covering_segments(table, 1, 0.1) == {1: 0.6875, 3: 0.25} and covering_segments(table, 2, 0.1) == {2: 1.0}
    assert covered_instances(overlap_table(np.ones((4, 8), int), halves()), 1, 0.1) == [1, 2]


def test_the_section_with_the_median_number_of_errors_is_shown():
    truth = np.stack([halves()] * 3)
    prediction = truth.copy()
    prediction[0], prediction[1, :2, :4], prediction[1, :2, 4:] = 1, 3, 4  # 1, 2 and 0 errors
    assert representative_section(prediction, truth) == 0


def test_of_a_large_section_the_middle_is_shown():
    assert central_window((1024, 400)) == (slice(256, 768), slice(0, 400))


def test_the_image_of_median_score_is_shown():
    assert representative_image(pd.DataFrame({"pq": [0.9, 0.1, 0.5]})) == 2


def test_embeddings_become_colours_of_the_foreground(tmp_path):
    samples = write_squares(tmp_path / "samples.h5")
    train_into([settings(Run("cvppp", "resunet_tiny"))], samples, [tmp_path], tmp_path / "state")
    image, labels = squares(1, 0).images[0], squares(1, 0).labels[0]
    colours, share = embedding_colours(tmp_path / "weights.pt", image, labels > 0, torch.device("cpu"))
    assert colours.shape == (48, 48, 3) and colours[labels == 0].sum() == 0
    assert colours[labels > 0].min() >= 0 and colours[labels > 0].max() <= 1 and colours[labels > 0].std() > 0.1
    assert 0.5 < share <= 1


def test_for_latex_the_caption_is_a_text_of_its_own(tmp_path):
    import pandas as pd

    from grd.reporting.figures.panels import caption

    figure, axis = plt.subplots(figsize=(5, 3))
    caption(figure, Project.load(CONFIG), "50 % of a_b")
    paths = [tmp_path / f"f.{ending}" for ending in ("pdf", "png", "csv", "tex")]
    write_figure(figure, pd.DataFrame({"a": [1]}), *paths)
    assert paths[3].read_text().startswith(r"50 \% of a\_b $\cdot$ scale demo (synthetic twins")
    assert not any(text.get_visible() for text in figure.texts) and axis.get_visible()


def test_pages_are_written_one_by_one_and_one_below_the_other(tmp_path):
    import pandas as pd

    pages = [plt.subplots(figsize=(2, height))[0] for height in (1, 1.5)]
    write_pages(pages, pd.DataFrame({"a": [1]}), *(tmp_path / f"f.{ending}" for ending in ("pdf", "png", "csv")))
    assert (tmp_path / "f.pdf").read_bytes().count(b"/Count 2") == 1 and (tmp_path / "f.csv").read_text() == "a\n1\n"
    assert plt.imread(tmp_path / "f.png").shape[:2] == (500, 400)


def test_a_figure_is_written_in_several_forms(tmp_path):
    import pandas as pd

    figure, _ = plt.subplots()
    write_figure(figure, pd.DataFrame({"a": [1]}), *(tmp_path / f"f.{ending}" for ending in ("pdf", "png", "csv", "tex")))
    assert (tmp_path / "f.pdf").read_bytes()[:4] == b"%PDF" and (tmp_path / "f.png").read_bytes()[1:4] == b"PNG"
    assert (tmp_path / "f.csv").read_text() == "a\n1\n"


def test_a_figure_is_given_the_device_and_the_name_that_its_function_takes(monkeypatch):
    monkeypatch.setattr("grd.reporting.figures.figure5.figure5", lambda project, layout, device, experiment: (device, experiment))
    project = Project.load()
    assert make_figure("figure_embeddings", project, None, "cpu") == ("cpu", "figure_embeddings")
    with pytest.raises(GrdError, match="figure_embeddings: expected `device: true`"):
        make_figure("figure_embeddings", project, None)
    project.experiments["figure_mine"] = project.experiments["figure2"].model_copy(update={"module": "figure3"})
    with pytest.raises(GrdError, match="figure_mine: expected a module that draws several figures, found figure3"):
        make_figure("figure_mine", project, None)
