import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.reporting.figures.curves import (
    POINTS,
    curves,
    digits_between,
    line_styles,
    long_form,
    loss_curves,
    panel_order,
    panel_title,
)

CONFIG = Path(__file__).parents[3] / "config"
METHODS = {
    **dict.fromkeys(("at", "spkd", "rekd"), ()),
    "biskd": ("node", "edge", "affinity_graph"),
    "grd": ("node", "edge", "affinity_graph", "inter_edge", "inter_affinity"),
}
TAUGHT = Run("cvppp", "mobilenet_v2", "grd", "resunet", changes=(("inter_edge", 0.1), ("node", 1.0)))


def history(terms, steps=(20, 40)):
    """Records as training writes them: the terms halve from window to window; one validation at the end."""
    losses = [{"step": step, "learning_rate": 0.1, **{t: 2.0**-n for t in terms}} for n, step in enumerate(steps)]
    return [*losses, {"step": steps[-1], "validation": 0.7}]


@pytest.fixture
def trained(tmp_path):
    """A project with two seeds and a history of each of its runs on CREMI-C."""
    project, layout = Project.load(CONFIG, {"scale": "demo", "seeds": [0, 1]}), Layout(tmp_path, tmp_path)
    for run in project.all_runs():
        if run.dataset == "cremi_c":
            path = layout.history(run)
            path.parent.mkdir(parents=True)
            terms = ["affinity", *(["node", "strange_term"] if run.method == "grd" else []), "loss"]
            path.write_text("".join(json.dumps(record) + "\n" for record in history(terms)))
    return project, layout


def test_every_run_has_a_panel_with_each_of_its_losses_and_seeds(trained):
    (figure,), data = loss_curves(*trained, "cremi_c")
    assert len(figure.axes) == 7 and [axis.get_title() for axis in figure.axes[:3]] == [
        "MALA",
        "MALA-tiny",
        "MALA → MALA-tiny: AT",
    ]
    assert [len(axis.lines) for axis in figure.axes] == [6, 6, 6, 6, 6, 6, 10]  # for each seed: affinity, loss, validation, terms
    assert all(axis.get_yscale() == "log" for axis in figure.axes)
    assert {line.get_alpha() for line in figure.axes[0].lines} == {1.0, 0.35}
    assert len(data) == 14 * 5 + 2 * 4 and list(data.columns) == ["run", "seed", "step", "term", "value"]
    plt.close(figure)


def test_a_page_has_a_dozen_panels_at_most_and_names_its_axes(tmp_path):
    project, layout = Project.load(CONFIG, {"scale": "demo", "seeds": [0]}), Layout(tmp_path, tmp_path)
    runs = [run for run in project.all_runs() if run.dataset == "cvppp"]
    for run in runs:
        layout.history(run).parent.mkdir(parents=True)
        records = history(["affinity", *(METHODS[run.method] if run.teacher else []), "loss"])
        layout.history(run).write_text("".join(json.dumps(record) + "\n" for record in records))
    pages, data = loss_curves(project, layout, "cvppp")
    assert [len(page.axes) for page in pages] == [12] * (len(runs) // 12) + [len(runs) % 12]
    assert len({page.get_size_inches()[0] for page in pages}) == 1 and "page 2 of 5" in pages[1].get_label()
    first, last = pages[0].axes, pages[-1].axes
    assert [axis.get_ylabel() for axis in first[:5]] == ["loss (log)", "", "", "", "loss (log)"]
    assert [axis.get_xlabel() for axis in first] == [""] * 8 + ["iteration"] * 4
    assert {axis.get_xlabel() for axis in last} == {"iteration"}
    dropped = data[data["run"] == "mobilenet_v2-biskd-resunet-affinity_graph0-edge0"]["term"]
    assert set(dropped) == {"affinity", "node", "loss", "validation"}  # terms of weight 0 train nothing
    assert "edge" in set(data[data["run"] == "mobilenet_v2-biskd-resunet"]["term"])
    plt.close("all")


def test_a_figure_has_the_curves_of_its_own_runs_on_one_page(tmp_path):
    project, layout = Project.load(CONFIG, {"scale": "laptop", "seeds": [0]}), Layout(tmp_path, tmp_path)
    for run in project.runs("figure_curves_worms"):
        layout.history(run).parent.mkdir(parents=True)
        layout.history(run).write_text("".join(json.dumps(record) + "\n" for record in history(["affinity", "loss"])))
    figure, data = curves(project, layout, "figure_curves_worms")
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:2] == ["ResUNet", "ResUNet-tiny"] and titles[-1] == "ResUNet → MobileNet: GRD" and len(titles) == 13
    assert set(data["seed"]) == {0, 1, 2}
    plt.close(figure)


def test_a_figure_of_curves_has_one_data_set(tmp_path):
    project = Project.load(CONFIG, {"scale": "laptop", "seeds": [0]})
    with pytest.raises(
        GrdError, match="figure_laptop: expected one data set in a figure of loss curves, found celegans, bbbc039"
    ):
        curves(project, Layout(tmp_path, tmp_path), "figure_laptop")


def test_the_legend_above_names_what_is_drawn_once(trained):
    (figure,), _ = loss_curves(*trained, "cremi_c")
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["L_aff, supervised", "L_aff, validation data", "Total", "Node", "strange term"]
    plt.close(figure)


def test_a_history_in_long_form_leaves_out_the_learning_rate_and_keeps_validations():
    data = long_form(TAUGHT, history(["affinity", "node", "loss"]))
    assert set(data["term"]) == {"affinity", "node", "loss", "validation"} and set(data["run"]) == {TAUGHT.stem}
    assert data[data["term"] == "affinity"][["step", "value"]].to_numpy().tolist() == [[20, 1.0], [40, 0.5]]
    assert data[data["term"] == "validation"][["step", "value"]].to_numpy().tolist() == [[40, 0.7]]


def test_a_long_history_is_averaged_over_windows():
    steps = range(1, 4 * POINTS + 1)
    records = [{"step": step, "learning_rate": 0.1, "affinity": float(step), "loss": 1.0} for step in steps]
    line = long_form(TAUGHT, records)
    affinity = line[line["term"] == "affinity"]
    assert len(affinity) == POINTS and affinity.iloc[0][["step", "value"]].tolist() == [4, 2.5]
    assert affinity["step"].iloc[-1] == 4 * POINTS


def test_runs_are_in_order_of_pairs_then_methods_then_changes():
    plain, other = Run("d", "mobilenet_v2"), Run("d", "resunet_tiny", "at", "resunet")
    pair = [Run("d", "mobilenet_v2", method, "resunet") for method in ("spkd", "grd")]
    changed = Run("d", "mobilenet_v2", "grd", "resunet", changes=(("node", 1.0),))
    assert panel_order([pair[0], other, changed, pair[1], plain]) == [plain, *pair, changed, other]


def test_a_panel_s_title_is_short_and_says_what_was_changed():
    assert panel_title(Run("cvppp", "resunet")) == "ResUNet"
    assert panel_title(TAUGHT) == "ResUNet → MobileNet: GRD\ninter edge 0.1, node 1"


def test_a_term_has_its_colour_whatever_is_drawn_beside_it():
    assert line_styles(["affinity", "edge"])["edge"] == line_styles(["affinity", "node", "edge"])["edge"]


def test_a_log_axis_has_fewer_ticks_the_more_decades_it_has():
    assert [len(digits_between(1, high)) for high in (np.e, 300, 1e5)] == [3, 2, 1]
