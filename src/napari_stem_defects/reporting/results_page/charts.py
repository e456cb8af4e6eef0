"""Charts of a page of results; lengths of figures are in points, matplotlib is imported lazily."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.reporting.chart_layout import (
    TEXT_SIZE,
    Margins,
    add_axes,
    default_style,
    label,
    new_figure,
    write,
)
from napari_stem_defects.reporting.fonts import families, text_width
from napari_stem_defects.reporting.themes import LIGHT, class_colour, class_ink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_stem_defects.reporting.results_page.tables import (
        ArrangementRow,
        LengthRow,
        RateRow,
    )
    from napari_stem_defects.statistics.rates import Estimate

WIDTH, HALF = 660.0, 320.0
"""Width of a chart, and of one of two beside each other, in points."""
_ROW, _HEIGHT = 22.0, 200.0
_DPI = 144


def rate_chart(
    rows: Sequence[RateRow],
    names: Sequence[str],
    title: str,
    colours: Mapping[str, str],
    width: float = WIDTH,
) -> bytes:
    """Draw rates with their intervals, one line each.

    Parameters
    ----------
    rows : sequence of RateRow
        At least one.
    names : sequence of str
        What is written beside each.
    title : str
        Quantity and unit.
    colours : mapping of str to str
        Colours of classes.
    width : float
        In points.

    Returns
    -------
    bytes
        An SVG picture. Filled: corrected for precision and recall, with its interval; open:
        reported, with the interval of counting statistics.
    """
    left = 14 + max(text_width(name, TEXT_SIZE) for name in names)

    def draw(figure: Figure) -> None:
        axes = add_axes(figure, Margins(min(left, width / 2), 26, 14, 26), LIGHT)
        write(figure, 4, 14, title, LIGHT.text, 9.5)
        axes.grid(axis="x", color=LIGHT.grid, linewidth=0.6)
        axes.set_axisbelow(True)
        for place, (row, name) in enumerate(zip(rows, names, strict=True)):
            colour = class_colour(row.class_name, colours)
            ink = class_ink(row.class_name, LIGHT, colours)
            if row.corrected is not None:
                _interval(axes, row.corrected, place - 0.14, colour, is_filled=True)
            shift = 0.16 if row.corrected is not None else 0.0
            _interval(axes, row.reported, place + shift, ink, is_filled=False)
            label(
                axes,
                (0, place),
                (-8, 0),
                name,
                ink,
                ha="right",
                va="center",
                xycoords=axes.get_yaxis_transform(),
            )
        axes.set(ylim=(len(rows) - 0.45, -0.55), yticks=[])
        axes.set_xlim(0, _highest(rows))
        axes.spines[["left", "top", "right"]].set_visible(False)

    return _svg(draw, width, 52 + _ROW * len(rows))


def pair_chart(row: ArrangementRow, colours: Mapping[str, str]) -> bytes | None:
    """Draw the pair correlation of a class and the range of random patterns.

    Parameters
    ----------
    row : ArrangementRow
    colours : mapping of str to str

    Returns
    -------
    bytes or None
        An SVG picture; None where there are no pairs.
    """
    pairs = row.pairs
    if pairs is None:
        return None

    def draw(figure: Figure) -> None:
        axes = _axes(figure, f"{row.class_name}: pair correlation g(r)", "distance, nm")
        axes.fill_between(
            pairs.distances, pairs.low, pairs.high, step="mid", color=LIGHT.grid, linewidth=0
        )
        axes.axhline(1, color=LIGHT.muted, linewidth=0.9, linestyle=(0, (4, 3)))
        colour = class_ink(row.class_name, LIGHT, colours)
        axes.step(pairs.distances, pairs.values, where="mid", color=colour, linewidth=1.5)
        axes.set_xlim(0, float(pairs.distances[-1]))
        top = np.nanquantile(np.concatenate([pairs.values, pairs.high]), 0.97)
        axes.set_ylim(0, max(2.0, 1.15 * float(top)))

    return _svg(draw, HALF, _HEIGHT)


def neighbour_chart(row: ArrangementRow, colours: Mapping[str, str]) -> bytes | None:
    """Draw the distribution function of nearest-neighbour distances, and that of random points.

    Parameters
    ----------
    row : ArrangementRow
    colours : mapping of str to str

    Returns
    -------
    bytes or None
        An SVG picture; None where no distance is known.
    """
    near = row.neighbours
    if near is None:
        return None

    def draw(figure: Figure) -> None:
        axes = _axes(figure, f"{row.class_name}: share with a neighbour nearer than", "nm")
        reach = 1.15 * max(float(near.distances[-1]), 2 * near.expected)
        r = np.linspace(0, reach, 200)
        axes.plot(
            r,
            1 - np.exp(-np.pi * (r / (2 * near.expected)) ** 2),
            color=LIGHT.muted,
            linewidth=1.0,
            linestyle=(0, (4, 3)),
        )
        x = np.concatenate([[0], near.distances, [reach]])
        y = np.concatenate([[0], np.cumsum(near.weights), [1]])
        colour = class_ink(row.class_name, LIGHT, colours)
        axes.step(x, y, where="post", color=colour, linewidth=1.5)
        axes.set(xlim=(0, reach), ylim=(0, 1.02))

    return _svg(draw, HALF, _HEIGHT)


def length_chart(rows: Sequence[LengthRow], colours: Mapping[str, str]) -> bytes:
    """Draw the length of every line, and the mean of each class.

    Parameters
    ----------
    rows : sequence of LengthRow
        At least one.
    colours : mapping of str to str

    Returns
    -------
    bytes
        An SVG picture.
    """
    left = 14 + max(text_width(row.class_name, TEXT_SIZE) for row in rows)

    def draw(figure: Figure) -> None:
        axes = add_axes(figure, Margins(min(left, WIDTH / 2), 26, 14, 26), LIGHT)
        write(figure, 4, 14, "Length of each line, nm", LIGHT.text, 9.5)
        axes.grid(axis="x", color=LIGHT.grid, linewidth=0.6)
        axes.set_axisbelow(True)
        spread = np.random.default_rng(0)
        for place, row in enumerate(rows):
            colour = class_colour(row.class_name, colours)
            ink = class_ink(row.class_name, LIGHT, colours)
            jitter = spread.uniform(-0.22, 0.22, len(row.lengths_nm))
            axes.scatter(
                row.lengths_nm, place + jitter, s=16, color=colour, edgecolor=ink, linewidth=0.5
            )
            mean = float(np.mean(row.lengths_nm))
            axes.plot([mean, mean], [place - 0.36, place + 0.36], color=ink, linewidth=1.6)
            label(
                axes,
                (0, place),
                (-8, 0),
                row.class_name,
                ink,
                ha="right",
                va="center",
                xycoords=axes.get_yaxis_transform(),
            )
        longest = max(max(row.lengths_nm) for row in rows)
        axes.set(ylim=(len(rows) - 0.45, -0.55), yticks=[], xlim=(0, 1.08 * longest))
        axes.spines[["left", "top", "right"]].set_visible(False)

    return _svg(draw, WIDTH, 52 + 1.3 * _ROW * len(rows))


def frame_chart(
    counts: Mapping[str, Sequence[int]], frames: Sequence[int], colours: Mapping[str, str]
) -> bytes:
    """Draw the number of defects in each frame of a stack.

    Parameters
    ----------
    counts : mapping of str to sequence of int
        One number per frame for each class.
    frames : sequence of int
        Indices of the frames.
    colours : mapping of str to str

    Returns
    -------
    bytes
        An SVG picture.
    """
    from matplotlib.ticker import MaxNLocator

    def draw(figure: Figure) -> None:
        room = 24 + max(text_width(name, TEXT_SIZE) for name in counts)
        axes = _axes(figure, "Number of defects in each frame", "frame", right=room)
        ends = _apart([values[-1] for values in counts.values()])
        for (name, values), end in zip(counts.items(), ends, strict=True):
            ink = class_ink(name, LIGHT, colours)
            axes.plot(
                frames,
                values,
                color=class_colour(name, colours),
                linewidth=1.4,
                marker="o" if len(frames) < 60 else "",
                markersize=3,
            )
            label(
                axes, (1, end), (6, 0), name, ink, va="center", xycoords=axes.get_yaxis_transform()
            )
        axes.set_ylim(bottom=0)
        axes.margins(y=0.1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(8, integer=True))

    return _svg(draw, WIDTH, _HEIGHT)


def _apart(values: Sequence[float]) -> list[float]:
    """Return heights for texts beside the ends of curves, no two closer than a line of text."""
    gap = 0.085 * max(max(values), 1.0)
    placed: list[float] = [0.0] * len(values)
    last = -gap
    for index in sorted(range(len(values)), key=lambda each: values[each]):
        last = placed[index] = max(float(values[index]), last + gap)
    return placed


def _interval(
    axes: Axes, estimate: Estimate, height: float, colour: str, *, is_filled: bool
) -> None:
    """Draw a value and its interval; an end without a limit runs out of the chart."""
    low = 0.0 if estimate.low is None else estimate.low
    high = 1e12 if estimate.high is None else estimate.high
    axes.plot([low, high], [height, height], color=colour, linewidth=2.2 if is_filled else 1.0)
    if estimate.value is not None:
        face = colour if is_filled else LIGHT.background
        axes.plot(
            estimate.value,
            height,
            "o",
            ms=5.5 if is_filled else 4.5,
            mfc=face,
            mec=colour,
            clip_on=False,
        )


def has_rates(rows: Sequence[RateRow]) -> bool:
    """Return whether a chart of rates would show more than zeros.

    Parameters
    ----------
    rows : sequence of RateRow

    Returns
    -------
    bool
        False where nothing was found, and no interval states how much there may be.
    """
    return _highest(rows) > 0


def _highest(rows: Sequence[RateRow]) -> float:
    estimates = [each for row in rows for each in (row.reported, row.corrected) if each]
    known = [each.high if each.high is not None else 3 * (each.value or 0) for each in estimates]
    return 1.06 * max(known, default=0.0)


def _axes(figure: Figure, title: str, across: str, right: float = 12) -> Axes:
    axes = add_axes(figure, Margins(34, 26, right, 34), LIGHT)
    write(figure, 4, 14, title, LIGHT.text, 9.5)
    axes.grid(color=LIGHT.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(across, color=LIGHT.text, size=TEXT_SIZE, family=list(families()))
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _svg(draw: Callable[[Figure], None], width: float, height: float) -> bytes:
    """Return a figure as SVG, the same bytes for the same figure."""
    from matplotlib import rc_context

    with default_style(), rc_context({"svg.hashsalt": "results", "svg.fonttype": "path"}):
        figure = new_figure(width, height, _DPI)
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
