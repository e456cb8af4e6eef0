"""Windows around like places: inside the image, blurred, and how much they differ."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.lattice.like_windows import (
    compared_radius,
    differences,
    like_windows,
    usual_difference,
)


def test_windows_of_like_places_are_alike() -> None:
    y, x = np.mgrid[:90, :100]
    image = (np.cos(2 * np.pi * y / 15) * np.cos(2 * np.pi * x / 15)).astype(np.float32)
    places = np.array([[30.0, 30.0], [30.0, 45.0], [45.0, 30.0], [37.5, 30.0]])
    windows = like_windows(image, places, 6, 15.0)
    assert windows.shape == (4, 13, 13)
    away = differences(windows, windows)
    assert away[0, 1:3].max() < 1e-4 < 0.1 < away[0, 3]
    assert usual_difference(windows[:3]) < 1e-4


def test_the_window_is_smaller_beside_the_border_and_ends_there() -> None:
    shape, period = (90, 100), 15.0
    assert compared_radius(shape, np.array([45.0, 45.0]), period) == 9
    assert compared_radius(shape, np.array([45.0, 93.0]), period) == 6
    assert compared_radius(shape, np.array([2.0, 45.0]), period) is None
