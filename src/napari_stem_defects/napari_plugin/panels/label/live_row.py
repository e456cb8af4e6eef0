"""Row with the switch of the live map, and a button that keeps its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QInputDialog,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_stem_defects.napari_plugin.layers.live_layer import LiveLayer
from napari_stem_defects.napari_plugin.panels.common.panel import button, named, note, show_note
from napari_stem_defects.napari_plugin.panels.common.preload import preload

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.napari_plugin.panels.label.live_map import LiveMapViewModel

_PAUSE_MS = 30


class LiveRow(QWidget):
    """Shows a `LiveMapViewModel`, in the panel and as a layer.

    Parameters
    ----------
    viewer : ViewerModel
    live : LiveMapViewModel
    shown : callable
        Returns the image being labelled.
    """

    def __init__(
        self, viewer: ViewerModel, live: LiveMapViewModel, shown: Callable[[], Image | None]
    ) -> None:
        super().__init__()
        self._live = live
        self._shown = shown
        self.layer = LiveLayer(viewer)
        self.switch = named(
            QCheckBox("Live map"),
            "live",
            "Show at once what the labels so far would find: the map follows every click. Bulk"
            " clicks remove what is wrong",
        )
        self.switch.toggled.connect(live.switch)
        self.keep = button(
            "Keep as model…",
            "keep_model",
            "Store what the labels teach as a quick model in your library, for Detect defects",
        )
        self.keep.clicked.connect(self._keep)
        self.statement = note("live_statement")
        row = QHBoxLayout()
        row.addWidget(self.switch)
        row.addStretch()
        row.addWidget(self.keep)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.statement)
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.timeout.connect(self._draw)
        live.changed.connect(self._refresh)

    def on_layer_removed(self) -> None:
        """Switch the map off if the user has deleted its layer."""
        if self.layer.is_deleted:
            self.layer.remove()
            self.switch.setChecked(False)

    def _refresh(self) -> None:
        show_note(self.statement, self._live.statement)
        self._redraw.start(0)

    def _draw(self) -> None:
        """Draw the newest map in a turn of its own."""
        found, image = self._live.found, self._shown()
        if not self._live.is_on or image is None:
            self.layer.remove()
        elif found is None:
            self.layer.clear()
        elif preload().is_alive():  # the features of the layer need pandas
            self._redraw.start(_PAUSE_MS)
        elif self.layer.prepare(image, found):
            self._redraw.start(_PAUSE_MS)  # napari processes events before the layer is added
        else:
            self.layer.show(image, found)

    def _keep(self) -> None:
        if not self._live.can_keep():  # stated before the dialog opens
            return
        name, accepted = QInputDialog.getText(
            self, "Keep as model", "Name of the model in your library:", text="my-quick-model"
        )
        if accepted:
            self._live.keep(name.strip())
