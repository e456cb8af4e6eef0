"""Layout of charts: figures, axes with fixed margins, text and legends; lengths in points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari_stem_defects.reporting.fonts import drawable, families, text_width
from napari_stem_defects.reporting.themes import LIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from napari_stem_defects.reporting.themes import Theme

TEXT_SIZE = 8.5
"""Of all text in charts but headings, in points."""
_LEGEND_ROW = 13.0


class LegendEntry(NamedTuple):
    """A name in a legend, and the colour of its curves as ``#rrggbb``."""

    name: str
    colour: str


class Margins(NamedTuple):
    """Margins around the axes of a chart, in points."""

    left: float
    top: float
    right: float
    bottom: float


def new_figure(width: float, height: float, dpi: float, theme: Theme = LIGHT) -> Figure:
    """Return an empty figure that belongs to no window.

    Parameters
    ----------
    width, height : float
        In points.
    dpi : float
    theme : Theme

    Returns
    -------
    matplotlib.figure.Figure
        With a canvas that draws into memory.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width / 72, height / 72), dpi=dpi, facecolor=theme.background)
    FigureCanvasAgg(figure)
    return figure


def default_style() -> AbstractContextManager[None]:
    """Return a context in which the user's ``matplotlibrc`` has no effect."""
    from matplotlib import style

    return style.context("default", after_reset=True)


def add_plot_axes(
    figure: Figure | SubFigure, legend: Sequence[LegendEntry], names: tuple[str, str], theme: Theme
) -> Axes:
    """Add axes with a grid, and a legend at the bottom.

    Parameters
    ----------
    figure : Figure or SubFigure
    legend : sequence of LegendEntry
    names : (str, str)
        What x and y show; that of y is written above the axes.
    theme : Theme

    Returns
    -------
    Axes
    """
    from matplotlib.lines import Line2D

    width, _ = size_in_points(figure)
    margins = Margins(30, 20, 8, 29 + legend_height(legend, width))
    axes = add_axes(figure, margins, theme)
    axes.set_axisbelow(True)
    axes.grid(color=theme.grid, linewidth=0.6)
    axes.set_xlabel(names[0], color=theme.text, size=TEXT_SIZE, family=list(families()))
    label(axes, (0, 1), (-24, 6), names[1], theme.text, xycoords="axes fraction", va="baseline")
    if legend:
        texts = figure.legend(
            [Line2D([], [], color=entry.colour, linewidth=3) for entry in legend],
            [drawable(entry.name, families()) for entry in legend],
            loc="lower left",
            bbox_to_anchor=(4 / width, 0),
            ncols=_legend_columns(legend, width),
            frameon=False,
            prop={"size": TEXT_SIZE, "family": list(families())},
            labelcolor=theme.text,
            borderpad=0.1,
            handlelength=1.4,
            handletextpad=0.5,
            columnspacing=1.2,
            labelspacing=0.35,
        ).get_texts()
        for text in texts:
            text.set_parse_math(False)
    return axes


def legend_height(legend: Sequence[LegendEntry], width: float) -> float:
    """Return the height of a legend in points.

    Parameters
    ----------
    legend : sequence of LegendEntry
    width : float
        Of the figure, in points.

    Returns
    -------
    float
    """
    return _LEGEND_ROW * -(-len(legend) // _legend_columns(legend, width))


def _legend_columns(legend: Sequence[LegendEntry], width: float) -> int:
    widest = max((text_width(entry.name, TEXT_SIZE) for entry in legend), default=0.0)
    return max(1, min(len(legend), int((width - 4) / (widest + 27))))


def add_axes(figure: Figure | SubFigure, margins: Margins, theme: Theme) -> Axes:
    """Add axes that fill a figure up to some margins.

    Parameters
    ----------
    figure : Figure or SubFigure
    margins : Margins
    theme : Theme

    Returns
    -------
    Axes
    """
    width, height = size_in_points(figure)
    across = max(width - margins.left - margins.right, 1)
    down = max(height - margins.top - margins.bottom, 1)
    axes = figure.add_axes(
        (margins.left / width, margins.bottom / height, across / width, down / height),
        facecolor="none",
    )
    axes.tick_params(
        colors=theme.muted,
        labelsize=TEXT_SIZE - 0.5,
        labelfontfamily=list(families()),
        length=0,
        pad=3,
    )
    axes.spines[:].set(color=theme.grid, linewidth=0.8)
    return axes


def size_in_points(figure: Figure | SubFigure) -> tuple[float, float]:
    """Return width and height of a figure in points."""
    scale = 72 / figure.dpi
    return figure.bbox.width * scale, figure.bbox.height * scale


def write(
    figure: Figure | SubFigure,
    left: float,
    down: float,
    text: str,
    colour: str,
    size: float = TEXT_SIZE,
) -> None:
    """Write a line of text on a figure.

    Parameters
    ----------
    figure : Figure or SubFigure
    left, down : float
        Distance of the start of the baseline from the upper left corner, in points.
    text, colour : str
    size : float
        Of the font, in points.
    """
    width, height = size_in_points(figure)
    font: dict[str, Any] = {"size": size, "family": list(families()), "parse_math": False}
    figure.text(left / width, 1 - down / height, drawable(text, families()), color=colour, **font)


def label(
    axes: Axes,
    position: tuple[float, float],
    offset: tuple[float, float],
    text: str,
    colour: str,
    **properties: Any,
) -> None:
    """Write a text beside a position.

    Parameters
    ----------
    axes : Axes
    position : (float, float)
        In data coordinates, unless ``xycoords`` is given.
    offset : (float, float)
        To the right and upwards, in points.
    text, colour : str
    **properties
        Of a matplotlib Annotation.
    """
    axes.annotate(
        drawable(text, families()),
        position,
        offset,
        textcoords="offset points",
        color=colour,
        size=TEXT_SIZE,
        family=list(families()),
        annotation_clip=False,
        parse_math=False,
        **properties,
    )
