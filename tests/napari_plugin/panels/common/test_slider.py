"""Slider that can be moved by keys."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_stem_defects.napari_plugin.panels.common.slider import Slider

pytestmark = pytest.mark.gui
KEY = Qt.Key


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (KEY.Key_Right, 2.1),
        (KEY.Key_Down, 1.9),
        (KEY.Key_PageUp, 3.0),
        (KEY.Key_PageDown, 1.0),
        (KEY.Key_Home, 0.0),
        (KEY.Key_End, 5.0),
        (KEY.Key_A, 2.0),
    ],
)
def test_keys_move_the_slider(qtbot: Any, key: Any, value: float) -> None:
    slider = Slider((0.0, 5.0), 1)
    qtbot.addWidget(slider)
    slider.setValue(2.0)
    QTest.keyClick(slider, key)
    assert slider.value() == pytest.approx(value)


def test_the_limits_hold(qtbot: Any) -> None:
    slider = Slider((0.0, 5.0), 1)
    qtbot.addWidget(slider)
    slider.setValue(5.0)
    QTest.keyClick(slider, KEY.Key_Right)
    assert slider.value() == 5.0
