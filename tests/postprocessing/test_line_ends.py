"""Where planar defects end: at crossings and borders near the end that windows show."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.postprocessing.line_ends import Crossings, new_end, still_the_line

SHAPE, QUARTER = (200, 300), 16.0
OUT = np.array([0.0, 1.0])
NOTHING = Crossings.of([])


def end_of(x: float, others: Crossings | None = NOTHING, y: float = 100.0) -> list[float]:
    end = new_end(np.array([y, x]), OUT, 150.0, others, SHAPE, QUARTER)
    return [float(each) for each in end]


def upright(x: float, top: float = 20.0, bottom: float = 180.0) -> Crossings:
    return Crossings.of([np.array([[top, x], [bottom, x]])])


@pytest.mark.parametrize("short", [1.0, 10.0, 23.0])
def test_an_end_near_the_border_is_at_the_border(short: float) -> None:
    assert end_of(299.5 - short) == [100.0, 299.5]


def test_an_end_far_from_everything_stays() -> None:
    assert end_of(250.0) == [100.0, 250.0]
    assert end_of(150.0, upright(250.0)) == [100.0, 150.0]


@pytest.mark.parametrize("x", [170.0, 199.0, 215.0, 240.0])
def test_an_end_before_or_beyond_a_crossing_is_at_the_crossing(x: float) -> None:
    assert end_of(x, upright(200.0)) == pytest.approx([100.0, 200.0])


def test_the_nearest_crossing_counts() -> None:
    both = Crossings.of([np.array([[20.0, x], [180.0, x]]) for x in (190.0, 230.0)])
    assert end_of(200.0, both) == pytest.approx([100.0, 190.0])
    assert end_of(215.0, both) == pytest.approx([100.0, 230.0])


def test_lines_that_do_not_reach_or_run_alongside_are_not_crossed() -> None:
    assert end_of(190.0, upright(200.0, top=160.0, bottom=190.0)) == [100.0, 200.0]
    assert end_of(190.0, upright(200.0, top=175.0, bottom=190.0)) == [100.0, 190.0]
    beside = Crossings.of([np.array([[90.0, 100.0], [112.0, 280.0]])])
    assert end_of(190.0, beside) == [100.0, 190.0]


def test_bent_lines_go_to_the_border_alone() -> None:
    assert end_of(190.0, None) == [100.0, 190.0]
    assert end_of(290.0, None) == [100.0, 299.5]


@pytest.mark.parametrize(("angle_deg", "depth", "reaches"), [(18, 25, True), (10, 20, False)])
def test_a_line_at_an_angle_to_the_border_reaches_it_unless_it_runs_alongside(
    angle_deg: float, depth: float, reaches: bool
) -> None:
    out = np.array([np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))])
    end = np.array([SHAPE[0] - 0.5 - depth, 60.0])
    new = new_end(end, out, 150.0, NOTHING, SHAPE, QUARTER)
    assert new[0] == pytest.approx(SHAPE[0] - 0.5 if reaches else end[0])


@pytest.mark.parametrize(
    ("ends", "least", "kept"),
    [((10, 90), 0.5, True), ((30, 60), 0.5, False), ((50, 50), 0.0, False), ((60, 40), 0.0, False)],
)
def test_a_line_that_is_cut_to_a_point_or_turned_round_is_another(
    ends: tuple[float, float], least: float, kept: bool
) -> None:
    line = np.array([[100.0, 0.0], [100.0, 100.0]])
    new = np.array([[100.0, ends[0]], [100.0, ends[1]]])
    assert still_the_line(line, new, least) is kept
