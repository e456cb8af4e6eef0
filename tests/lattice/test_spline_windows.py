"""Windows between pixels equal those that scipy interpolates point by point."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.spline_windows import spline_windows

RADIUS = 6


def test_windows_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((50, 60))
    coefficients = ndimage.spline_filter(image, order=3, mode="nearest")
    centres = rng.uniform(RADIUS, np.array(image.shape) - 1 - RADIUS, (20, 2))
    centres[0] = RADIUS, 31.0  # at the border, on a pixel
    centres[1] = np.array(image.shape) - 1 - RADIUS
    grid = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    at = grid[:, None] + centres.T[:, :, None, None]
    expected = ndimage.map_coordinates(coefficients, at, order=3, mode="nearest", prefilter=False)
    found = spline_windows(coefficients, centres, RADIUS)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(found[0], image[: 2 * RADIUS + 1, 25:38], atol=1e-6)
