"""Row that offers to show a grey image as grey that a file stores as colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from napari_stem_defects.napari_plugin.layers.grey_copy import (
    is_grey,
    looks_grey,
    replace_by_grey,
)
from napari_stem_defects.napari_plugin.panels.common.panel import button, note, show_note

if TYPE_CHECKING:
    from napari.components import LayerList

    from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector

_STATEMENT = "A grey image that is stored as colour: it has no contrast limits."


class GreyOffer(QWidget):
    """Visible while such an image is selected.

    Parameters
    ----------
    layers : LayerList
        The layers of the viewer.
    image : ImageSelector
    """

    def __init__(self, layers: LayerList, image: ImageSelector) -> None:
        super().__init__()
        self._layers = layers
        self._image = image
        self.statement = note("grey_statement")
        self.convert = button(
            "Show as grey", "show_as_grey", "Replace the layer by a grey one with the same values"
        )
        self.convert.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.convert.clicked.connect(self._convert)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.statement, 1)
        row.addWidget(self.convert)
        image.image_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the row if the image selected is grey and stored as colour."""
        image = self._image.image
        is_shown = image is not None and looks_grey(image)
        show_note(self.statement, _STATEMENT if is_shown else "")
        self.setVisible(is_shown)

    def _convert(self) -> None:
        image = self._image.image
        if image is None:
            return
        if is_grey(image):
            self._image.select(replace_by_grey(self._layers, image))
        else:
            show_note(self.statement, "Some pixels are coloured; the layer stays as it is.")
