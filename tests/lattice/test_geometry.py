"""Geometries fit measured cells within their tolerances, and survive a file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from lattice_images import base_vectors

from napari_stem_defects.lattice.geometry import LatticeGeometry, describe_cell
from napari_stem_defects.lattice.unit_cell import UnitCell, unit_cell

ZINCBLENDE = LatticeGeometry(70.53, spacing_nm=0.3742)


def cell(angle: float, ratio: float = 1.0, period: float = 14.7) -> UnitCell:
    return unit_cell(np.linalg.inv(base_vectors(period, ratio, angle, 20)).T, np.zeros((2, 2)), 1)


@pytest.mark.parametrize(
    ("angle", "ratio", "fits"),
    [(70.5, 1.0, True), (73, 1.06, True), (60, 1.0, False), (90, 1.0, False), (70.5, 1.2, False)],
)
def test_angle_and_ratio_decide(angle: float, ratio: float, fits: bool) -> None:
    assert (ZINCBLENDE.misfit(cell(angle, ratio)) <= 1) == fits


@pytest.mark.parametrize(("spacing_nm", "fits"), [(0.3742, True), (0.36, True), (0.31, False)])
def test_the_spacing_decides_in_calibrated_images(spacing_nm: float, fits: bool) -> None:
    measured = cell(70.53)
    pixel_size = spacing_nm / measured.spacing_px
    assert (ZINCBLENDE.misfit(measured, pixel_size) <= 1) == fits
    assert ZINCBLENDE.misfit(measured) <= 1


def test_json_gives_the_same_geometry() -> None:
    stored = json.loads(json.dumps(ZINCBLENDE.to_json()))
    assert LatticeGeometry.from_json(stored) == ZINCBLENDE
    assert LatticeGeometry.from_json(None) is None
    named = LatticeGeometry(90.0, crystal="SrTiO3 along [001]")
    assert LatticeGeometry.from_json(json.loads(json.dumps(named.to_json()))) == named


@pytest.mark.parametrize(
    "values",
    [
        {"angle_deg": 20},
        {"angle_deg": 120},
        {"angle_deg": float("nan")},
        {"angle_deg": 90, "ratio": 0.5},
        {"angle_deg": 90, "angle_tolerance_deg": 0},
        {"angle_deg": 90, "spacing_nm": -1},
        {"angle_deg": 90, "colour": 1},
        {"angle_deg": "wide"},
        {"angle_deg": 90, "crystal": 5},
        {},
        [90],
    ],
)
def test_malformed_geometries_are_refused(values: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        LatticeGeometry.from_json(values)


def test_descriptions_name_the_spacing_of_calibrated_images_only() -> None:
    assert ZINCBLENDE.describe() == "70.5 degrees, ratio 1.00"
    assert ZINCBLENDE.describe(0.02).endswith("planes 0.374 nm apart")
    assert describe_cell(cell(60.0)) == "hexagonal, 60.0 degrees, ratio 1.00"
    assert "nm apart" in describe_cell(cell(60.0), 0.02)


def test_a_wide_tolerance_is_general() -> None:
    assert LatticeGeometry(75, angle_tolerance_deg=16).is_general
    assert not ZINCBLENDE.is_general
