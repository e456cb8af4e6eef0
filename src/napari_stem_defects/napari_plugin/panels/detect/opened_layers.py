"""Layers of opened results in a viewer, in groups of one result folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject, QTimer, Signal

from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY
from napari_stem_defects.napari_plugin.layers.stored_layers import result_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel


class OpenedGroup(NamedTuple):
    """The layers of one result folder.

    Attributes
    ----------
    folder : Path
    image : Image or None
        None if the image was not found.
    labels : dict of str to Labels
        The layer of each class; empty for a survey.
    survey : tuple of Layer
        Map, places and grains of a survey; empty where there is none.
    """

    folder: Path
    image: Image | None
    labels: dict[str, Labels]
    survey: tuple[Layer, ...]


class OpenedLayers(QObject):
    """Watches a viewer for results that a reader opens.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QObject
    """

    found = Signal(object)
    """An `OpenedGroup` has been added; also one that is there at the beginning."""

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._layers = viewer.layers
        self._folder: Path | None = None
        self._timer = QTimer(self)  # a reader adds its layers one after the other
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._announce)
        viewer.layers.events.inserted.connect(self._on_inserted)
        for layer in viewer.layers:
            self._expect(result_of(layer))

    def disconnect_layers(self) -> None:
        """Stop watching the viewer."""
        self._layers.events.inserted.disconnect(self._on_inserted)

    def group(self, folder: Path) -> OpenedGroup:
        """Return the newest layers of a result folder."""
        image: Image | None = None
        labels: dict[str, Labels] = {}
        survey: dict[type[Layer], Layer] = {}
        for layer in self._layers:
            if result_of(layer) == folder:
                about = layer.metadata[METADATA_KEY]
                if about.get("made") == "survey":
                    survey[type(layer)] = layer
                elif isinstance(layer, Labels):
                    labels[about["class"]] = layer
                elif isinstance(layer, Image):
                    image = layer
        return OpenedGroup(folder, image, labels, tuple(survey.values()))

    def _on_inserted(self, event: Any) -> None:
        self._expect(result_of(event.value))

    def _expect(self, folder: Path | None) -> None:
        if folder is not None:
            self._folder = folder
            self._timer.start(0)

    def _announce(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            group = self.group(folder)
            if group.labels or group.survey:
                self.found.emit(group)
