"""Lines that a survey sees as one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.detection.surveyed_lines import with_surveyed_lines
from napari_stem_defects.postprocessing.results import ProbabilityMap

PERIOD, STEP, EDGE = 14.0, 4.0, 90
LIMITS = {"Bulk": 0.5, "Missing": 0.5, "Fault": 0.6, "Boundary": 0.6}
CLASSES = (
    DefectClass("Bulk", "bulk"),
    DefectClass("Missing", "point"),
    DefectClass("Fault", "line"),
    DefectClass("Boundary", "line"),
)
LINE = np.array([[100.0, 0.0], [260.0, (EDGE - 1) * STEP]])


def _map(pieces, beside=0.0):
    """Return windows of which some columns of an inclined line have a class."""
    probability = np.full((4, EDGE, EDGE), 0.02, np.float32)
    columns = np.arange(EDGE)
    rows = np.rint((100 + 160 * columns / (EDGE - 1) + beside) / STEP).astype(int)
    for name, first, last in pieces:
        at = slice(first, last)
        probability[list(LIMITS).index(name), rows[at], columns[at]] = 0.8
    centres = np.arange(EDGE, dtype=np.float32) * np.float32(STEP)
    valid = np.ones((EDGE, EDGE), bool)
    return ProbabilityMap(probability, centres, centres, tuple(LIMITS), valid, CLASSES)


def _passing(found, name):
    return found.probability[found.classes.index(name)] >= LIMITS[name]


def _drawn(pieces, beside=0.0, line=LINE):
    return with_surveyed_lines(_map(pieces, beside), [line], LIMITS, PERIOD)


@pytest.mark.parametrize("beside", [0.0, 12.0])
def test_pieces_of_a_line_become_one(beside) -> None:
    after = _passing(_drawn([("Boundary", 5, 35), ("Boundary", 60, 85)], beside), "Boundary")
    assert after.any(axis=0).all()
    assert ndimage.label(after)[1] == 1
    assert after.sum(axis=0).max() <= 5


def test_the_line_has_the_name_of_most_of_it() -> None:
    after = _drawn([("Boundary", 5, 45), ("Fault", 60, 75)])
    assert _passing(after, "Boundary").any(axis=0).all()
    assert not _passing(after, "Fault").any()


@pytest.mark.parametrize("pieces", [[], [("Fault", 20, 30)], [("Missing", 0, 80)]])
def test_a_line_without_a_name_gets_none(pieces) -> None:
    np.testing.assert_array_equal(_drawn(pieces).probability, _map(pieces).probability)


def test_what_windows_show_as_a_whole_stays() -> None:
    pieces = [("Fault", 0, 90)]
    np.testing.assert_array_equal(_drawn(pieces).probability, _map(pieces).probability)


@pytest.mark.parametrize("end", [(100.0, 0.0), (120.0, 45.0)])
def test_short_lines_stay(end) -> None:
    pieces = [("Fault", 2, 8)]
    line = np.array([LINE[0], end])
    np.testing.assert_array_equal(_drawn(pieces, line=line).probability, _map(pieces).probability)


def test_what_has_no_value_gets_no_name() -> None:
    found = _map([("Boundary", 5, 50)])
    found.valid[:, 70:] = False
    after = with_surveyed_lines(found, [LINE], LIMITS, PERIOD)
    assert _passing(after, "Boundary").any(axis=0)[:70].all()
    assert not _passing(after, "Boundary")[:, 70:].any()


def test_maps_without_lines_stay() -> None:
    found = _map([("Fault", 5, 50)])
    assert with_surveyed_lines(found, [], LIMITS, PERIOD) is found
