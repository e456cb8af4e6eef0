"""``report.png``: the charts of all splits of an evaluation on one page."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Any

from PIL import Image

from napari_stem_defects.reporting.chart_layout import TEXT_SIZE, default_style, new_figure, write
from napari_stem_defects.reporting.figures import draw_confusion, draw_losses, draw_reliability
from napari_stem_defects.reporting.fonts import text_width
from napari_stem_defects.reporting.losses import epoch_losses
from napari_stem_defects.reporting.split_titles import split_title
from napari_stem_defects.reporting.themes import LIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure, SubFigure

    from napari_stem_defects.training.evaluate import SplitEvaluation

REPORT_DPI = 150

_PAGE_WIDTH, _MARGIN, _GAP = 844.8, 24.0, 26.0
_HEAD, _ABOVE_CHARTS, _LINE, _CHARTS = 50.0, 62.0, 12.0, 240.0
_WIDTHS = (330.0, 208.0, 208.0)


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
    with default_style():
        return _draw(name, evaluations, history)


def report_picture(
    name: str, evaluations: Sequence[SplitEvaluation], history: Sequence[Mapping[str, Any]]
) -> Image.Image:
    """Draw ``report.png`` as a picture; see `draw_report`.

    Parameters
    ----------
    name : str
        Name of the model.
    evaluations : sequence of SplitEvaluation
        At least one.
    history : sequence of mapping
        Epochs; empty where nothing was trained.

    Returns
    -------
    PIL.Image.Image
        RGB, 1760 px wide.
    """
    with default_style():
        figure = _draw(name, evaluations, history)
        page = io.BytesIO()
        figure.savefig(page, format="png", dpi="figure")
    return Image.open(page).convert("RGB")


def _draw(
    name: str, evaluations: Sequence[SplitEvaluation], history: Sequence[Mapping[str, Any]]
) -> Figure:
    row = _ABOVE_CHARTS + _CHARTS + _MARGIN
    figure = new_figure(_PAGE_WIDTH, _HEAD + row * len(evaluations), REPORT_DPI)
    write(figure, _MARGIN, 30, f"Report on {name}", LIGHT.text, 15)
    losses = epoch_losses(history)
    for number, (evaluation, boxes) in enumerate(
        zip(evaluations, _chart_boxes(figure, len(evaluations)), strict=True)
    ):
        top = _HEAD + row * number
        write(figure, _MARGIN, top + 12, split_title(evaluation.split), LIGHT.text, 12)
        text = _wrapped(_meaning(evaluation), _PAGE_WIDTH - 2 * _MARGIN)
        for line, words in enumerate(text[:3], start=1):
            write(figure, _MARGIN, top + 16 + _LINE * line, words, LIGHT.muted)
        values = evaluation.to_dict()
        draw_confusion(boxes[0], values)
        draw_reliability(boxes[1], values["classes"], colours=values["colours"])
        if number == 0 and losses:
            draw_losses(boxes[2], losses, colours=values["colours"])
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
