"""Reliability diagram in a panel."""

from __future__ import annotations

from typing import Any

import pytest
from panels import wait_for

from napari_stem_defects.napari_plugin.panels.common.reliability_plot import ReliabilityPlot

pytestmark = pytest.mark.gui

CLASSES = {
    "SF1": {
        "reliability": [
            {"count": 9, "probability": 0.1, "share": 0.2},
            {"count": 2, "probability": 0.5, "share": 0.5},
            {"count": 0, "probability": None, "share": None},
            {"count": 9, "probability": 0.9, "share": 1.0},
        ]
    }
}


def test_bins_with_enough_windows_are_shown(qtbot: Any) -> None:
    plot = ReliabilityPlot("reliability_site")
    qtbot.addWidget(plot)
    plot.set_classes(CLASSES)
    assert plot.objectName() == "reliability_site"
    assert plot.curves == {"SF1": [(0.1, 0.2), (0.9, 1.0)]}
    plot.show()
    wait_for(lambda: plot.axes is not None)
    assert plot.axes is not None
    assert [list(line.get_xdata()) for line in plot.axes.lines] == [[0, 1], [0.1, 0.9]]
