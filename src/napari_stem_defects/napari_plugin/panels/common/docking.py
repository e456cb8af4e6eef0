"""Docking of the panels as tabs with short titles: side by side, four of them are slivers."""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


def find_dock(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget lies in; None if it is not docked."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def show_detect_panel() -> None:
    """Open the panel Detect defects in the current viewer, once its layers have been added.

    Nothing happens without a window.
    """
    viewer = napari.current_viewer()
    if viewer is None or not hasattr(viewer, "window"):
        return
    kept = weakref.ref(viewer)

    def show() -> None:
        if (shown := kept()) is not None:
            with suppress(RuntimeError):  # the window was closed meanwhile
                shown.window.add_plugin_dock_widget("napari-stem-defects", "Detect defects")

    QTimer.singleShot(0, show)


def tab_with(panel: QWidget, kind: type[QWidget], title: str) -> None:
    """Tab the dock of a panel with those of other panels, and give its tab a title.

    A dock that the user has moved to another area or made a window of its own stays there.

    Parameters
    ----------
    panel : QWidget
        A panel that was docked just now; nothing happens if it is not docked any more.
    kind : type
        Class of all panels.
    title : str
        Short title for the tab; the title bar and the menus keep the long one.
    """
    dock = find_dock(panel)
    window = None if dock is None else dock.parent()
    if dock is None or not isinstance(window, QMainWindow):
        return
    dock.setWindowTitle(title)
    area = window.dockWidgetArea(dock)
    others = [
        other
        for other in window.findChildren(QDockWidget)
        if other is not dock
        and other.findChild(kind) is not None
        and window.dockWidgetArea(other) == area
        and not other.isFloating()
        and not other.isHidden()
    ]
    if others and dock not in window.tabifiedDockWidgets(others[-1]):
        window.tabifyDockWidget(others[-1], dock)
        dock.show()
        dock.raise_()
