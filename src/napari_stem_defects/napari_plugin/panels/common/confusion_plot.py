"""Confusion matrix: windows by their label and by the class assigned to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QHelpEvent

from napari_stem_defects.napari_plugin.panels.common.figure_canvas import FigureCanvas
from napari_stem_defects.napari_plugin.panels.common.plain_text import show_tooltip
from napari_stem_defects.reporting.figures import draw_confusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from qtpy.QtCore import QEvent, QPoint

    from napari_stem_defects.reporting.themes import Theme

_ROW_PX, _AROUND_PX = 27, 110
_TOOLTIP = "Windows by label (row) and by the most probable class above its threshold (column)"


class ConfusionPlot(FigureCanvas):
    """Shows a confusion matrix; the tooltip of a cell is a sentence.

    Parameters
    ----------
    name : str
        Object name.

    Attributes
    ----------
    rows, columns : sequence of str
    counts : sequence of sequence of int
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, _TOOLTIP, 440, _AROUND_PX)
        self.rows: Sequence[str] = ()
        self.columns: Sequence[str] = ()
        self.counts: Sequence[Sequence[int]] = ()
        self._colours: Mapping[str, str] = {}

    def set_evaluation(self, evaluation: Mapping[str, Any]) -> None:
        """Show the confusion matrix of an evaluation, as in ``report.json``."""
        self.rows, self.columns = evaluation["rows"], evaluation["columns"]
        self.counts = evaluation["confusion"]
        self._colours = evaluation.get("colours", {})
        self.set_height(_AROUND_PX + _ROW_PX * len(self.rows))
        self.redraw()

    def draw(self, figure: Figure, theme: Theme) -> Axes | None:
        """Draw the matrix."""
        values = {"rows": self.rows, "columns": self.columns, "confusion": self.counts}
        return draw_confusion(figure, {**values, "colours": self._colours}, theme)

    def event(self, event: QEvent | None) -> bool:
        """Show the tooltip of the cell at the mouse."""
        if isinstance(event, QHelpEvent) and (text := self.cell_text(event.pos())):
            show_tooltip(text, self, event.globalPos())
            return True
        return super().event(event)

    def cell_text(self, position: QPoint) -> str:
        """Return a sentence about the cell at a position in the widget, "" outside the cells."""
        place = self.data_position(position)
        if place is None:
            return ""
        row = min(int(place[1]), len(self.rows) - 1)
        column = min(int(place[0]), len(self.columns) - 1)
        counts = self.counts[row]
        return (
            f"{counts[column]} of {sum(counts)} windows labelled {self.rows[row]}:"
            f" {self.columns[column]}"
        )
