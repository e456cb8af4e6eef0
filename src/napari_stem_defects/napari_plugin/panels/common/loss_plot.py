"""Losses over the epochs, one curve per member in its class's colour."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from napari_stem_defects.base.defect_classes import colour_of
from napari_stem_defects.napari_plugin.panels.common.figure_canvas import Axis, Curve, Plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.reporting.losses import EpochLoss

_COMMON_START, _COMMON_COLOUR = "all, common start", "#9a9ac0"
_TOOLTIP = (
    "Loss after each epoch: lines on the windows learned from, dashes on windows kept out. The"
    " members' own epochs follow those of their common start"
)
# A kept-out loss may be many times as high; the curves learned from stay readable.
_ROOM = 1.6


class LossPlot(Plot):
    """Paints training losses as lines and validation losses as dashes."""

    def __init__(self, name: str = "loss_plot", height: int = 116) -> None:
        super().__init__(name, _TOOLTIP, 320, height)
        self.hide()

    def put(self, losses: Sequence[EpochLoss]) -> None:
        """Show these losses; nothing where there are none."""
        self.setVisible(bool(losses))
        before = _common_epochs(losses)
        curves, names = [], {}
        for (name, seed), member in groupby(losses, key=lambda loss: loss[:2]):
            colour = colour_of(name) if name else _COMMON_COLOUR
            names[name or _COMMON_START] = colour
            shift = before.get(seed, 0) if name else 0
            epochs = list(member)
            seen = [(e.epoch + shift, e.validation) for e in epochs if e.validation is not None]
            curves.append(Curve([(e.epoch + shift, e.training) for e in epochs], colour))
            curves.append(Curve(seen, colour, dashed=True))
        last = max((x for curve in curves for x, _ in curve.points), default=1)
        highest = _highest(losses)
        self.draw(
            Axis("epoch (lines: learned from, dashes: kept out)", last, _whole_ticks(last)),
            Axis(
                "loss", highest, [(part * highest, f"{part * highest:.2g}") for part in (0, 0.5, 1)]
            ),
            curves,
            list(names.items()),
        )


def _common_epochs(losses: Sequence[EpochLoss]) -> dict[int, int]:
    """Return the epochs of the common start of each seed."""
    found: dict[int, int] = {}
    for loss in losses:
        if not loss.class_name:
            found[loss.seed] = max(found.get(loss.seed, 0), loss.epoch)
    return found


def _highest(losses: Sequence[EpochLoss]) -> float:
    learned = max((loss.training for loss in losses), default=1.0)
    kept_out = max((loss.validation or 0.0 for loss in losses), default=0.0)
    return max(learned, min(kept_out, _ROOM * learned), 1e-6)


def _whole_ticks(last: float) -> list[tuple[float, str]]:
    step = max(1, round(last / 6))
    return [(float(epoch), str(epoch)) for epoch in range(step, int(last) + 1, step)]
