"""Clicks on known defects, and what is left to find."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.scoring.few_clicks import (
    Clicks,
    draw_clicks,
    left_to_find,
    only_points,
)
from napari_stem_defects.scoring.image_score import (
    GroundTruth,
    PointCounts,
    Prediction,
    score_image,
)

GRID = np.stack(np.meshgrid(np.arange(10, 100, 20.0), np.arange(10, 100, 20.0)), -1).reshape(-1, 2)
KNOWN = GroundTruth(
    (100, 100),
    4.0,
    {"A": "point", "B": "point", "SF": "line"},
    {"A": GRID[:12], "B": GRID[12:15]},
    lines={"SF": (GRID[:2],)},
    unknown=frozenset({"A"}),
    is_foreign=True,
)


def test_more_clicks_contain_the_fewer_ones_and_lie_near_their_defects() -> None:
    three, seven = (draw_clicks(KNOWN, "a", count) for count in (3, 7))
    assert three is not None
    assert seven is not None
    assert set(three.defects) == {"A"}, "B has too few, and a line is not clicked"
    np.testing.assert_array_equal(three.places["A"], seven.places["A"][:3])
    away = np.hypot(*(seven.places["A"] - seven.defects["A"]).T)
    assert 0 < away.min()
    assert away.max() < KNOWN.tolerance_px
    assert len(np.unique(seven.defects["A"], axis=0)) == 7
    assert {*map(tuple, seven.defects["A"])} <= {*map(tuple, GRID[:12])}


def test_every_image_has_its_own_draw_which_is_always_the_same() -> None:
    one, again, other = (draw_clicks(KNOWN, name, 5) for name in ("a", "a", "b"))
    assert one is not None
    assert again is not None
    assert other is not None
    np.testing.assert_array_equal(one.places["A"], again.places["A"])
    assert not np.array_equal(one.defects["A"], other.defects["A"])


@pytest.mark.parametrize(("count", "is_clicked"), [(10, True), (11, False)])
def test_some_defects_are_left_to_find(count: int, is_clicked: bool) -> None:
    assert (draw_clicks(KNOWN, "a", count) is not None) == is_clicked


def test_defects_outside_the_labelled_part_are_not_clicked() -> None:
    part = GroundTruth((100, 100), 4.0, {"A": "point"}, {"A": GRID}, labelled_part=(0, 0, 40, 99))
    drawn = draw_clicks(part, "a", 5)
    assert drawn is not None
    assert (drawn.defects["A"][:, 0] <= 40).all()


def test_clicked_defects_count_neither_as_found_nor_as_missed() -> None:
    known = only_points(KNOWN, ["A"])
    assert (known.unknown, known.is_foreign, set(known.kinds)) == (frozenset(), False, {"A"})
    clicks = Clicks(2, {"A": GRID[:2]}, {"A": GRID[:2] + 1})
    # At both clicked defects, one of which has two; at two others; and one false.
    points = np.concatenate([GRID[:2], GRID[:1] + 3, GRID[2:4] + 1, [[50.0, 55]]])
    found = Prediction(("A",) * 6, points, np.full(6, np.nan))
    scored = score_image(*left_to_find(known, found, clicks))
    assert scored.points == {"A": PointCounts(2, 2, 8)}
    nothing = score_image(*left_to_find(known, Prediction(), clicks))
    assert nothing.points == {"A": PointCounts(0, 0, 10)}


def test_predictions_of_another_class_at_a_click_stay() -> None:
    clicks = Clicks(1, {"A": GRID[:1]}, {"A": GRID[:1]})
    found = Prediction(("B",), GRID[:1], np.full(1, np.nan))
    scored = score_image(*left_to_find(only_points(KNOWN, ["A", "B"]), found, clicks))
    assert scored.points["B"] == PointCounts(0, 1, 3)
