"""Settings of data sets, networks and rows that could only fail, or do nothing, after a training are refused before it."""

import re

import pytest
import yaml
from config.edits import edit

from grd.errors import GrdError
from grd.project.project import Project

MUTEX, WATERZ, MULTICUT = {"algorithm": "mutex", "foreground": "corner"}, {"algorithm": "waterz"}, {"algorithm": "multicut"}


def check_refused(config, sentence):
    with pytest.raises(GrdError, match=sentence) as caught:
        Project.load(config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dataset", "segmenters", "sentence"),
    [
        ("cvppp", {"m": MUTEX, "w": WATERZ}, "expected mutex as algorithm of segmenter w, as the data are images, found waterz"),
        ("cvppp", {"m": MULTICUT}, "expected mutex as algorithm of segmenter m, as the data are images, found multicut"),
        ("ac34", {"m": MUTEX}, "expected waterz or multicut as algorithm of segmenter m, as the data are volumes, found mutex"),
    ],
)
def test_a_segmenter_for_other_data_is_refused(config, dataset, segmenters, sentence):
    edit(config / "datasets.yaml", dataset, "segmenters", value=segmenters)
    check_refused(config, f"datasets.yaml: '{dataset}': {sentence}")


@pytest.mark.parametrize("name", ["a/b", ".", "names", ""])
def test_a_segmenter_s_name_that_no_array_of_a_file_can_have_is_refused(config, name):
    edit(config / "datasets.yaml", "ac34", "segmenters", value={name: WATERZ})
    check_refused(
        config, rf"'ac34\.segmenters\.{re.escape(name)}\.\[key\]': expected a name of letters, .* found '{re.escape(name)}'"
    )


@pytest.mark.parametrize("shifts", [[[2, 17], [2, 17]], [[], []], [[3, 1], [1]], [[1, 3, 3], [1, 3]]])
def test_shifts_that_repeat_or_do_not_begin_with_neighbours_are_refused(config, shifts):
    edit(config / "datasets.yaml", "cvppp", "shifts", value=shifts)
    check_refused(config, "'cvppp': expected along each axis shifts that differ, first 1, .* correct them")


@pytest.mark.parametrize(("crop", "canvas"), [(96, 544), (544, 96)])
def test_a_shift_that_no_two_pixels_of_a_crop_or_canvas_have_is_refused(config, crop, canvas):
    edit(config / "scales/demo.yaml", "datasets", "cvppp", "canvas", value=[canvas] * 2)
    edit(config / "scales/demo.yaml", "datasets", "cvppp", "augment", "crop", value=[crop] * 2)
    edit(config / "datasets.yaml", "cvppp", "shifts", value=[[1, 95], [1]])
    Project.load(config)
    edit(config / "datasets.yaml", "cvppp", "shifts", value=[[1], [1, 96]])
    check_refused(config, rf"demo\.yaml: 'cvppp': expected shifts below the sides .* {crop} and {canvas}, found 96, a distance")


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("aspect", [0, 0], r"aspect\.0"),
        ("aspect", [2, 1], "aspect"),
        ("scale", [-1, 3], r"scale\.0"),
        ("scale", [0.5, 2], r"scale\.1"),
        ("scale", [0.9, 0.5], "scale"),
        ("elastic_alpha", -1, "elastic_alpha"),
        ("elastic_sigma", 0, "elastic_sigma"),
        ("noise_std", -5, "noise_std"),
        ("noise_std", 5, "noise_std"),
        ("cutout_squares", 0, "cutout_squares"),
        ("cutout_side", -1, "cutout_side"),
    ],
)
def test_augmentation_out_of_bounds_is_refused(config, key, value, place):
    edit(config / "datasets.yaml", "cvppp", "augment", key, value=value)
    check_refused(config, rf"datasets\.yaml: 'cvppp\.augment\.{place}'(: expected the lower number first| has value)")


@pytest.mark.parametrize(
    ("file", "keys", "value", "sentence"),
    [
        (
            "datasets.yaml",
            ("cvppp", "percentiles"),
            [99.8, 1],
            r"'cvppp\.percentiles': expected percentiles that ascend, .* \[99\.8, 1\.0\]",
        ),
        ("datasets.yaml", ("ac34", "resolution"), [29, -6, 6], r"'ac34\.resolution\.1' has value -6; input should be greater"),
        ("experiments.yaml", ("table2", "runs", 4, "methods"), [], r"'table2\.runs\.4\.methods' has value \[\]; .* at least 1"),
        ("experiments.yaml", ("table2", "runs", 0, "datasets"), [], r"'table2\.runs\.0\.datasets' has value \[\]; .* at least 1"),
    ],
)
def test_numbers_and_lists_that_make_nothing_are_refused(config, file, keys, value, sentence):
    edit(config / file, *keys, value=value)
    check_refused(config, sentence)


def test_a_data_set_s_name_is_one_that_paths_of_results_have(config):
    content = yaml.safe_load((config / "datasets.yaml").read_text())
    edit(config / "datasets.yaml", "Cells-1", value=content["cvppp"])
    check_refused(config, "datasets.yaml: expected names of data sets of small letters, digits and _, found 'Cells-1'; rename it")
