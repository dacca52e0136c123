import matplotlib.pyplot as plt
import numpy as np
import torch
from projects import settings, squares, write_squares

from grd.metrics.errors import merging_segments, split_instances
from grd.metrics.overlap import overlap_table
from grd.reporting.figures import embedding_colours, mark_errors, representative_image, write_figure
from grd.runs import Run
from grd.training.fit import train


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


def test_the_image_of_median_score_is_shown(tmp_path):
    (tmp_path / "s.csv").write_text("image,pq\na,0.9\nb,0.1\nc,0.5\n")
    assert representative_image(tmp_path / "s.csv") == 2


def test_embeddings_become_colours_of_the_foreground(tmp_path):
    samples = write_squares(tmp_path / "samples.h5")
    train([settings(Run("cvppp", "resunet_tiny"))], samples, [tmp_path], tmp_path / "state", torch.device("cpu"))
    image, labels = squares(1, 0).images[0], squares(1, 0).labels[0]
    colours, held = embedding_colours(tmp_path / "model.pt", image, labels > 0, (48, 48), torch.device("cpu"))
    assert colours.shape == (48, 48, 3) and colours[labels == 0].sum() == 0
    assert colours[labels > 0].min() >= 0 and colours[labels > 0].max() <= 1 and colours[labels > 0].std() > 0.1
    assert 0.5 < held <= 1


def test_a_figure_is_written_in_three_forms(tmp_path):
    import pandas as pd

    figure, _ = plt.subplots()
    write_figure(figure, pd.DataFrame({"a": [1]}), *(tmp_path / f"f.{ending}" for ending in ("pdf", "png", "csv")))
    assert (tmp_path / "f.pdf").read_bytes()[:4] == b"%PDF" and (tmp_path / "f.png").read_bytes()[1:4] == b"PNG"
    assert (tmp_path / "f.csv").read_text() == "a\n1\n"
