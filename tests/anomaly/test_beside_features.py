"""What is in or beside lines and areas."""

from __future__ import annotations

from napari_stem_defects.anomaly.beside_features import beside_features
from napari_stem_defects.anomaly.candidates import Candidate

SAMPLES = 7.0


def _candidate(kind, shape, length=0.0, area=0.0) -> Candidate:
    return Candidate(1, kind, 50.0, 50.0, 9.0, "", length, area, shape)


def test_an_area_and_its_rim_are_marked() -> None:
    square = ((30.0, 30.0), (30.0, 60.0), (60.0, 60.0), (60.0, 30.0))
    near = beside_features([_candidate("area", (square,))], ("area",), (100, 100), SAMPLES)
    assert near[45, 45]
    assert near[27, 45]
    assert not near[20, 45]


def test_a_short_line_may_be_a_row_of_places() -> None:
    line = ((50.0, 10.0), (50.0, 90.0))
    long, short = (
        beside_features(
            [_candidate("line", (line,), length=length, area=400.0)], ("line",), (100, 100), SAMPLES
        )
        for length in (80.0, 40.0)
    )
    assert long[50, 20]
    assert not long[30, 20]
    assert not short.any()


def test_kinds_that_do_not_count_are_left_out() -> None:
    line = ((50.0, 10.0), (50.0, 90.0))
    given = [_candidate("line", (line,), length=80.0, area=400.0)]
    assert not beside_features(given, ("area",), (100, 100), SAMPLES).any()
    assert not beside_features([], ("area", "line"), (100, 100), SAMPLES).any()
