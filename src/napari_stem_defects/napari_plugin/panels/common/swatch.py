"""Colours of the classes in the panels: square swatches and text colours."""

from __future__ import annotations

from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QFrame

from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.reporting.colour_contrast import readable

_EDGE_PX = 12


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
    """Return the text colour of a class name: that of the class, as far as it is readable."""
    if class_name == UNKNOWN:
        return palette.color(QPalette.ColorRole.WindowText)
    return readable_colour(colour, palette)


def readable_colour(colour: str, palette: QPalette) -> QColor:
    """Return a colour that is readable as text on the background of a panel.

    Parameters
    ----------
    colour : str
        ``#rrggbb``.
    palette : QPalette
        Of the widget that shows the text.
    """
    return QColor(readable(colour, palette.color(QPalette.ColorRole.Window).name()))
