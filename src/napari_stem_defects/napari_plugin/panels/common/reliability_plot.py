"""Reliability diagram: observed share over predicted probability, one curve per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.napari_plugin.panels.common.figure_canvas import FigureCanvas
from napari_stem_defects.reporting.figures import draw_reliability, reliability_curves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_stem_defects.reporting.themes import Theme

_TOOLTIP = (
    "Of the windows with a probability p, the share that is of the class; on the diagonal the"
    " probabilities are calibrated. Bins of fewer than 5 windows are left out"
)


class ReliabilityPlot(FigureCanvas):
    """Shows how well the probabilities of an ensemble are calibrated.

    Parameters
    ----------
    name : str
        Object name.

    Attributes
    ----------
    curves : dict of str to list of (float, float)
        Mean probability and observed share of the bins of each class.
    """

    def __init__(self, name: str = "reliability") -> None:
        super().__init__(name, _TOOLTIP, 420, 330)
        self._classes: Mapping[str, Mapping[str, Any]] = {}
        self._colours: Mapping[str, str] = {}
        self.curves: dict[str, list[tuple[float, float]]] = {}

    def set_classes(
        self,
        classes: Mapping[str, Mapping[str, Any]],
        colours: Mapping[str, str] | None = None,
    ) -> None:
        """Show the metrics of some classes, as in ``report.json``, in their colours."""
        self._classes, self.curves = classes, reliability_curves(classes)
        self._colours = colours or {}
        self.redraw()

    def draw(self, figure: Figure, theme: Theme) -> Axes:
        """Draw the curves."""
        return draw_reliability(figure, self._classes, theme, self._colours)
