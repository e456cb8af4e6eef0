"""Confusion matrix in a panel, and the tooltips of its cells."""

from __future__ import annotations

from typing import Any

import pytest
from panels import wait_for
from qtpy.QtCore import QPoint
from qtpy.QtGui import QHelpEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QToolTip

from napari_stem_defects.napari_plugin.panels.common.confusion_plot import ConfusionPlot

pytestmark = pytest.mark.gui

EVALUATION = {
    "rows": ["Bulk", "SF1"],
    "columns": ["Bulk", "SF1", "unknown"],
    "confusion": [[90, 4, 6], [0, 50, 0]],
}


@pytest.fixture
def plot(qtbot: Any) -> ConfusionPlot:
    made = ConfusionPlot("confusion_site")
    qtbot.addWidget(made)
    made.set_evaluation(EVALUATION)
    made.show()
    wait_for(lambda: made.axes is not None)
    QTest.qWait(50)
    return made


def position(plot: ConfusionPlot, row: int, column: int) -> QPoint:
    """Return the centre of a cell in the widget."""
    assert plot.axes is not None
    x, y = plot.axes.transData.transform((column + 0.5, row + 0.5))
    ratio = plot.devicePixelRatioF()
    return QPoint(round(x / ratio), round(plot.height() - y / ratio))


def test_each_cell_is_explained(plot: ConfusionPlot) -> None:
    assert plot.cell_text(position(plot, 0, 2)) == "6 of 100 windows labelled Bulk: unknown"
    assert plot.cell_text(position(plot, 1, 1)) == "50 of 50 windows labelled SF1: SF1"
    assert plot.cell_text(QPoint(1, 1)) == ""


def test_resting_the_mouse_on_a_cell_shows_its_tooltip(plot: ConfusionPlot) -> None:
    spot = position(plot, 0, 1)
    event = QHelpEvent(QHelpEvent.Type.ToolTip, spot, plot.mapToGlobal(spot))
    QApplication.sendEvent(plot.childAt(spot) or plot, event)
    assert QToolTip.text() == "4 of 100 windows labelled Bulk: SF1"
    QToolTip.hideText()


def test_more_rows_need_more_height(plot: ConfusionPlot) -> None:
    before = plot.height()
    plot.set_evaluation({"rows": "abcdef", "columns": "ab", "confusion": [[1, 2]] * 6})
    assert plot.height() > before


def test_an_evaluation_without_labels_is_shown(plot: ConfusionPlot) -> None:
    plot.set_evaluation({"rows": [], "columns": ["Bulk"], "confusion": []})
    wait_for(lambda: plot.axes is None)
    assert plot.cell_text(QPoint(50, 50)) == ""
