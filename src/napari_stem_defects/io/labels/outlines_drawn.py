"""Outlines of the rectangles, ellipses and masks that annotation programs store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.postprocessing.outlines import trace_outlines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.io.labels.drawn_shapes import Position

_CORNER = 0.5
_ELLIPSE_POINTS = 64
_LARGEST = 1e9


def check_numbers(*numbers: float) -> None:
    """Check what an outline is computed from.

    Parameters
    ----------
    *numbers : float
        In px or degrees.

    Raises
    ------
    ValueError
        One is missing (NaN), infinite, or so large that no position can be computed with it.
    """
    if not all(abs(number) < _LARGEST for number in numbers):
        raise ValueError("a number is missing, not finite or too large")


def mask_outlines(mask: NDArray[np.bool_], top: float = 0, left: float = 0) -> list[list[Position]]:
    """Return the rings around the pixels of a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X)
    top, left : float
        Place of its first pixel in the image.

    Returns
    -------
    list of list of (float, float)
        Positions (y, x) in px, pixel centres at integers; empty for an empty mask.
    """
    polygons = trace_outlines(mask.astype(np.int32)).get(1, ())
    rings = [ring for each in polygons for ring in (each.shell, *each.holes)]
    return [[(y + top - _CORNER, x + left - _CORNER) for y, x in ring.tolist()] for ring in rings]


def rectangle(
    left: float, top: float, width: float, height: float, degrees: float = 0
) -> list[Position]:
    """Return the corners of a rectangle that is turned about its upper left corner.

    Parameters
    ----------
    left, top, width, height : float
        In px; the corner of the first pixel is 0.
    degrees : float
        Clockwise, as seen in the image.

    Returns
    -------
    list of (float, float)
        Positions (y, x), pixel centres at integers.

    Raises
    ------
    ValueError
        A number is not finite or too large.
    """
    check_numbers(left, top, width, height, degrees)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    return [
        (float(top + x * sin + y * cos) - _CORNER, float(left + x * cos - y * sin) - _CORNER)
        for x, y in corners
    ]


def ellipse(
    x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0
) -> list[Position]:
    """Return points of an ellipse.

    Parameters
    ----------
    x, y, radius_x, radius_y : float
        Centre and half axes in px; the corner of the first pixel is 0.
    degrees : float
        Clockwise about the centre, as seen in the image.

    Returns
    -------
    list of (float, float)
        Positions (y, x), pixel centres at integers.

    Raises
    ------
    ValueError
        A number is not finite or too large.
    """
    check_numbers(x, y, radius_x, radius_y, degrees)
    angles = 2 * np.pi * np.arange(_ELLIPSE_POINTS) / _ELLIPSE_POINTS
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    across, down = radius_x * np.cos(angles), radius_y * np.sin(angles)
    rows = y + across * sin + down * cos - _CORNER
    columns = x + across * cos - down * sin - _CORNER
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
