"""Rows of the classes with their thresholds."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDoubleSpinBox

from napari_stem_defects.napari_plugin.panels.detect.threshold_rows import ThresholdRows

pytestmark = pytest.mark.gui


@pytest.mark.parametrize("size", ["9pt", "12pt", "16pt"])
def test_figures_beside_the_slider_are_shown_whole_in_any_font(qtbot: Any, size: str) -> None:
    rows = ThresholdRows()
    qtbot.addWidget(rows)
    rows.set_thresholds({"Bulk": 0.5, "SF1": 0.25})
    rows.setStyleSheet(f"QWidget {{ font-size: {size}; }}")
    rows.resize(500, 100)
    rows.show()
    QTest.qWait(50)
    for spin in rows.findChildren(QDoubleSpinBox):
        needed = spin.fontMetrics().horizontalAdvance(spin.text())
        assert spin.lineEdit().width() >= needed
