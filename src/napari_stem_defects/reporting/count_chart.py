"""Number of defects over time, with its interval, one panel for each class."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_stem_defects.reporting.chart_layout import (
    TEXT_SIZE,
    Margins,
    add_axes,
    default_style,
    new_figure,
    size_in_points,
    write,
)
from napari_stem_defects.reporting.fonts import families
from napari_stem_defects.reporting.themes import LIGHT, class_ink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from napari_stem_defects.tracking.histories import FrameCount

_WIDTH, _PANEL, _TITLE, _AXIS = 660.0, 120.0, 26.0, 34.0
_DPI = 144
_DOTS = 60
"""Up to so many frames, each count is marked."""


def count_chart(
    counts: Sequence[FrameCount],
    colours: Mapping[str, str],
    title: str,
    frame_time_s: float | None = None,
) -> Image.Image:
    """Draw the counts of every class that was found in at least one frame.

    Parameters
    ----------
    counts : sequence of FrameCount
        In the order of frames.
    colours : mapping of str to str
        Colour of each class, ``#rrggbb``.
    title : str
        Name of the movie.
    frame_time_s : float, optional
        Time from frame to frame, s; without it the axis counts frames.

    Returns
    -------
    PIL.Image.Image
        RGB.
    """
    by_class: dict[str, list[FrameCount]] = {}
    for each in counts:
        by_class.setdefault(each.class_name, []).append(each)
    shown = {name: found for name, found in by_class.items() if any(e.count.value for e in found)}
    height = _TITLE + max(1, len(shown)) * _PANEL + _AXIS
    with default_style():
        figure = new_figure(_WIDTH, height, _DPI)
        heading = f"{title}: number of defects in each frame, with 95 % intervals"
        write(figure, 4, 16, heading if shown else f"{title}: no defects", LIGHT.text, 10.5)
        for row, (name, found) in enumerate(shown.items()):
            _draw_panel(
                figure, row, len(shown), found, class_ink(name, LIGHT, colours), frame_time_s
            )
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=_DPI)
    buffer.seek(0)
    with Image.open(buffer) as picture:
        return picture.convert("RGB")


def _draw_panel(
    figure: Figure,
    row: int,
    rows: int,
    found: Sequence[FrameCount],
    colour: str,
    frame_time_s: float | None,
) -> None:
    from matplotlib.ticker import MaxNLocator

    height = size_in_points(figure)[1]
    top = _TITLE + row * _PANEL
    axes = add_axes(figure, Margins(40, top + 20, 14, height - top - _PANEL + 4), LIGHT)
    write(figure, 40, top + 15, found[0].class_name, colour)
    times = np.array([each.frame for each in found], float) * (frame_time_s or 1.0)
    values = np.array([each.count.value or 0.0 for each in found])
    low = np.array([each.count.low or 0.0 for each in found])
    high = np.array([each.count.high or 0.0 for each in found])
    axes.grid(color=LIGHT.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.fill_between(times, low, high, color=colour, alpha=0.22, linewidth=0)
    axes.plot(times, values, color=colour, linewidth=1.3)
    if len(times) <= _DOTS:
        axes.plot(times, values, "o", color=colour, markersize=3)
    axes.set_ylim(0, 1.08 * float(high.max()))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    if len(times) > 1:
        axes.set_xlim(times[0], times[-1])
    axes.spines[["top", "right"]].set_visible(False)
    if row + 1 < rows:
        axes.tick_params(labelbottom=False)
        return
    across = "frame" if frame_time_s is None else "time, s"
    axes.set_xlabel(across, color=LIGHT.text, size=TEXT_SIZE, family=list(families()))
