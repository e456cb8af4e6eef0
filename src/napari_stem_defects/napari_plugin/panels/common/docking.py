"""Docking of the panels as tabs with short titles: side by side, four of them are slivers."""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import napari
from npe2 import PluginManager
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

_PLUGIN = "napari-stem-defects"


def find_dock(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget lies in; None if it is not docked."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def open_panel(viewer: Viewer, name: str, *, tabify: bool = False) -> QWidget:
    """Bring a panel to the front that is open, or open it as napari's menu does.

    napari names what its menu opens by the title of the plugin, and what a plugin opens by the name
    of its package: with both, the menu would open a second panel.

    Parameters
    ----------
    viewer : Viewer
        A viewer with a window.
    name : str
        Name of the panel in the manifest.
    tabify : bool
        Whether a new panel is a tab of the docks beside it.

    Returns
    -------
    QWidget
        The panel.
    """
    window = viewer.window
    for title, widget in window.dock_widgets.items():
        if title.startswith(f"{name} ("):
            if (dock := find_dock(widget)) is not None:
                dock.show()
                dock.raise_()
            return cast("QWidget", widget)
    manager = PluginManager.instance()
    panel = next(
        each
        for each in manager.iter_widgets()
        if (each.plugin_name, each.display_name) == (_PLUGIN, name)
    )
    made = cast("QWidget", panel.get_callable()(viewer))
    title = f"{name} ({manager.get_manifest(_PLUGIN).display_name})"
    window.add_dock_widget(made, name=title, tabify=tabify)
    return made


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
                open_panel(shown, "Detect defects")

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
