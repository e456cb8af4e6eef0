"""The grains of a micrograph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import crystal_image

from napari_stem_defects.anomaly.grain_structure import find_grains

IMAGE = crystal_image(size=384, spacing=16, grain_deg=21)


def test_positions_are_in_px_of_the_image_and_not_of_its_samples() -> None:
    found = find_grains(IMAGE.micrograph, IMAGE.cells)
    first, second = found.grains
    assert first.area_px + second.area_px == pytest.approx(384**2, rel=0.05)
    for each in found.grains:
        lengths = np.hypot(*np.array(each.vectors_px).T)
        assert lengths == pytest.approx([16, 16], rel=0.01)
        assert np.max(np.array(each.outline)) == 383.5
        assert each.neighbours[0].misorientation_deg == pytest.approx(21, abs=0.5)


def test_pixels_without_a_value_are_left_out() -> None:
    invalid = np.zeros(IMAGE.pixels.shape, bool)
    invalid[:180] = True
    found = find_grains(replace(IMAGE.micrograph, invalid=invalid), IMAGE.cells)
    assert len(found.grains) == 1
    assert found.grains[0].y > 220


def test_without_a_unit_cell_there_are_none() -> None:
    assert find_grains(IMAGE.micrograph, ()).grains == ()
