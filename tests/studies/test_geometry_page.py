"""The page of counts and geometry comes from its figures; the figures meet their goals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
from geometry_page import RUNS, page
from invariance import Change

ROOT = Path(__file__).parents[2]
FIGURES = {
    name: json.loads((RUNS / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("invariance", "planar_geometry")
}


def test_the_page_is_that_of_the_figures() -> None:
    written = (ROOT / "docs" / "geometry.md").read_text(encoding="utf-8")
    assert written == page(FIGURES["invariance"], FIGURES["planar_geometry"])


def test_hardly_anything_of_a_tilt_boundary_is_called_a_fault_or_twin() -> None:
    """What is left are fragments too near to the border or to each other to be verified."""
    called = [row["called_nm"] for row in FIGURES["planar_geometry"]["tilt"]]
    assert len(called) == 20
    assert max(called) < 1
    assert sum(row["verified_nm"] for row in FIGURES["planar_geometry"]["tilt"]) == 0


def test_shifts_and_angles_are_as_exact_as_stated() -> None:
    cdte, others = (FIGURES["planar_geometry"][name] for name in ("cdte", "others"))
    assert max(row["shift_error_pm"] for row in cdte if row["kind"] != "twin") < 5
    angles = [row["angle_error_deg"] for row in (*cdte, *others) if "angle_error_deg" in row]
    assert np.mean(np.array(angles) < 0.3) > 0.95


def test_lines_are_the_same_in_every_form_of_an_image() -> None:
    cases = [
        row
        for key in ("public", "scenes")
        for image in FIGURES["invariance"][key]
        for row in image["changes"]
    ]
    assert len(cases) >= 300
    assert np.mean([row["lines_same"] for row in cases]) > 0.98


def test_lengths_are_those_of_the_simulation() -> None:
    truth = [image["simulated"] for image in FIGURES["invariance"]["scenes"]]
    errors = [each for image in truth for each in image["length_errors"]]
    every = sum(image["lines"] for image in truth)
    assert every >= 60
    assert (np.array(errors) <= 0.02).sum() >= 0.97 * every


@pytest.mark.parametrize("orientation", range(8))
def test_places_are_carried_back(orientation: int) -> None:
    change = Change("any", orientation=orientation, crop=(3, 5, 7, 1))
    image = np.zeros((40, 50))
    image[20, 30] = 1
    place = np.argwhere(change.image(image) == 1)
    np.testing.assert_allclose(change.back(place, (40, 50)), [[20, 30]])
