"""Grey-scale pictures of patches."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.napari_plugin.panels.common.grey_image import grey_image

pytestmark = pytest.mark.gui


def greys(values: np.ndarray) -> np.ndarray:
    picture = grey_image(values.astype(np.float32))
    rows, columns = range(picture.height()), range(picture.width())
    return np.array([[picture.pixelColor(x, y).red() for x in columns] for y in rows])


def test_the_contrast_is_stretched() -> None:
    shown = greys(np.linspace(100, 200, 70).reshape(7, 10))
    assert shown.shape == (7, 10)
    assert (shown.min(), shown.max()) == (0, 255)
    assert (np.diff(shown.ravel()) >= 0).all()


def test_constant_patches_and_missing_pixels_are_black() -> None:
    assert not greys(np.full((4, 5), 3.0)).any()
    values = np.arange(20.0).reshape(4, 5)
    values[1, 2] = np.nan
    assert greys(values)[1, 2] == 0
