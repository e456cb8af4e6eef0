"""Colours of charts on light and dark backgrounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_stem_defects.base.defect_classes import UNKNOWN, default_class
from napari_stem_defects.reporting.colour_contrast import readable

if TYPE_CHECKING:
    from collections.abc import Mapping


class Theme(NamedTuple):
    """The colours of a chart, each ``#rrggbb``.

    Attributes
    ----------
    background, text : str
    muted : str
        For what matters less: captions, ticks, zeros.
    grid : str
    strongest : str
        Of a cell that holds all windows of its row.
    """

    background: str
    text: str
    muted: str
    grid: str
    strongest: str

    @property
    def is_dark(self) -> bool:
        """Whether the background is darker than the text."""
        return luma(self.background) < luma(self.text)


def make_theme(background: str, text: str) -> Theme:
    """Return a theme for a background.

    Parameters
    ----------
    background, text : str
        ``#rrggbb``.

    Returns
    -------
    Theme
    """
    strongest = "#005aa0" if luma(background) > luma(text) else "#4c8df6"
    muted, grid = blend(text, background, 0.33), blend(text, background, 0.82)
    return Theme(background, text, muted, grid, strongest)


def contrasting(colour: str) -> str:
    """Return black or white as ``#rrggbb``, whichever is easier to read on a colour."""
    return "#000000" if luma(colour) > 110 else "#ffffff"


def blend(start: str, end: str, share: float) -> str:
    """Return the colour that lies this share, 0 to 1, of the way between two colours."""
    mixed = (a + (b - a) * share for a, b in zip(_rgb(start), _rgb(end), strict=True))
    return "#" + "".join(f"{round(value):02x}" for value in mixed)


def luma(colour: str) -> float:
    """Return the brightness of a colour, 0 to 255 (ITU-R BT.601)."""
    red, green, blue = _rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def class_colour(name: str, colours: Mapping[str, str] | None = None) -> str:
    """Return the colour of a class.

    Parameters
    ----------
    name : str
    colours : mapping of str to str, optional
        Colours of classes, as in ``report.json``. Reports written before classes had colours of
        their own hold none; their classes have the default colours.

    Returns
    -------
    str
        ``#rrggbb``.
    """
    return (colours or {}).get(name) or default_class(name).colour


def class_ink(name: str, theme: Theme, colours: Mapping[str, str] | None = None) -> str:
    """Return the colour in which the name of a class is written.

    Parameters
    ----------
    name : str
        A class; any other text has the colour of text.
    theme : Theme
    colours : mapping of str to str, optional
        Colours of classes; see `class_colour`.

    Returns
    -------
    str
        ``#rrggbb``.
    """
    if name == UNKNOWN:
        return theme.text
    colour = class_colour(name, colours)
    return readable(colour, theme.background)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


LIGHT = make_theme("#ffffff", "#1a1a1a")
DARK = make_theme("#262930", "#f0f1f2")
