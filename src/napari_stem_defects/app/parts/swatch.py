"""A small square in the colour of a class."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel

from napari_stem_defects.core.classes import colour_of

_EDGE_PX = 12


class Swatch(QLabel):
    """A square in a class's colour, or in any colour given."""

    def __init__(self, class_name: str, colour: str = "") -> None:
        super().__init__()
        self.setFixedSize(_EDGE_PX, _EDGE_PX)
        self.setStyleSheet(f"background: {colour or colour_of(class_name)}; border-radius: 2px;")
