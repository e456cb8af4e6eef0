"""Panels share their area as tabs with short titles."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QTabBar

from napari_stem_defects.napari_plugin.panels.common.docking import find_dock, tab_with
from napari_stem_defects.napari_plugin.panels.common.panel import Panel

pytestmark = pytest.mark.gui
RIGHT, LEFT = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.LeftDockWidgetArea


class First(Panel):
    title = "First"


class Second(Panel):
    title = "Second"


@pytest.fixture
def window(qtbot: Any) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    made.setCentralWidget(QLabel("image"))
    made.resize(1280, 800)
    made.show()
    return made


def dock(window: QMainWindow, panel: Panel, area: Any = RIGHT) -> QDockWidget:
    made = QDockWidget(f"{panel.title} with a long title (STEM Defects)", window)
    made.setWidget(panel)
    window.addDockWidget(area, made)
    QTest.qWait(300)
    return made


def test_panels_become_tabs_and_the_new_one_is_in_front(window: QMainWindow) -> None:
    first = dock(window, First())
    second = dock(window, Second())
    assert window.tabifiedDockWidgets(first) == [second]
    assert second.widget().is_shown
    assert not first.widget().is_shown
    first.raise_()
    QTest.qWait(50)
    assert first.widget().is_shown
    assert not second.widget().is_shown
    tabs = next(bar for bar in window.findChildren(QTabBar) if bar.count() == 2)
    assert [tabs.tabText(index) for index in range(2)] == ["First", "Second"]
    assert not any(tabs.tabText(index).endswith("…") for index in range(2))


def test_other_docks_and_other_areas_are_left_alone(window: QMainWindow) -> None:
    other = QDockWidget("of another plugin", window)
    other.setWidget(QLabel("other"))
    window.addDockWidget(RIGHT, other)
    first = dock(window, First())
    second = dock(window, Second(), LEFT)
    assert window.tabifiedDockWidgets(other) == []
    assert window.tabifiedDockWidgets(first) == []
    assert window.tabifiedDockWidgets(second) == []


def test_a_panel_that_the_user_made_a_window_stays_one(window: QMainWindow) -> None:
    first = dock(window, First())
    first.setFloating(True)
    second = dock(window, Second())
    assert window.tabifiedDockWidgets(second) == []
    assert first.isFloating()


def test_a_panel_without_a_dock_is_no_error(qtbot: Any) -> None:
    panel = First()
    qtbot.addWidget(panel)
    assert find_dock(panel) is None
    tab_with(panel, Panel, "First")
