"""Menu entry that opens the four panels in tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_stem_defects.napari_plugin.panels.common.docking import find_dock, open_panel

if TYPE_CHECKING:
    import napari.viewer

PANELS = ("Preprocess", "Label patches", "Train ensemble", "Detect defects")
"""Names of the panels in the manifest, in the order of their tabs."""


class AllPanels(QWidget):
    """Opens the panels that are not open and removes itself.

    napari lists the widgets of a plugin in its menu and opens them one at a time; there is no menu
    entry for several.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer that the panels belong to.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.setObjectName("all_panels")
        # napari docks this widget first.
        QTimer.singleShot(0, self._open)

    def _open(self) -> None:
        opened = [open_panel(self._viewer, name, tabify=True) for name in PANELS]
        self._viewer.window.remove_dock_widget(self)
        self.deleteLater()
        dock = find_dock(opened[0])
        if dock is not None:
            dock.show()
            # After the panels have found their tabs.
            QTimer.singleShot(0, dock.raise_)
