"""Losses over the epochs, one curve per member, in the colour of its class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.napari_plugin.panels.common.figure_canvas import (
    POINTS_PER_PX,
    FigureCanvas,
)
from napari_stem_defects.reporting.chart_layout import legend_height
from napari_stem_defects.reporting.figures import draw_losses, loss_legend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_stem_defects.reporting.chart_layout import LegendEntry
    from napari_stem_defects.reporting.losses import EpochLoss
    from napari_stem_defects.reporting.themes import Theme

_TOOLTIP = (
    "Loss after each epoch: solid on training windows, dashed on validation windows; the epochs of"
    " each class follow those of the pretraining"
)


class LossPlot(FigureCanvas):
    """Shows training and validation losses; hidden while there are none.

    Parameters
    ----------
    name : str
        Object name.
    height : int
        Without the legend, in px.

    Attributes
    ----------
    losses : sequence of EpochLoss
    """

    def __init__(self, name: str = "loss_plot", height: int = 150) -> None:
        super().__init__(name, _TOOLTIP, 320, height)
        self._plot_height = height
        self.losses: Sequence[EpochLoss] = ()
        self._colours: Mapping[str, str] = {}
        self.hide()

    @property
    def legend(self) -> list[LegendEntry]:
        """Names and colours of the curves."""
        return loss_legend(self.losses, self._colours)

    def set_losses(
        self, losses: Sequence[EpochLoss], colours: Mapping[str, str] | None = None
    ) -> None:
        """Show these losses, in the colours of their classes."""
        self.losses, self._colours = losses, colours or {}
        self.setVisible(bool(losses))
        self.redraw()

    def draw(self, figure: Figure, theme: Theme) -> Axes:
        """Draw the losses; the height is adapted to the legend."""
        legend_px = legend_height(self.legend, self.width() * POINTS_PER_PX) / POINTS_PER_PX
        self.set_height(self._plot_height + legend_px)
        return draw_losses(figure, self.losses, theme, self._colours)
