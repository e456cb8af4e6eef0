"""Measurements of point defects become part of their regions and stay there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from report_images import line, point

import napari_stem_defects as sd
from napari_stem_defects.detection.measured_points import (
    keep_measurements,
    measure_points,
    shifted_sites,
)
from napari_stem_defects.lattice.measurement import measure_lattices

SITE = {"site_y_px": 50.0, "site_x_px": 60.0, "intensity_ratio": 0.3, "sublattice": "A"}


@pytest.fixture(scope="module")
def simulation() -> sd.Simulation:
    return sd.simulate(size=256, defects=["vacancy"] * 3, seed=2, dose=100)


def test_vacancies_are_measured_and_lines_are_not(simulation: sd.Simulation) -> None:
    pixels = simulation.micrograph.pixels
    cells = measure_lattices(pixels).cells
    inner = [p for p in simulation.points if 45 < p.y_px < 211 and 45 < p.x_px < 211]
    regions = [point(p.y_px, p.x_px, n) for n, p in enumerate(inner, 1)]
    *points, other = measure_points([*regions, line(50, 60, 1)], pixels, cells)
    assert other.site_y_px is None
    assert inner
    for region in points:
        assert region.intensity_ratio is not None
        assert region.intensity_ratio < 0.6
        assert region.sublattice
    assert measure_points(regions, pixels, ()) == tuple(regions)


def test_other_thresholds_keep_what_was_measured() -> None:
    earlier = replace(point(50.4, 60.2, 1), **SITE)
    near, far = point(52.0, 59.0, 1), point(80.0, 60.0, 2)
    found = keep_measurements([near, far, line(60, 20, 1)], [earlier], 6.0)
    assert [each.sublattice for each in found] == ["A", "", ""]
    assert (found[0].y_px, found[0].site_y_px) == (52.0, 50.0)


def test_sites_of_a_part_are_shifted_to_the_frame() -> None:
    measured, plain = replace(point(5, 6, 1), **SITE), point(7, 8, 2)
    moved, same = shifted_sites([measured, plain], 100, 200)
    assert (moved.site_y_px, moved.site_x_px) == (150.0, 260.0)
    assert same == plain


def test_detection_measures_points_in_a_frame_and_in_a_part_of_it(
    simulation: sd.Simulation,
) -> None:
    whole = sd.detect(simulation.micrograph, device="cpu", stride=16)
    part = sd.detect(simulation.micrograph, device="cpu", stride=16, area=(20, 20, 236, 236))
    sites = [
        [(r.site_y_px, r.site_x_px) for r in found.regions if r.site_y_px is not None]
        for found in (whole, part)
    ]
    assert sites[0]
    assert sites[1]
    distances = [np.hypot(*np.subtract(each, sites[0]).T).min() for each in sites[1]]
    assert max(distances) < 1.0
