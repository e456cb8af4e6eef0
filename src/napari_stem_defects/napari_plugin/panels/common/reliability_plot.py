"""Reliability diagram: what a probability is worth, one curve per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import colour_of
from napari_stem_defects.napari_plugin.panels.common.figure_canvas import Axis, Curve, Plot

if TYPE_CHECKING:
    from collections.abc import Mapping

# Bins of fewer windows say more about chance than about the model.
_FEWEST = 5
_TICKS = ((0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1"))
_DIAGONAL = "#808080"


class ReliabilityPlot(Plot):
    """Paints, over the probability, the share of windows that really are of the class."""

    def __init__(self, name: str = "reliability") -> None:
        tooltip = (
            "Of the windows given a probability p, the share that is of the class; on the diagonal"
            f" p means what it says. Bins of fewer than {_FEWEST} windows are left out"
        )
        super().__init__(name, tooltip, 420, 280)
        self.curves: dict[str, list[tuple[float, float]]] = {}

    def put(self, classes: Mapping[str, Mapping[str, Any]]) -> None:
        """Show these classes' figures, as in a report."""
        self.curves = {
            name: [
                (each["probability"], each["share"])
                for each in figures["reliability"]
                if each["count"] >= _FEWEST
            ]
            for name, figures in classes.items()
        }
        drawn = {name: points for name, points in self.curves.items() if points}
        self.draw(
            Axis("probability (left: share of the windows that are of the class)", 1.0, _TICKS),
            Axis("share", 1.0, _TICKS),
            [
                Curve([(0, 0), (1, 1)], _DIAGONAL, dashed=True, dots=False),
                *(Curve(points, colour_of(name)) for name, points in drawn.items()),
            ],
            [(name, colour_of(name)) for name in drawn],
        )
