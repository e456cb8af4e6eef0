"""Variants of a defect that the symmetry of its lattice allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.symmetric_variants import with_symmetric_variants
from napari_stem_defects.matched_filter.unusual_patches import Patch

SAMPLES, EDGE = 7.0, 43
SQUARE = ((1.0, 0.0), (0.0, 1.0))
OBLIQUE = ((1.0, 0.0), (0.35, 1.2))


def fault(height: float, *, upright: bool) -> np.ndarray:
    """Return a fault along a row, or along a column, in the middle of noise."""
    noise = np.random.default_rng(int(upright)).normal(size=(200, 200))
    y, x = np.mgrid[:200, :200]
    across, along = (x, y) if upright else (y, x)
    profile = (across - 100) / SAMPLES * np.exp(-((across - 100) ** 2) / 60)
    return (noise + height * profile * np.cos(2 * np.pi * along / SAMPLES)).astype(np.float32)


def patches(image: np.ndarray, *, upright: bool, count: int = 8) -> list[Patch]:
    """Return places along the middle of an image."""
    half, found = EDGE // 2, []
    for at in np.linspace(30, 170, count).astype(int):
        y, x = (at, 100) if upright else (100, at)
        found.append(Patch(image[y - half : y + half + 1, x - half : x + half + 1], 3.0))
    return found


def taught(lattice=SQUARE):
    image = fault(8.0, upright=False)
    clicks = [Click(0, 100.0, x, "F") for x in (40.0, 71, 103, 140)]
    model = fit([image], clicks, {"F": "line"}, SAMPLES)
    assert len(model.classes[0].templates) == 1
    return replace(model, lattice=lattice)


def count(model, shown: list[Patch]) -> int:
    return len(with_symmetric_variants(model, shown).classes[0].templates)


def test_a_fault_on_an_equivalent_plane_is_found_from_clicks_on_the_other():
    shown = patches(fault(8.0, upright=True), upright=True)
    assert count(taught(), shown) == 2


def test_nothing_is_added_that_no_place_shows():
    assert count(taught(), []) == 1
    assert count(taught(), patches(fault(8.0, upright=False), upright=False)) == 1
    assert count(taught(), patches(fault(0.0, upright=True), upright=True)) == 1


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_fault_of_another_strength_is_another_fault(factor):
    shown = patches(fault(8.0 * factor, upright=True), upright=True)
    assert count(taught(), shown) == 1


def test_a_lattice_without_that_symmetry_has_no_such_plane():
    shown = patches(fault(8.0, upright=True), upright=True)
    assert count(taught(OBLIQUE), shown) == 1


def test_one_place_is_no_line():
    shown = patches(fault(8.0, upright=True), upright=True, count=1)
    assert count(taught(), shown) == 1


def test_an_area_beside_a_line_has_no_variants():
    model = taught()
    area = replace(model.classes[0], name="A", kind="area", templates=())
    both = replace(model, classes=(*model.classes, area))
    shown = patches(fault(8.0, upright=True), upright=True)
    assert with_symmetric_variants(both, shown).classes[1] == area
