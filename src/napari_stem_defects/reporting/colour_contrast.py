"""Contrast of colours by WCAG 2.1, and colours with enough of it.

The ratio is 1 for equal colours and 21 for black on white; text is readable from 4.5 on, lines and
symbols from 3 on (WCAG 2.1, success criteria 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from napari_stem_defects.base.distinct_colours import luminance

TEXT_RATIO, LINE_RATIO = 4.5, 3.0
"""Least contrast ratio of text, and of lines and symbols, to what is behind them."""

_BLACK, _WHITE = "#000000", "#ffffff"
_STEPS = 50


def contrast_ratio(first: str, second: str) -> float:
    """Return the contrast ratio of two colours.

    Parameters
    ----------
    first, second : str
        ``#rrggbb``.

    Returns
    -------
    float
        1 to 21; formula of WCAG 2.1 for sRGB colours.
    """
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def readable(colour: str, background: str) -> str:
    """Return a colour that is readable on a background, and as close to the given one as possible.

    Parameters
    ----------
    colour, background : str
        ``#rrggbb``.

    Returns
    -------
    str
        The colour itself, or mixed with white or black, of which one has a contrast ratio of
        `TEXT_RATIO` on every background.
    """
    end = casing_of(background)
    for step in range(_STEPS + 1):
        mixed = _mix(colour, end, step / _STEPS)
        if contrast_ratio(mixed, background) >= TEXT_RATIO:
            return mixed
    return end


def casing_of(colour: str) -> str:
    """Return black or white, whichever contrasts more: the casing of a line in this colour.

    Parameters
    ----------
    colour : str
        ``#rrggbb``.

    Returns
    -------
    str
        ``#rrggbb``; its contrast ratio to the colour is at least 4.58, the square root of 21.
    """
    return max(_BLACK, _WHITE, key=lambda end: contrast_ratio(colour, end))


def _mix(colour: str, end: str, share: float) -> str:
    pairs = zip(_rgb(colour), _rgb(end), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
