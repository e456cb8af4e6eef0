"""Combo box of the image layers."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, QTimer, Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_stem_defects.napari_plugin.layers.convert import is_plugin_layer
from napari_stem_defects.napari_plugin.layers.one_unit import show_in_one_unit
from napari_stem_defects.napari_plugin.layers.uncovered import uncover
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip

if TYPE_CHECKING:
    from napari.components import LayerList

_TOOLTIP = "Image layer to work on: one image or a stack of frames"
_CALIBRATION = ("scale", "units", "metadata")


class ImageSelector(QComboBox):
    """Lists the image layers of a viewer and updates when layers change.

    Image layers that the panels have added (the preprocessing stages) are not listed. References
    are weak, so a deleted image frees its memory. Layers in several units of length are converted
    to one, so that clicks are where the mouse is.

    An image that is opened is selected, since napari shows it over the others; one that is
    selected in the list is shown, and those over it are hidden.

    Parameters
    ----------
    layers : LayerList
        The layers of the viewer.
    """

    image_changed = Signal()
    """Another layer was selected, or the selected one was deleted."""
    calibrated = Signal()
    """The pixel size of the selected layer has changed."""

    def __init__(self, layers: LayerList) -> None:
        super().__init__()
        self._layers = layers
        self._listed: list[weakref.ref[Image]] = []
        self._last: weakref.ref[Image] | None = None
        self.setObjectName("image")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layers.events.inserted.connect(self._on_inserted)
        for event in (layers.events.removed, layers.events.reordered, layers.events.renamed):
            event.connect(self._rebuild)
        self._calibrated = QTimer(self)  # one announcement for scale, position and unit
        self._calibrated.setSingleShot(True)
        self._calibrated.timeout.connect(self.calibrated)
        self._units = QTimer(self)  # once the layers that follow a calibrated one have its unit
        self._units.setSingleShot(True)
        self._units.timeout.connect(lambda: show_in_one_unit(self._layers))
        self.currentIndexChanged.connect(self._announce)
        self.activated.connect(self._uncover)
        self._rebuild()

    @property
    def image(self) -> Image | None:
        """The selected layer; None if there is none or it was deleted."""
        index = self.currentIndex()
        layer = self._listed[index]() if 0 <= index < len(self._listed) else None
        return layer if layer is not None and layer in self._layers else None

    @property
    def images(self) -> list[Image]:
        """The layers listed."""
        return [layer for listed in self._listed if (layer := listed()) is not None]

    def select(self, layer: Image) -> None:
        """Select a layer of the list; whether it is seen is left as it is."""
        for index, listed in enumerate(self._listed):
            if listed() is layer:
                self.setCurrentIndex(index)

    def disconnect_layers(self) -> None:
        """Stop following the viewer."""
        self._layers.events.inserted.disconnect(self._on_inserted)
        for name in ("removed", "reordered", "renamed"):
            getattr(self._layers.events, name).disconnect(self._rebuild)
        self._watch(None)
        self._units.stop()
        for layer in self._layers:
            layer.events.units.disconnect(self._on_units)

    def _on_units(self, event: object = None) -> None:
        self._units.start()

    def _on_inserted(self, event: Any) -> None:
        """List a new layer, and select it if it is an image that is seen."""
        self._rebuild()
        if event.value.visible:
            self.select(event.value)

    def _uncover(self) -> None:
        if (image := self.image) is not None:
            uncover(self._layers, image)

    def _rebuild(self, event: object = None) -> None:
        for layer in self._layers:
            layer.events.units.connect(self._on_units)  # napari keeps one connection of a kind
        show_in_one_unit(self._layers)
        images = [
            layer
            for layer in reversed(self._layers)
            if isinstance(layer, Image) and not is_plugin_layer(layer)
        ]
        chosen = self.image
        with QSignalBlocker(self):
            self.clear()
            self._listed = [weakref.ref(layer) for layer in images]
            self.addItems([layer.name for layer in images])
            if chosen in images:
                self.setCurrentIndex(images.index(chosen))
        self._announce()

    def _announce(self) -> None:
        image = self.image
        set_tooltip(self, _TOOLTIP if image is None else f"{image.name}\n{_TOOLTIP}")
        if (self._last() if self._last else None) is not image or image is None:
            self._watch(image)
            self._last = None if image is None else weakref.ref(image)
            self.image_changed.emit()

    def _watch(self, image: Image | None) -> None:
        """Follow the calibration of an image, and no longer that of the one before."""
        before = self._last() if self._last else None
        for name in _CALIBRATION:
            if before is not None:
                getattr(before.events, name).disconnect(self._on_calibration)
            if image is not None:
                getattr(image.events, name).connect(self._on_calibration)

    def _on_calibration(self, event: object = None) -> None:
        self._calibrated.start()
