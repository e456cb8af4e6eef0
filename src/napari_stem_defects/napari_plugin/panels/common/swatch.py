"""The colour of a class: as a small square, and as the colour of its name."""

from __future__ import annotations

from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QLabel

from napari_stem_defects.base.defect_classes import UNKNOWN, colour_of

_EDGE_PX = 12
_DARKER = 160


class Swatch(QLabel):
    """A square in a class's colour, or in any colour given."""

    def __init__(self, class_name: str, colour: str = "") -> None:
        super().__init__()
        self.setFixedSize(_EDGE_PX, _EDGE_PX)
        self.setStyleSheet(f"background: {colour or colour_of(class_name)}; border-radius: 2px;")


def ink_of(class_name: str, palette: QPalette) -> QColor:
    """Return the colour to write a class's name in: darker than its own in a light window."""
    text = palette.color(QPalette.ColorRole.WindowText)
    if class_name == UNKNOWN:
        return text
    colour = QColor(colour_of(class_name))
    return colour.darker(_DARKER) if text.lightnessF() < 0.5 else colour
