"""Charts of an evaluation: confusion matrix, reliability diagram and losses.

Each function fills a matplotlib figure or subfigure that it is given; files and panels show the
same charts. Lengths are in points. matplotlib is imported on the first call, never pyplot.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_stem_defects.base.defect_classes import colour_of
from napari_stem_defects.reporting.fonts import drawable, families, text_width
from napari_stem_defects.reporting.losses import (
    consecutive_epochs,
    epoch_losses,
    member_title,
)
from napari_stem_defects.reporting.split_titles import split_title
from napari_stem_defects.reporting.themes import LIGHT, Theme, blend, class_ink, contrasting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase, SubFigure

    from napari_stem_defects.reporting.losses import EpochLoss
    from napari_stem_defects.training.evaluate import SplitEvaluation

TEXT_SIZE = 8.5
"""Of all text in charts but headings, in points."""
_LEGEND_ROW = 13.0
REPORT_DPI = 150

_PAGE_WIDTH, _MARGIN, _GAP = 844.8, 24.0, 26.0
_HEAD, _ABOVE_CHARTS, _LINE, _CHARTS = 50.0, 62.0, 12.0, 240.0
_WIDTHS = (330.0, 208.0, 208.0)
_SLANT_DEG, _SLANT_SIN, _SLANT_COS = 40, 0.643, 0.766
_WIDEST_CELL, _HIGHEST_CELL = 46.0, 25.0
# Bins of fewer windows show sampling noise rather than the model.
_FEWEST = 5
# A validation loss may be many times as high; the training losses stay readable.
_ROOM = 1.6
_MOST_MARKED = 30
_FIFTHS = (0, 0.2, 0.4, 0.6, 0.8, 1)


class LegendEntry(NamedTuple):
    """A name and its colour."""

    name: str
    colour: str


class _Frame(NamedTuple):
    """Margins around the axes of a chart."""

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


def draw_confusion(
    figure: FigureBase, evaluation: Mapping[str, Any], theme: Theme = LIGHT
) -> Axes | None:
    """Draw how many windows of each label were assigned to each class.

    Cells are coloured by their share of the row.

    Parameters
    ----------
    figure : Figure or SubFigure
    evaluation : mapping
        ``rows``, ``columns`` and ``confusion``, as in ``report.json``.
    theme : Theme

    Returns
    -------
    Axes or None
        Cell (row, column) covers column to column + 1 in x and row to row + 1 in y; None where
        no window has a label.
    """
    rows, columns, confusion = (evaluation[key] for key in ("rows", "columns", "confusion"))
    if not rows:
        _write(figure, 0, 20, "No labelled windows.", theme.muted)
        return None
    width, height = _size(figure)
    left = max(text_width(name, TEXT_SIZE) for name in rows) + 8
    top = _SLANT_SIN * max(text_width(name, TEXT_SIZE) for name in columns) + 14
    room = width - left - _SLANT_COS * text_width(columns[-1], TEXT_SIZE)
    cell = min(_WIDEST_CELL, room / len(columns))
    cell_height = min(_HIGHEST_CELL, (height - top - 20) / len(rows))
    right, bottom = width - left - cell * len(columns), height - top - cell_height * len(rows)
    axes = _add_axes(figure, _Frame(left, top, right, bottom), theme)
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    _fill_cells(axes, confusion, (cell, cell_height), theme)
    for row, name in enumerate(rows):
        _label(axes, (0, row + 0.5), (-6, 0), name, class_ink(name, theme), ha="right", va="center")
    for column, name in enumerate(columns):
        slanted = {"rotation": _SLANT_DEG, "rotation_mode": "anchor", "va": "baseline"}
        _label(axes, (column + 0.5, 0), (2, 5), name, class_ink(name, theme), **slanted)
    caption = "label (row), class assigned (column)"
    _write(figure, left, height - bottom + 14, caption, theme.muted)
    return axes


def _fill_cells(
    axes: Axes, confusion: Sequence[Sequence[int]], cell: tuple[float, float], theme: Theme
) -> None:
    from matplotlib.patches import Rectangle

    digits = max(len(str(count)) for counts in confusion for count in counts)
    size = min(TEXT_SIZE, 0.5 * cell[1], 1.4 * cell[0] / digits)
    gap_x, gap_y = 1.2 / cell[0], 1.2 / cell[1]
    for row, counts in enumerate(confusion):
        for column, count in enumerate(counts):
            share = count / max(sum(counts), 1)
            colour = blend(theme.background, theme.strongest, 0.06 + 0.94 * share)
            corner = column + gap_x / 2, row + gap_y / 2
            axes.add_patch(Rectangle(corner, 1 - gap_x, 1 - gap_y, facecolor=colour, linewidth=0))
            axes.text(
                column + 0.5,
                row + 0.5,
                str(count),
                color=contrasting(colour) if count else theme.muted,
                alpha=1.0 if count else 0.6,
                size=size,
                family=list(families()),
                ha="center",
                va="center_baseline",
            )


def draw_reliability(
    figure: FigureBase, classes: Mapping[str, Mapping[str, Any]], theme: Theme = LIGHT
) -> Axes:
    """Draw, per class, which share of the windows of a probability is of the class.

    Parameters
    ----------
    figure : Figure or SubFigure
    classes : mapping of str to mapping
        Per class its ``reliability``, bins as in ``report.json``.
    theme : Theme

    Returns
    -------
    Axes
    """
    curves = {name: points for name, points in reliability_curves(classes).items() if points}
    legend = [LegendEntry(name, colour_of(name)) for name in curves]
    axes = _plot_axes(figure, legend, ("probability", "share of windows of the class"), theme)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(_FIFTHS, [f"{value:g}" for value in _FIFTHS])
    axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=0.9, linestyle=(0, (4, 3)))
    for name, points in curves.items():
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=colour_of(name), linewidth=1.4, marker="o", ms=4, clip_on=False)
    return axes


def reliability_curves(
    classes: Mapping[str, Mapping[str, Any]],
) -> dict[str, list[tuple[float, float]]]:
    """Return the points of each class's reliability curve.

    Parameters
    ----------
    classes : mapping of str to mapping
        Per class its ``reliability``, bins as in ``report.json``.

    Returns
    -------
    dict of str to list of (float, float)
        Mean probability and share of windows of the class, for bins of at least five windows.
    """
    return {
        name: [
            (each["probability"], each["share"])
            for each in figures["reliability"]
            if each["count"] >= _FEWEST
        ]
        for name, figures in classes.items()
    }


def draw_losses(figure: FigureBase, losses: Iterable[EpochLoss], theme: Theme = LIGHT) -> Axes:
    """Draw the losses of every member over its epochs: training solid, validation dashed.

    Parameters
    ----------
    figure : Figure or SubFigure
    losses : iterable of EpochLoss
    theme : Theme

    Returns
    -------
    Axes
        A member's own epochs follow those of its pretraining.
    """
    from matplotlib.ticker import MaxNLocator

    losses = list(losses)
    names = ("epoch", "loss (dashed: validation)")
    axes = _plot_axes(figure, loss_legend(losses), names, theme)
    for (name, _), member in consecutive_epochs(losses).items():
        marker = "o" if len(member) <= _MOST_MARKED else ""
        drawn = {"color": _line_colour(name), "marker": marker, "markersize": 2.6}
        x = [loss.epoch for loss in member]
        axes.plot(x, [loss.training for loss in member], linewidth=1.3, **drawn)
        held_out = [(x, y.validation) for x, y in zip(x, member, strict=True) if y.validation]
        if held_out:
            epochs, validation = zip(*held_out, strict=True)
            axes.plot(epochs, validation, linewidth=1.0, linestyle=(0, (4, 2)), **drawn)
    axes.set_xlim(0, 1.02 * max(1.0, axes.dataLim.x1) if losses else 1.0)
    axes.set_ylim(0, 1.05 * _highest(losses))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    return axes


def loss_legend(losses: Iterable[EpochLoss]) -> list[LegendEntry]:
    """Return the names and colours of loss curves, each once.

    Parameters
    ----------
    losses : iterable of EpochLoss

    Returns
    -------
    list of LegendEntry
    """
    names = dict.fromkeys(loss.class_name for loss in losses)
    return [LegendEntry(member_title(name), _line_colour(name)) for name in names]


def _line_colour(name: str) -> str:
    return colour_of(name) if name else "#8787b5"


def _highest(losses: Sequence[EpochLoss]) -> float:
    training = max((loss.training for loss in losses), default=1.0)
    validation = max((loss.validation or 0.0 for loss in losses), default=0.0)
    return max(training, min(validation, _ROOM * training), 1e-6)


def draw_report(
    name: str, evaluations: Sequence[SplitEvaluation], history: Sequence[Mapping[str, Any]]
) -> Figure:
    """Draw ``report.png``: a row of charts per split, the losses in the first.

    Parameters
    ----------
    name : str
        Name of the model.
    evaluations : sequence of SplitEvaluation
        At least one.
    history : sequence of mapping
        Epochs, see `epoch_losses`; empty where nothing was trained.

    Returns
    -------
    Figure
        Saved at its own dpi it is 1760 px wide.
    """
    row = _ABOVE_CHARTS + _CHARTS + _MARGIN
    figure = new_figure(_PAGE_WIDTH, _HEAD + row * len(evaluations), REPORT_DPI)
    _write(figure, _MARGIN, 30, f"Report on {name}", LIGHT.text, 15)
    losses = epoch_losses(history)
    for number, (evaluation, boxes) in enumerate(
        zip(evaluations, _chart_boxes(figure, len(evaluations)), strict=True)
    ):
        top = _HEAD + row * number
        _write(figure, _MARGIN, top + 12, split_title(evaluation.split), LIGHT.text, 12)
        text = _wrapped(_meaning(evaluation), _PAGE_WIDTH - 2 * _MARGIN)
        for line, words in enumerate(text[:3], start=1):
            _write(figure, _MARGIN, top + 16 + _LINE * line, words, LIGHT.muted)
        values = evaluation.to_dict()
        draw_confusion(boxes[0], values)
        draw_reliability(boxes[1], values["classes"])
        if number == 0 and losses:
            draw_losses(boxes[2], losses)
    return figure


def _chart_boxes(figure: Figure, rows: int) -> list[list[SubFigure]]:
    """Return the subfigures of a report: per row one for each chart."""
    # Subfigures have no margins; rows and columns of the grid between them stay empty.
    heights = [_HEAD + _ABOVE_CHARTS, *[_CHARTS, _MARGIN + _ABOVE_CHARTS] * rows]
    heights[-1] = _MARGIN
    widths = [_MARGIN, *(length for width in _WIDTHS for length in (width, _GAP))]
    widths[-1] = _MARGIN
    grid = figure.add_gridspec(
        len(heights),
        len(widths),
        height_ratios=heights,
        width_ratios=widths,
        wspace=0,
        hspace=0,
    )
    return [
        [figure.add_subfigure(grid[row, column], facecolor="none") for column in (1, 3, 5)]
        for row in range(1, len(heights), 2)
    ]


def _meaning(evaluation: SplitEvaluation) -> str:
    untested = ", ".join(evaluation.untestable)
    meaning = evaluation.meaning[:1].upper() + evaluation.meaning[1:]
    return f"{meaning}." + (f" Not testable: {untested}." if untested else "")


def _wrapped(text: str, width: float) -> list[str]:
    return textwrap.wrap(text, max(20, round(width / text_width("n", TEXT_SIZE) * 1.05)))


def _plot_axes(
    figure: FigureBase, legend: Sequence[LegendEntry], names: tuple[str, str], theme: Theme
) -> Axes:
    """Add axes with a grid, the name of y above them, and a legend at the bottom."""
    from matplotlib.lines import Line2D

    width, _ = _size(figure)
    frame = _Frame(30, 20, 8, 29 + legend_height(legend, width))
    axes = _add_axes(figure, frame, theme)
    axes.set_axisbelow(True)
    axes.grid(color=theme.grid, linewidth=0.6)
    axes.set_xlabel(names[0], color=theme.text, size=TEXT_SIZE, family=list(families()))
    _label(axes, (0, 1), (-24, 6), names[1], theme.text, xycoords="axes fraction", va="baseline")
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


def _add_axes(figure: FigureBase, frame: _Frame, theme: Theme) -> Axes:
    width, height = _size(figure)
    inside = max(width - frame.left - frame.right, 1), max(height - frame.top - frame.bottom, 1)
    axes = figure.add_axes(
        (frame.left / width, frame.bottom / height, inside[0] / width, inside[1] / height),
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


def _size(figure: FigureBase) -> tuple[float, float]:
    """Return width and height in points."""
    scale = 72 / figure.dpi
    return figure.bbox.width * scale, figure.bbox.height * scale


def _write(
    figure: FigureBase, left: float, down: float, text: str, colour: str, size: float = TEXT_SIZE
) -> None:
    """Write with the baseline so far from the upper left corner."""
    width, height = _size(figure)
    font = {"size": size, "family": list(families()), "parse_math": False}
    figure.text(left / width, 1 - down / height, drawable(text, families()), color=colour, **font)


def _label(
    axes: Axes,
    at: tuple[float, float],
    offset: tuple[float, float],
    name: str,
    colour: str,
    **properties: Any,
) -> None:
    """Write a name so many points beside a place."""
    axes.annotate(
        drawable(name, families()),
        at,
        offset,
        textcoords="offset points",
        color=colour,
        size=TEXT_SIZE,
        family=list(families()),
        annotation_clip=False,
        parse_math=False,
        **properties,
    )
