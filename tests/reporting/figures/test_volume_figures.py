from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from grd.data.store import Split, write_labels, write_samples
from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.figures.figure3 import figure3
from grd.reporting.figures.figure4 import box_around, chosen_neurites, figure4, voxel_size
from grd.reporting.figures.surfaces import Surface, camera_beside, draw_surfaces, normals, triangles

CONFIG = Path(__file__).parents[3] / "config"


def tubes():
    """Four neurites (8, 24, 24) along z, of which 4 ends in the third section, 1 is thickest."""
    truth = np.zeros((8, 24, 24), np.uint16)
    truth[:, 2:12, 2:12], truth[:, 14:20, 2:12], truth[:, 2:10, 14:20], truth[:3, 12:24, 14:24] = 1, 2, 3, 4
    return truth


@pytest.fixture
def small(tmp_path):
    """A project and its files: every run of Figures 3 and 4 is right, but for the students without a teacher.

    These split neurite 1 after the third section and merge 2 and 3.
    """
    project, layout, truth = Project.load(CONFIG, {"scale": "demo", "seeds": [0]}), Layout(tmp_path, tmp_path), tubes()
    wrong = np.where(truth == 3, 2, truth)
    wrong[3:][truth[3:] == 1] = 9
    for dataset in project.datasets_of("figure3"):
        images = (60 * truth).astype(np.uint8)
        write_samples(layout.samples(dataset), {"test": Split(["volume"], images[None], truth[None])})
    for run in project.runs("figure3", "figure4"):
        labels = wrong if run.stem == "mala_tiny" else truth
        write_labels(layout.labels(run), ["volume"], {"waterz": labels[None]})
    return project, layout


def test_figure_3_shows_a_section_of_each_volume_and_counts_its_errors(small):
    figure, data = figure3(*small)
    assert len(figure.axes) == 2 * (2 + 7) and len(data) == 2 * 7
    student = data[data.run == "mala_tiny-s0"].iloc[0]
    assert (student.over_merge, student.over_segmentation) == (1, 0)  # the split lies between sections
    assert data[data.run != "mala_tiny-s0"].over_merge.sum() == 0 and student.image.startswith("volume, section ")
    plt.close(figure)


def test_figure_4_counts_segments_and_what_they_hold_of_other_neurites(small):
    figure, data = figure4(*small)
    assert len(figure.axes) == 3 * 8 and list(data.neurite[:3]) == [1, 2, 3]
    student = data[data.run == "mala_tiny-s0"].set_index("neurite")
    assert student.segments.to_dict() == {1: 2, 2: 1, 3: 1}
    assert student.largest_share[1] == 0.625 and student.voxels_beyond.to_dict() == {1: 0, 2: 8 * 48, 3: 8 * 60}
    others = data[data.run != "mala_tiny-s0"]
    assert (others.segments == 1).all() and (others.largest_share == 1).all() and (others.voxels_beyond == 0).all()
    plt.close(figure)


def test_neurites_are_chosen_by_size_among_those_in_half_of_the_sections():
    truth = tubes()
    assert (truth == 4).sum() == 360 < (truth == 3).sum()
    truth[:3, :, 20:] = 4
    assert (truth == 4).sum() > (truth == 2).sum() and chosen_neurites(truth, 3) == [1, 2, 3]
    assert chosen_neurites(truth, 4) == [1, 2, 3, 4]  # the short one where there are too few others
    assert chosen_neurites(np.zeros((2, 3, 3), int), 3) == []


def test_a_box_has_a_margin_but_stays_in_the_volume():
    assert box_around(tubes(), 2) == (slice(0, 8), slice(13, 21), slice(0, 14))


def test_a_pixel_of_a_twin_is_wider_unless_its_neurites_are_magnified():
    twins = Project.load(CONFIG, {"scale": "demo", "seeds": [0]})
    for magnification, width in ((1, 30), (2.5, 12)):
        twin = twins.scale.twins["ac34"].model_copy(update={"magnification": magnification})
        scale = twins.scale.model_copy(update={"twins": {"ac34": twin}})
        assert voxel_size(replace(twins, scale=scale), "ac34").tolist() == [29, width, width]


def test_voxels_of_real_volumes_have_their_official_size():
    real = Project.load(CONFIG, {"scale": "single-gpu", "seeds": [0]})
    assert voxel_size(real, "cremi_c").tolist() == [40, 4, 4]
    with pytest.raises(GrdError, match="expected a `resolution` of cvppp"):
        voxel_size(real, "cvppp")


def ball():
    z, y, x = np.mgrid[:21, :21, :21] - 10
    return z**2 + y**2 + x**2 < 64


def test_a_surface_lies_around_its_mask_in_nm_and_looks_outwards():
    surface = triangles(ball(), (40, 4, 4), (100, 0, 0))
    centre = np.array([(110 + 0.5) * 40, 10.5 * 4, 10.5 * 4])
    offsets = (surface.mean(axis=1) - centre) / (40, 4, 4)
    np.testing.assert_allclose(np.linalg.norm(offsets, axis=1), 7.5, atol=0.8)
    assert ((normals(surface) * offsets).sum(axis=1) > 0).mean() > 0.99


def test_an_empty_mask_has_no_surface():
    assert triangles(np.zeros((4, 4, 4), bool), (1, 1, 1)).shape == (0, 3, 3)


def test_a_large_mask_keeps_its_place_when_it_is_averaged():
    mask = np.zeros((4, 300, 300), bool)
    mask[:, 100:200, 150:250] = True
    surface = triangles(mask, (10, 1, 1))
    np.testing.assert_allclose(surface.reshape(-1, 3).mean(axis=0)[1:], [150, 200], atol=2)


def test_the_camera_sees_the_widest_side_with_the_first_section_on_top():
    points = np.array([(z, y, 0.1 * y % 1) for z in range(5) for y in range(0, 100, 5)], float)
    camera = camera_beside(points)
    np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)
    seen = camera.project(points)
    assert np.ptp(seen[:, 0]) > 90 and camera.project(np.array([0, 0, 0]))[1] > camera.project(np.array([9, 0, 0]))[1]


def test_what_is_nearer_is_drawn_later_and_what_looks_away_is_not_drawn():
    camera = camera_beside(np.argwhere(ball()))
    mask = triangles(ball(), (1, 1, 1))
    towards = camera.axes[2] * 30
    _, axis = plt.subplots()
    draw_surfaces(axis, [Surface(mask + towards, to_rgb("red")), Surface(mask, to_rgb("blue"))], camera)
    (drawn,) = axis.collections
    colours = drawn.get_facecolor()
    red = colours[:, 0] > 0
    assert len(colours) == pytest.approx(len(mask), rel=0.15) and not red[0] and red[-1]
    assert np.flatnonzero(red)[0] > np.flatnonzero(~red)[-1]
    plt.close("all")
