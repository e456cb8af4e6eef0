"""Drawn points, lines and areas become positions of labels."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import (
    DrawnShape,
    check_parts,
    class_of_label,
    class_of_name,
    kind_stated,
    rows_of,
)
from napari_stem_defects.io.labels.point_table import PointRow

SHAPE = (200, 300)
SQUARE = [(9.5, 19.5), (9.5, 119.5), (89.5, 119.5), (89.5, 19.5)]
HOLE = [(29.5, 49.5), (29.5, 89.5), (69.5, 89.5), (69.5, 49.5)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Vac", "Vac"),
        ("Vac 3", "Vac"),
        ("frame 2 Vac 3", "Vac"),
        ("SF1 4", "SF1"),
        ("SF1", "SF1"),
        ("Ti rich-0004", "Ti rich"),
        ("core (2)", "core"),
    ],
)
def test_a_name_holds_its_class(name: str, expected: str) -> None:
    assert class_of_name(name) == expected


@pytest.mark.parametrize("name", ["0012-0034", "", " 7 ", "0001-0012-0034", "a/b 1"])
def test_a_name_without_a_class_is_refused(name: str) -> None:
    with pytest.raises(LabelError, match="class name"):
        class_of_name(name)


@pytest.mark.parametrize("label", ["Sigma 3", "SF_1", "7", " Vac 3 "])
def test_a_label_is_its_class_with_its_number(label: str) -> None:
    assert class_of_label(label) == label.strip()


@pytest.mark.parametrize("label", [None, 7, ["Vac"], "", "a/b"])
def test_a_label_that_names_no_class_is_refused(label: object) -> None:
    with pytest.raises(LabelError):
        class_of_label(label)


def test_positions_are_in_some_image() -> None:
    check_parts([[(0.0, -3.0)], SQUARE])
    for odd in ([], [[]], [SQUARE, []], [[(0.0, np.nan)]], [[(np.inf, 0.0)]], [[(0.0, 1e7)]]):
        with pytest.raises(ValueError, match="a position is"):
            check_parts(odd)


def test_kinds_are_those_of_the_file() -> None:
    assert kind_stated("Vac", "line") == "line"
    assert kind_stated("Vac", None) is None
    assert kind_stated("Vac", "triangle") is None
    with pytest.raises(LabelError, match="its kind is bulk"):
        kind_stated("Bulk", "line")


def test_a_point_is_one_label() -> None:
    shape = DrawnShape("Vac", 2, "point", [[(3.5, 4.25)]])
    assert rows_of([shape], {}, SHAPE) == [PointRow(3.5, 4.25, "Vac", 2, "point")]


def test_a_line_has_labels_half_a_patch_apart() -> None:
    line = [(10.0, 10.0), (10.0, 110.0), (70.0, 110.0)]
    rows = rows_of([DrawnShape("SF", 0, "line", [line])], {}, SHAPE)
    assert len(rows) == 5
    assert {row.kind for row in rows} == {"line"}
    assert (rows[0].y, rows[0].x) == (10, 26)
    gaps = [abs(b.y - a.y) + abs(b.x - a.x) for a, b in pairwise(rows)]
    np.testing.assert_allclose(gaps, 32)
    (short,) = rows_of([DrawnShape("SF", 0, "line", [[(1, 1), (1, 9)]])], {}, SHAPE)
    assert (short.y, short.x) == (1, 5)
    (dot,) = rows_of([DrawnShape("SF", 0, "line", [[(1, 1)]])], {}, SHAPE)
    assert (dot.y, dot.x) == (1, 1)


def test_an_area_has_labels_inside_it_and_outside_its_holes() -> None:
    rows = rows_of([DrawnShape("Ppt", 0, "area", [SQUARE, HOLE])], {}, SHAPE)
    assert len(rows) >= 4
    for row in rows:
        assert row.kind == "area"
        assert 10 <= row.y <= 89
        assert 20 <= row.x <= 119
        assert not (30 <= row.y <= 69 and 50 <= row.x <= 89)
    places = [(row.y, row.x) for row in rows]
    assert min(math.dist(a, b) for a in places for b in places if a != b) >= 32


def test_a_point_defect_drawn_as_an_area_is_its_middle() -> None:
    shape = DrawnShape("Vac", 0, "area", [SQUARE])
    (row,) = rows_of([shape], {"Vac": "point"}, SHAPE)
    assert (row.y, row.x) == (49.5, 69.5)
    assert row.kind is None  # the project knows it


def test_areas_beyond_the_image_and_below_a_pixel() -> None:
    beyond = [(y - 50, x) for y, x in SQUARE]
    rows = rows_of([DrawnShape("Ppt", 0, "area", [beyond])], {}, SHAPE)
    assert all(0 <= row.y < 40 for row in rows)
    tiny = [(5.1, 5.1), (5.1, 5.3), (5.3, 5.2)]
    (row,) = rows_of([DrawnShape("Ppt", 0, "area", [tiny])], {}, SHAPE)
    assert (row.y, row.x) == pytest.approx((5.1667, 5.2), abs=1e-3)


def test_the_kind_of_a_class_is_that_of_its_first_shape() -> None:
    drawn = DrawnShape("Vac", 0, "point", [[(1, 1)]]), DrawnShape("Vac", 0, "area", [SQUARE])
    rows = rows_of(drawn, {}, SHAPE)
    assert [row.kind for row in rows] == ["point", "point"]
    stated = DrawnShape("Vac", 0, "area", [SQUARE], "point")
    assert len(rows_of([stated], {}, SHAPE)) == 1
    row = PointRow(1, 2, "Vac", 0)
    assert rows_of([row], {}, SHAPE) == [row]
