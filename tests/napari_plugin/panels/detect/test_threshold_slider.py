"""The slider of a threshold, with the probability under the cursor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtGui import QImage

from napari_stem_defects.napari_plugin.panels.detect.threshold_slider import STEPS, ThresholdSlider

pytestmark = pytest.mark.gui


def drawn(slider: ThresholdSlider) -> np.ndarray:
    """Return the slider as an image (Y, X, 4)."""
    image = slider.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(image.height(), image.width(), 4).copy()


@pytest.mark.parametrize("colour", ["#f5e642", "#0072b2"])
@pytest.mark.parametrize(
    ("threshold", "probability"),
    [(0.2, 0.93), (0.3, 0.86), (0.5, 0.99), (0.8, 0.95), (0.2, 0.1), (0.7, 0.0), (0.95, 0.3)],
)
def test_the_handle_does_not_cover_the_value(
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    colour: str,
    threshold: float,
    probability: float,
) -> None:
    slider = ThresholdSlider(colour)
    qtbot.addWidget(slider)
    slider.resize(70, slider.sizeHint().height())
    slider.setValue(round(threshold * STEPS))
    slider.set_probability(probability)
    with_both = drawn(slider)
    with monkeypatch.context() as patched:
        patched.setattr(slider, "_draw_handle", lambda *_: None)
        value_alone = drawn(slider)
        patched.setattr(slider, "_draw_value", lambda *_: None)
        neither = drawn(slider)
    value = (value_alone != neither).any(axis=2)
    assert value.sum() > 30
    np.testing.assert_array_equal(with_both[value], value_alone[value])
