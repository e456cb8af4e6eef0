"""Discs as footprints."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.base.disc import disc


@pytest.mark.parametrize("radius", [0.0, 1.0, 2.4])
def test_a_disc_is_symmetric_and_at_least_three_cells_wide(radius: float):
    footprint = disc(radius)
    assert footprint.shape[0] == 2 * max(1, round(radius)) + 1
    np.testing.assert_array_equal(footprint, footprint[::-1])
    np.testing.assert_array_equal(footprint, footprint.T)
