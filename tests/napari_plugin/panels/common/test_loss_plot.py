"""Losses in a panel, while they grow and when they are complete."""

from __future__ import annotations

from typing import Any

import pytest
from panels import Heartbeat, wait_for
from qtpy.QtTest import QTest

from napari_stem_defects.napari_plugin.panels.common.loss_plot import LossPlot
from napari_stem_defects.reporting.losses import EpochLoss

pytestmark = pytest.mark.gui


def losses(epochs: int) -> list[EpochLoss]:
    return [
        EpochLoss(name, 0, epoch, 1 / epoch, 1.1 / epoch)
        for name in ("", "SF1")
        for epoch in range(1, epochs + 1)
    ]


@pytest.fixture
def plot(qtbot: Any) -> LossPlot:
    made = LossPlot()
    qtbot.addWidget(made)
    return made


def test_without_losses_it_is_hidden(plot: LossPlot) -> None:
    plot.set_losses(losses(2))
    assert not plot.isHidden()
    plot.set_losses([])
    assert plot.isHidden()


def test_the_legend_is_known_before_anything_is_drawn(plot: LossPlot) -> None:
    plot.losses = losses(1)
    assert [name for name, _ in plot.legend] == ["pretraining", "SF1"]


def test_the_curves_grow_without_blocking_events(plot: LossPlot) -> None:
    plot.set_losses(losses(1))
    wait_for(lambda: plot.axes is not None)
    gaps = Heartbeat()
    for epochs in range(2, 40):
        plot.set_losses(losses(epochs))
        QTest.qWait(20)
    wait_for(lambda: plot.axes is not None and len(plot.axes.lines[0].get_xdata()) == 39)
    assert list(plot.axes.lines[2].get_xdata()[:2]) == [40, 41]  # after the pretraining
    gaps.check()


def test_the_height_has_room_for_the_legend(plot: LossPlot) -> None:
    many = [EpochLoss(f"class {number}", 0, 1, 1.0, None) for number in range(12)]
    plot.resize(240, 150)
    plot.set_losses(many)
    wait_for(lambda: plot.axes is not None)
    assert plot.height() > 200
