"""Polygons for QuPath have the exact outlines of the instances."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.path import Path as Outline

from grd.apply.geojson import geojson, write_geojson
from grd.apply.measure import measure
from grd.errors import GrdError


def as_labels(rows):
    """Labels from rows of digits; a dot is background."""
    return np.array([[int(sign.replace(".", "0")) for sign in row] for row in rows.split()], np.uint16)


def collected(labels):
    """The FeatureCollection of labels, which are measured on themselves."""
    return geojson(labels, measure(labels, labels))


def parts(feature):
    """Polygons of a feature, each a list of rings."""
    geometry = feature["geometry"]
    return geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]


def drawn(collection, shape):
    """The label image that a FeatureCollection shows: an odd number of a polygon's rings are around the middle of its pixels."""
    rows, columns = np.indices(shape)
    middles = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    labels = np.zeros(shape, int)
    for feature in collection["features"]:
        for polygon in parts(feature):
            inside = sum(Outline(ring).contains_points(middles).astype(int) for ring in polygon) % 2 == 1
            assert not labels.ravel()[inside].any()
            labels.ravel()[inside] = int(feature["properties"]["name"])
    return labels


def area(ring):
    x, y = np.array(ring).T
    return (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2


def check_rings(collection):
    """Rings are closed and meet themselves nowhere; the first of a polygon is its outer one."""
    for feature in collection["features"]:
        for polygon in parts(feature):
            for number, ring in enumerate(polygon):
                assert list(ring[0]) == list(ring[-1])
                assert len({tuple(corner) for corner in ring}) == len(ring) - 1
                assert (area(ring) > 0) == (number == 0)


def test_a_pixel_is_a_square_named_by_its_label():
    (feature,) = geojson(as_labels("... .7. ..."), pd.DataFrame({"label": [7], "area": [1]}))["features"]
    assert feature["type"] == "Feature"
    assert feature["geometry"] == {"type": "Polygon", "coordinates": [[(2, 1), (2, 2), (1, 2), (1, 1), (2, 1)]]}
    assert feature["properties"] == {"objectType": "detection", "name": "7", "measurements": {"area": 1}}


def test_straight_sides_have_no_corners_between_their_ends():
    (feature,) = collected(np.ones((40, 60), np.uint8))["features"]
    (ring,) = feature["geometry"]["coordinates"]
    assert set(ring) == {(0, 0), (60, 0), (60, 40), (0, 40)}
    assert len(ring) == 5


@pytest.mark.parametrize(
    ("rows", "polygons", "rings"),
    [
        ("111 1.1 111", 1, 2),  # a hole
        ("1111 1.11 11.1 1111", 1, 3),  # two holes that touch at a corner
        ("111 1.1 11.", 1, 2),  # a hole that touches the outside at a corner
        ("1. .1", 2, 2),  # pixels that touch at a corner
        ("1.1", 2, 2),  # pixels apart
        (".1. 1.1 .1.", 4, 4),  # a ring of pixels that touch at corners
        ("11111 1...1 1.1.1 1...1 11111", 2, 3),  # an island in a hole
        ("11111 1...1 1.2.1 1...1 11111", 1, 2),  # another instance in a hole
        ("1122 1122 3311 3311", 2, 2),  # parts at all borders of the image
    ],
)
def test_holes_are_inner_rings_and_parts_are_polygons(rows, polygons, rings):
    labels = as_labels(rows)
    collection = collected(labels)
    found = parts(collection["features"][0])
    assert (len(found), sum(map(len, found))) == (polygons, rings)
    check_rings(collection)
    np.testing.assert_array_equal(drawn(collection, labels.shape), labels)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 2)))
def test_polygons_draw_the_label_image_again(labels):
    collection = collected(labels)
    check_rings(collection)
    np.testing.assert_array_equal(drawn(collection, labels.shape), labels)


def test_measurements_are_those_of_the_table_without_missing_ones():
    labels, image = as_labels("11.5"), np.array([[2.0, 4.0, 0.0, np.nan]])
    first, second = geojson(labels, measure(labels, image, (1, 0.5)))["features"]
    assert first["properties"]["name"] == "1"
    assert (
        first["properties"]["measurements"].items() >= {"mean_intensity": 3, "area": 2, "area_um2": 1, "centroid_x": 0.5}.items()
    )
    assert second["properties"]["name"] == "5"
    assert "area" in second["properties"]["measurements"]
    assert "mean_intensity" not in second["properties"]["measurements"]


def test_the_file_is_json_with_the_features(tmp_path):
    labels = as_labels("12 12 .2")
    write_geojson(tmp_path / "a.geojson", labels, measure(labels, labels))
    collection = json.loads((tmp_path / "a.geojson").read_text())
    assert collection["type"] == "FeatureCollection"
    np.testing.assert_array_equal(drawn(collection, labels.shape), labels)


def test_an_image_without_instances_has_no_features():
    assert collected(np.zeros((3, 3), np.uint16)) == {"type": "FeatureCollection", "software": "grd predict", "features": []}


def test_labels_may_have_any_integer_type():
    labels = as_labels("11. 1.2")
    assert collected(labels.astype(np.uint64)) == collected(labels)
    assert collected(labels.astype(np.int64) * 2**40)["features"][0]["properties"]["name"] == str(2**40)


def test_volumes_are_refused():
    with pytest.raises(GrdError, match=r"expected the labels of an image \(H, W\), found shape \(2, 3, 4\)"):
        geojson(np.zeros((2, 3, 4), np.uint16), pd.DataFrame())
