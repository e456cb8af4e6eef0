"""Charts in a widget: drawn when visible, not too often, in the colours of the theme."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from panels import wait_for
from qtpy.QtCore import QPoint
from qtpy.QtGui import QColor, QPalette
from qtpy.QtTest import QTest

from napari_stem_defects.napari_plugin.panels.common.figure_canvas import FigureCanvas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_stem_defects.reporting.themes import Theme

pytestmark = pytest.mark.gui


class Square(FigureCanvas):
    """Fills the right half of the figure."""

    def __init__(self) -> None:
        super().__init__("square", "A square", 200, 100)
        self.themes: list[Theme] = []

    def draw(self, figure: Figure, theme: Theme) -> Axes:
        self.themes.append(theme)
        return figure.add_axes((0.5, 0, 0.5, 1), xlim=(0, 1), ylim=(0, 1), facecolor="#ff0000")


@pytest.fixture
def chart(qtbot: Any) -> Iterator[Square]:
    made = Square()
    qtbot.addWidget(made)
    return made


def pixels(widget: Any) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB888)
    data = image.constBits().asarray(image.sizeInBytes())
    rows = np.frombuffer(bytes(data), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


def test_importing_the_widget_loads_no_matplotlib() -> None:
    module = "napari_stem_defects.napari_plugin.panels.common.report_window"
    code = f"import sys, {module}; print('matplotlib' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "False\n", result.stderr


def test_nothing_is_drawn_before_the_widget_is_shown(chart: Square) -> None:
    chart.redraw()
    QTest.qWait(50)
    assert chart.themes == []
    chart.resize(200, 100)
    chart.show()
    wait_for(lambda: bool(chart.themes))
    right, left = pixels(chart)[50, 150], pixels(chart)[50, 50]
    assert tuple(right) == (255, 0, 0)
    assert tuple(left) != (255, 0, 0)


def test_many_changes_are_drawn_at_most_a_few_times_a_second(chart: Square) -> None:
    chart.show()
    wait_for(lambda: bool(chart.themes))
    started = time.monotonic()
    while time.monotonic() < started + 1:
        chart.redraw()
        QTest.qWait(5)
    assert 2 <= len(chart.themes) <= 6
    drawn = len(chart.themes)
    chart.redraw()
    wait_for(lambda: len(chart.themes) > drawn)


def test_a_new_theme_is_followed(chart: Square) -> None:
    chart.show()
    wait_for(lambda: bool(chart.themes))
    palette = QPalette(chart.palette())
    palette.setColor(QPalette.ColorRole.Window, QColor("#101820"))
    palette.setColor(QPalette.ColorRole.WindowText, QColor("#f0f0f0"))
    chart.setPalette(palette)
    wait_for(lambda: chart.themes[-1].is_dark)
    assert chart.themes[-1].background == "#101820"
    assert tuple(pixels(chart)[50, 20]) == (0x10, 0x18, 0x20)


def test_positions_are_converted_to_data(chart: Square) -> None:
    assert chart.data_position(QPoint(150, 25)) is None
    chart.resize(200, 100)
    chart.show()
    wait_for(lambda: bool(chart.themes))
    QTest.qWait(50)
    found = chart.data_position(QPoint(chart.width() * 3 // 4, 25))
    assert found == pytest.approx((0.5, 0.75), abs=0.02)
    assert chart.data_position(QPoint(10, 50)) is None


def test_the_height_can_change(chart: Square) -> None:
    chart.show()
    chart.set_height(140)
    assert (chart.height(), chart.sizeHint().height()) == (140, 140)
    assert chart.minimumSizeHint().width() <= 200
