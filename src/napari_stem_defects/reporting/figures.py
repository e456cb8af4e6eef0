"""``report.png``: confusion between classes, losses and reliability on one page."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import colour_of
from napari_stem_defects.reporting.chart import GREY, INK, Axes, Box, Page
from napari_stem_defects.reporting.markdown import TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL import Image

    from napari_stem_defects.training.evaluate import SplitEvaluation
    from napari_stem_defects.training.metrics import Evaluation

_WIDTH, _MARGIN = 1760, 48
_HEAD = 84
_MATRIX_LEFT, _MATRIX_TOP, _MATRIX = 150, 190, 430
_PLOT, _PLOT_TOP = 380, 166
_RELIABILITY_LEFT, _LOSSES_LEFT = 740, 1290
_LEGEND_TOP, _LEGEND_STEP = 56, 24
# Bins of fewer windows say more about chance than about the model.
_FEWEST = 5
_DARK_FROM = 0.55
_FULL = (0, 90, 160)
_WRAP = 170


def draw_report(
    name: str, measurements: Sequence[SplitEvaluation], history: Sequence[Mapping[str, Any]]
) -> Image.Image:
    """Draw the page: a row of charts per measurement, the losses beside the first.

    Parameters
    ----------
    name : str
        The model's.
    measurements : sequence of Measurement
    history : sequence of mapping
        Epochs, empty where nothing was trained.

    Returns
    -------
    PIL.Image.Image
        RGB, 1760 px wide.
    """
    longest = max(len(measurement.evaluation.classes) for measurement in measurements) + 1
    row = _PLOT_TOP + _PLOT + _LEGEND_TOP + _LEGEND_STEP * -(-longest // 2) + _MARGIN
    page = Page(_WIDTH, _HEAD + row * len(measurements))
    page.text((_MARGIN, 28), f"Report on {name}", 32)
    for number, measurement in enumerate(measurements):
        top = _HEAD + row * number
        page.text((_MARGIN, top), TITLES[measurement.split], 25)
        for line, words in enumerate(textwrap.wrap(_sentence(measurement), _WRAP)[:3]):
            page.text((_MARGIN, top + 38 + 24 * line), words, 18, GREY)
        _draw_confusion(page, top, measurement.evaluation)
        _draw_reliability(page, top, measurement.evaluation)
        if number == 0 and history:
            _draw_losses(page, top, history)
    return page.finished()


def _sentence(measurement: SplitEvaluation) -> str:
    untested = ", ".join(measurement.untestable)
    meaning = measurement.meaning[:1].upper() + measurement.meaning[1:]
    return f"{meaning}." + (f" Not testable: {untested}." if untested else "")


def _draw_confusion(page: Page, top: float, evaluation: Evaluation) -> None:
    """Colour every label's windows by the share that got each answer; write the counts."""
    left, top = _MARGIN + _MATRIX_LEFT, top + _MATRIX_TOP
    rows, columns = evaluation.rows, evaluation.columns
    cell = _MATRIX / max(len(rows), len(columns))
    size = min(19.0, 0.36 * cell)
    for column, name in enumerate(columns):
        page.slanted((left + (column + 0.5) * cell, top - 8), name, min(16.0, 0.5 * cell))
    for row, (name, counts) in enumerate(zip(rows, evaluation.confusion, strict=True)):
        middle = top + (row + 0.5) * cell
        page.text((left - 10, middle), name, min(16.0, 0.5 * cell), INK, "rm")
        for column, count in enumerate(counts):
            x = left + column * cell
            share = count / max(sum(counts), 1)
            page.fill(Box(x, middle - cell / 2, x + cell - 2, middle + cell / 2 - 2), _blue(share))
            ink = "white" if share > _DARK_FROM else (INK if count else "#b0b0b0")
            page.text((x + cell / 2 - 1, middle - 1), str(count), size, ink, "mm")
    caption = "label (row), most probable class that claims it (column)"
    page.text((left, top + cell * max(len(rows), 1) + 14), caption, 16, GREY)


def _blue(share: float) -> tuple[int, int, int]:
    red, green, blue = (round(244 + (full - 244) * share) for full in _FULL)
    return red, green, blue


def _draw_reliability(page: Page, top: float, evaluation: Evaluation) -> None:
    """Draw, per class, how many windows of a probability really are of the class."""
    box = Box(
        _RELIABILITY_LEFT,
        top + _PLOT_TOP,
        _RELIABILITY_LEFT + _PLOT,
        top + _PLOT_TOP + _PLOT,
    )
    axes = Axes(page, box, (0, 1), (0, 1), ("probability", "share that is of the class"))
    axes.curve([(0, 0), (1, 1)], GREY, dashed=True)
    for name, figures in evaluation.classes.items():
        points = [
            (each.probability, each.share)
            for each in figures.reliability
            if each.count >= _FEWEST and each.probability is not None and each.share is not None
        ]
        if len(points) > 1:
            axes.curve(points, colour_of(name))
        for point in points:
            axes.dot(point, 5, colour_of(name))
    _draw_legend(page, box, list(evaluation.classes))


def _draw_losses(page: Page, top: float, history: Sequence[Mapping[str, Any]]) -> None:
    """Draw the losses of every member over its epochs, validation dashed."""
    box = Box(_LOSSES_LEFT, top + _PLOT_TOP, _LOSSES_LEFT + _PLOT, top + _PLOT_TOP + _PLOT)
    keys = ("loss", "validation_loss")
    highest = max(epoch[key] for epoch in history for key in keys if epoch[key] is not None)
    longest = max(epoch["epoch"] for epoch in history)
    axes = Axes(
        page,
        box,
        (0, max(longest, 1)),
        (0, 1.05 * highest or 1),
        ("epoch", "loss (dashed: on windows kept out)"),
    )
    members = dict.fromkeys((epoch["class"], epoch["seed"]) for epoch in history)
    for name, seed in members:
        mine = [e for e in history if (e["class"], e["seed"]) == (name, seed)]
        for key in keys:
            points = [(e["epoch"], e[key]) for e in mine if e[key] is not None]
            axes.curve(points, _line_colour(name), dashed=key != "loss")
    _draw_legend(page, box, list(dict.fromkeys(name for name, _ in members)))


def _draw_legend(page: Page, box: Box, names: Sequence[str]) -> None:
    """Name the colours below a plot, in two columns."""
    for number, name in enumerate(names):
        x = box.left + (number % 2) * (box.right - box.left) / 2
        y = box.bottom + _LEGEND_TOP + (number // 2) * _LEGEND_STEP
        page.fill(Box(x, y + 3, x + 22, y + 15), _line_colour(name))
        page.text((x + 30, y), name or "all, common start", 15)


def _line_colour(name: str) -> str:
    return colour_of(name) if name else INK
