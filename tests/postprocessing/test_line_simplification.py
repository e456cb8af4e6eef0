"""Simplified lines, compared with those of scikit-image."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from skimage.measure import approximate_polygon

from napari_stem_defects.postprocessing.line_simplification import simplify_line


@pytest.mark.parametrize("tolerance", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(8))
def test_lines_are_those_of_scikit_image(seed: int, tolerance: float) -> None:
    """Steps on a grid: many corners are equally far away."""
    rng = np.random.default_rng(seed)
    line = np.cumsum(rng.integers(-1, 2, (200, 2)), axis=0).astype(np.float64)
    expected = approximate_polygon(line, tolerance)
    np.testing.assert_array_equal(simplify_line(line, tolerance), expected)


def test_a_closed_line_and_short_ones() -> None:
    angles = np.linspace(0, 2 * np.pi, 100)
    circle = 20 * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    np.testing.assert_array_equal(simplify_line(circle, 0.7), approximate_polygon(circle, 0.7))
    for count in (2, 3):
        np.testing.assert_array_equal(simplify_line(circle[:count], 0.7), circle[[0, count - 1]])


def test_detection_does_without_scipy_signal() -> None:
    """It takes a third of a second to import, and so did scikit-image's function."""
    code = (
        "import sys; import napari_stem_defects.postprocessing.masks;"
        " print('scipy.signal' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"
