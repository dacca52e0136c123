from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from projects import settings, squares, train_into, write_squares

from grd.metrics.errors import counterparts, covered_instances, covering_segments, merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.figures.comparisons import representative_image
from grd.reporting.figures.figure3 import central_window, representative_section
from grd.reporting.figures.figure5 import embedding_colours
from grd.reporting.figures.panels import id_colours, mark_errors, match_ids, write_figure

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


def test_a_colour_depends_on_the_id_alone():
    colours = id_colours(np.array([0, 3, 4, 3]))
    assert (colours[0] == 0).all() and (colours[1] == colours[3]).all() and (colours[1] != colours[2]).any()


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
    colours, share = embedding_colours(tmp_path / "weights.pt", image, labels > 0, (48, 48), torch.device("cpu"))
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


def test_a_figure_is_written_in_three_forms(tmp_path):
    import pandas as pd

    figure, _ = plt.subplots()
    write_figure(figure, pd.DataFrame({"a": [1]}), *(tmp_path / f"f.{ending}" for ending in ("pdf", "png", "csv")))
    assert (tmp_path / "f.pdf").read_bytes()[:4] == b"%PDF" and (tmp_path / "f.png").read_bytes()[1:4] == b"PNG"
    assert (tmp_path / "f.csv").read_text() == "a\n1\n"
