"""Charts of an evaluation: confusion matrix, reliability diagram and losses.

Each function fills a matplotlib figure or subfigure that it is given; files and panels show the
same charts. Lengths are in points. matplotlib is imported on the first call, never pyplot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.reporting.chart_layout import (
    TEXT_SIZE,
    LegendEntry,
    Margins,
    add_axes,
    add_plot_axes,
    label,
    size_in_points,
    write,
)
from napari_stem_defects.reporting.fonts import families, text_width
from napari_stem_defects.reporting.losses import (
    consecutive_epochs,
    member_title,
)
from napari_stem_defects.reporting.themes import (
    LIGHT,
    Theme,
    blend,
    class_colour,
    class_ink,
    contrasting,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from napari_stem_defects.reporting.losses import EpochLoss


_SLANT_DEG, _SLANT_SIN, _SLANT_COS = 40, 0.643, 0.766
_WIDEST_CELL, _HIGHEST_CELL = 46.0, 25.0
# Bins of fewer windows show sampling noise rather than the model.
_FEWEST = 5
# A validation loss may be many times as high; the training losses stay readable.
_ROOM = 1.6
_MOST_MARKED = 30
_FIFTHS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def draw_confusion(
    figure: Figure | SubFigure, evaluation: Mapping[str, Any], theme: Theme = LIGHT
) -> Axes | None:
    """Draw how many windows of each label were assigned to each class.

    Cells are coloured by their share of the row.

    Parameters
    ----------
    figure : Figure or SubFigure
    evaluation : mapping
        ``rows``, ``columns``, ``confusion`` and ``colours``, as in ``report.json``.
    theme : Theme

    Returns
    -------
    Axes or None
        Cell (row, column) covers column to column + 1 in x and row to row + 1 in y; None where
        no window has a label.
    """
    rows, columns, confusion = (evaluation[key] for key in ("rows", "columns", "confusion"))
    if not rows:
        write(figure, 0, 20, "No labelled windows.", theme.muted)
        return None
    width, height = size_in_points(figure)
    left = max(text_width(name, TEXT_SIZE) for name in rows) + 8
    top = _SLANT_SIN * max(text_width(name, TEXT_SIZE) for name in columns) + 14
    room = width - left - _SLANT_COS * text_width(columns[-1], TEXT_SIZE)
    cell = min(_WIDEST_CELL, room / len(columns))
    cell_height = min(_HIGHEST_CELL, (height - top - 20) / len(rows))
    right, bottom = width - left - cell * len(columns), height - top - cell_height * len(rows)
    axes = add_axes(figure, Margins(left, top, right, bottom), theme)
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    _fill_cells(axes, confusion, (cell, cell_height), theme)
    colours = evaluation.get("colours")
    for row, name in enumerate(rows):
        ink = class_ink(name, theme, colours)
        label(axes, (0, row + 0.5), (-6, 0), name, ink, ha="right", va="center")
    for column, name in enumerate(columns):
        slanted = {"rotation": _SLANT_DEG, "rotation_mode": "anchor", "va": "baseline"}
        ink = class_ink(name, theme, colours)
        label(axes, (column + 0.5, 0), (2, 5), name, ink, **slanted)
    caption = "label (row), class assigned (column)"
    write(figure, left, height - bottom + 14, caption, theme.muted)
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
    figure: Figure | SubFigure,
    classes: Mapping[str, Mapping[str, Any]],
    theme: Theme = LIGHT,
    colours: Mapping[str, str] | None = None,
) -> Axes:
    """Draw, per class, which share of the windows of a probability is of the class.

    Parameters
    ----------
    figure : Figure or SubFigure
    classes : mapping of str to mapping
        Per class its ``reliability``, bins as in ``report.json``.
    theme : Theme
    colours : mapping of str to str, optional
        Colours of classes; see `themes.class_colour`.

    Returns
    -------
    Axes
    """
    curves = {name: points for name, points in reliability_curves(classes).items() if points}
    legend = [LegendEntry(name, class_colour(name, colours)) for name in curves]
    axes = add_plot_axes(figure, legend, ("probability", "share of windows of the class"), theme)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(_FIFTHS, [f"{value:g}" for value in _FIFTHS])
    axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=0.9, linestyle=(0, (4, 3)))
    for name, points in curves.items():
        x, y = zip(*points, strict=True)
        axes.plot(
            x, y, color=class_colour(name, colours), linewidth=1.4, marker="o", ms=4, clip_on=False
        )
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


def draw_losses(
    figure: Figure | SubFigure,
    losses: Iterable[EpochLoss],
    theme: Theme = LIGHT,
    colours: Mapping[str, str] | None = None,
) -> Axes:
    """Draw the losses of every member over its epochs: training solid, validation dashed.

    Parameters
    ----------
    figure : Figure or SubFigure
    losses : iterable of EpochLoss
    theme : Theme
    colours : mapping of str to str, optional
        Colours of classes; see `themes.class_colour`.

    Returns
    -------
    Axes
        A member's own epochs follow those of its pretraining.
    """
    from matplotlib.ticker import MaxNLocator

    losses = list(losses)
    names = ("epoch", "loss (dashed: validation)")
    axes = add_plot_axes(figure, loss_legend(losses, colours), names, theme)
    for (name, _), member in consecutive_epochs(losses).items():
        marker = "o" if len(member) <= _MOST_MARKED else ""
        drawn: dict[str, Any] = {
            "color": _line_colour(name, colours),
            "marker": marker,
            "markersize": 2.6,
        }
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


def loss_legend(
    losses: Iterable[EpochLoss], colours: Mapping[str, str] | None = None
) -> list[LegendEntry]:
    """Return the names and colours of loss curves, each once.

    Parameters
    ----------
    losses : iterable of EpochLoss
    colours : mapping of str to str, optional
        Colours of classes; see `themes.class_colour`.

    Returns
    -------
    list of LegendEntry
    """
    names = dict.fromkeys(loss.class_name for loss in losses)
    return [LegendEntry(member_title(name), _line_colour(name, colours)) for name in names]


def _line_colour(name: str, colours: Mapping[str, str] | None) -> str:
    return class_colour(name, colours) if name else "#8787b5"


def _highest(losses: Sequence[EpochLoss]) -> float:
    training = max((loss.training for loss in losses), default=1.0)
    validation = max((loss.validation or 0.0 for loss in losses), default=0.0)
    return max(training, min(validation, _ROOM * training), 1e-6)
