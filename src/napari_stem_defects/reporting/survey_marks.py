"""Marks of a survey on a matplotlib axis: points, lines and areas with their ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.reporting.fonts import families, text_width
from napari_stem_defects.reporting.label_placement import LabelPlacer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from napari_stem_defects.anomaly.candidates import Candidate

COLOURS = {"point": "#e69f00", "line": "#56b4e9", "area": "#cc79a7"}
"""Colour of each kind of place."""

_HALO = "#000000"
_TEXT_SIZE, _PAD_PX = 8, 3
_WIDTHS = {"point": 1.6, "line": 2.0, "area": 1.6}


def draw_places(axes: Axes, places: Sequence[Candidate], radius: float, scale: float = 1.0) -> None:
    """Draw circles around points, centre lines of lines and outlines of areas.

    Areas lie below lines and these below points, so that no mark hides a smaller one.

    Parameters
    ----------
    axes : Axes
        With an image.
    places : sequence of Candidate
    radius : float
        Of a circle, in px of the image.
    scale : float
        Units of the axis per px of the image.
    """
    for order, kind in enumerate(("area", "line", "point"), start=3):
        mine = [place for place in places if place.kind == kind]
        lines = [np.array(line) * scale for place in mine for line in place.shape]
        _draw_lines(axes, lines, kind, order)
        rings = [place for place in mine if not place.shape]
        _draw_rings(axes, rings, kind, (radius * scale, scale), order)


def number_places(axes: Axes, places: Sequence[Candidate], radius: float) -> None:
    """Write the ranks of places beside them, inside the image and apart from each other.

    Parameters
    ----------
    axes : Axes
        With an image of one unit per px; its position in the figure is final.
    places : sequence of Candidate
        In the order in which their ranks are placed; those without room get none.
    radius : float
        Of a circle, in px of the image.
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        return
    axes.apply_aspect()
    frame = axes.get_window_extent()
    height, width = round(frame.height), round(frame.width)

    def at(y: float, x: float) -> tuple[float, float]:
        across, up = axes.transData.transform((x, y))
        return across - frame.x0, frame.y1 - up

    reach = abs(at(0, radius)[0] - at(0, 0)[0])
    occupied = np.zeros((height, width), bool)
    for place in places:
        for y, x in _extent(place):
            right, down = at(y, x)
            near = reach if place.kind == "point" else 2.0
            rows = slice(max(0, round(down - near)), max(0, round(down + near)) + 1)
            occupied[rows, max(0, round(right - near)) : max(0, round(right + near)) + 1] = True
    placer = LabelPlacer(occupied)
    size_px = _TEXT_SIZE * figure.dpi / 72
    for place in places:
        text = str(place.rank)
        box_size = (
            round(text_width(text, round(size_px))) + 2 * _PAD_PX,
            round(size_px) + 2 * _PAD_PX,
        )
        away = reach if not place.shape else 0.0
        box = placer.place_beside([at(y, x) for y, x in _anchors(place)], away, box_size)
        if box is None:
            continue
        axes.text(
            frame.x0 + (box.left + box.right) / 2,
            frame.y1 - (box.top + box.bottom) / 2,
            text,
            transform=None,
            ha="center",
            va="center_baseline",
            color="black",
            size=_TEXT_SIZE,
            family=list(families()),
            bbox={"boxstyle": "round,pad=0.15", "fc": COLOURS[place.kind], "ec": "none"},
            zorder=8,
        )


def _extent(place: Candidate) -> Iterator[tuple[float, float]]:
    """Yield points (y, x) of a mark in px of the image."""
    if not place.shape:
        yield place.y, place.x
    for line in place.shape:
        yield from line


def _anchors(place: Candidate) -> list[tuple[float, float]]:
    """Return points beside which a rank may stand, the best first."""
    points = list(_extent(place))
    middle = len(points) // 2
    if place.kind == "line":  # from the middle outwards
        points = sorted(points, key=lambda point: abs(points.index(point) - middle))
    return points[:: max(1, len(points) // 24)]


def _draw_lines(axes: Axes, lines: Sequence[Any], kind: str, order: int) -> None:
    from matplotlib.collections import LineCollection

    if not lines:
        return
    segments = [line[:, ::-1] for line in lines]
    width = _WIDTHS[kind]
    for colour, each in ((_HALO, width + 1.4), (COLOURS[kind], width)):
        alpha = 0.5 if colour == _HALO else 1.0
        axes.add_collection(
            LineCollection(segments, colors=colour, linewidths=each, alpha=alpha, zorder=order),
            autolim=False,
        )


def _draw_rings(
    axes: Axes, places: Sequence[Candidate], kind: str, size: tuple[float, float], order: int
) -> None:
    from matplotlib.collections import EllipseCollection

    if not places:
        return
    radius, scale = size
    diameters = np.full(len(places), 2 * radius)
    axes.add_collection(
        EllipseCollection(
            diameters,
            diameters,
            np.zeros(len(places)),
            units="xy",
            offsets=[(place.x * scale, place.y * scale) for place in places],
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors=COLOURS[kind],
            linewidths=_WIDTHS[kind],
            zorder=order,
        ),
        autolim=False,
    )
