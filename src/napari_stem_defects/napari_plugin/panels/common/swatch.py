"""Colours of the classes in the panels: square swatches and text colours."""

from __future__ import annotations

from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QFrame

from napari_stem_defects.base.defect_classes import UNKNOWN

_EDGE_PX = 12
_DARKER = 160


class Swatch(QFrame):
    """A small square in the colour of a class.

    Parameters
    ----------
    colour : str
        ``#rrggbb``.
    """

    def __init__(self, colour: str) -> None:
        super().__init__()
        self.setFixedSize(_EDGE_PX, _EDGE_PX)
        self.setStyleSheet(f"background: {colour}; border-radius: 2px;")


def ink_of(class_name: str, colour: str, palette: QPalette) -> QColor:
    """Return the text colour of a class name: that of the class, darkened in a light theme."""
    text = palette.color(QPalette.ColorRole.WindowText)
    if class_name == UNKNOWN:
        return text
    shown = QColor(colour)
    return shown.darker(_DARKER) if text.lightnessF() < 0.5 else shown
