"""What the user does in the panel Detect defects, with real events."""

from __future__ import annotations

from typing import Any

from events import canvas_of, data_to_pixel
from panels import choose_in_menu, press, wait_for
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget


def run(viewer: Any, widget: Any, layers: int = 3) -> None:
    press(widget, "run")
    wait_for(lambda: not widget.view_model.run.busy and len(viewer.layers) >= layers)
    assert widget.view_model.run.phase == "done", widget.view_model.run.message


def spot(viewer: Any, y: float, x: float) -> Any:
    return data_to_pixel(canvas_of(viewer), viewer.layers[0], y, x)


def draw_with(widget: Any, tool: str) -> None:
    setup = widget.setup
    setup.draw_menu.popup(setup.draw.mapToGlobal(setup.draw.rect().bottomLeft()))
    choose_in_menu(setup.draw_menu, tool)
    QTest.qWait(100)


def manage(widget: Any, action: str) -> None:
    row = widget.setup.model_row
    row.menu.popup(row.more.mapToGlobal(row.more.rect().bottomLeft()))
    choose_in_menu(row.menu, action)


def slide(widget: Any, name: str, value: float) -> None:
    """Move a threshold by keys."""
    slider = widget.findChild(QWidget, f"threshold_{name.lower()}")
    widget.body.ensureWidgetVisible(slider)
    QTest.keyClick(slider, Qt.Key.Key_Home)
    for _ in range(round(100 * value) - 1):
        QTest.keyClick(slider, Qt.Key.Key_Right)


def press_copy_as(widget: Any, name: str) -> None:
    menu = widget.export.copy_as.menu()
    widget.body.ensureWidgetVisible(widget.export.copy_as)
    menu.popup(widget.export.copy_as.mapToGlobal(widget.export.copy_as.rect().bottomLeft()))
    choose_in_menu(menu, name)


def choose_panel(viewer: Any, name: str) -> None:
    """Choose the entry of a panel in napari's menu."""
    plugins = next(
        each.menu()
        for each in viewer.window.plugins_menu.actions()
        if each.menu() is not None and each.text() == "STEM Defects"
    )
    plugins.aboutToShow.emit()
    next(each for each in plugins.actions() if each.text().startswith(name)).trigger()
    QTest.qWait(100)
