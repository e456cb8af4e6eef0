"""Outlines of areas on a coarse grid."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask

from napari_stem_defects.lattice.grain_outlines import draw_outlines, touching


def test_an_area_at_the_border_ends_with_the_image() -> None:
    area = np.zeros((20, 30), bool)
    area[:, :10] = True
    outline, holes = draw_outlines(area, (200.0, 300.0))
    assert holes == ()
    assert outline[0] == outline[-1]
    y, x = np.array(outline).T
    assert (y.min(), y.max(), x.min()) == (-0.5, 199.5, -0.5)
    assert x.max() == pytest.approx(99.5, abs=1)
    assert polygon2mask((200, 300), np.array(outline)).mean() == pytest.approx(1 / 3, abs=0.02)


def test_holes_have_outlines_of_their_own() -> None:
    area = np.ones((40, 40), bool)
    area[10:20, 12:24] = False
    outline, (hole,) = draw_outlines(area, (80.0, 80.0))
    assert np.ptp(np.array(outline), axis=0).tolist() == [80, 80]
    y, x = np.array(hole).T
    assert [y.min(), y.max(), x.min(), x.max()] == pytest.approx([19.5, 39.5, 23.5, 47.5], abs=1.5)


def test_a_full_area_is_the_rectangle_of_the_image() -> None:
    outline, holes = draw_outlines(np.ones((3, 4), bool), (30.0, 40.0))
    assert set(outline) == {(-0.5, -0.5), (-0.5, 39.5), (29.5, 39.5), (29.5, -0.5)}
    assert holes == ()


def test_areas_touch_across_a_gap_of_one_cell_at_most() -> None:
    area = np.zeros((5, 9), bool)
    first, near, far = area.copy(), area.copy(), area.copy()
    first[:, :2], near[:, 3:5], far[:, 6:] = True, True, True
    assert touching(first, near)
    assert not touching(first, far)
