"""A detection completes although its worker process is killed."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
from panels import Heartbeat, docked, press, wait_for

from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.workers import pool

pytestmark = pytest.mark.gui


@pytest.mark.parametrize(
    "kills", [1, pytest.param(20, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_a_detection_survives_its_worker_process(viewer: Any, kills: int) -> None:
    """Kill the worker in the middle of searches, twice in each: a third attempt may finish."""
    widget = docked(viewer, DetectDefectsWidget)
    widget.setup.stride.setValue(2)
    gaps, killed, searches = Heartbeat(), 0, 0
    while killed < kills:
        press(widget, "run")
        for _ in range(min(2, kills - killed)):
            kill_in_the_middle(widget)
            killed += 1
        wait_for(lambda: not widget.view_model.run.busy)
        assert widget.view_model.run.phase == "done", widget.view_model.run.message
        assert "SF1 - CdTe" in viewer.layers
        searches += 1
    print(f"{killed} kills in {searches} searches, each finished")
    gaps.check()


def kill_in_the_middle(widget: Any) -> None:
    run = widget.view_model.run
    wait_for(lambda: run.phase == "running" and 0 < run.fraction < 1)
    pid = pool.get_worker("long").pid
    assert run.busy
    assert pid is not None
    psutil.Process(pid).kill()
    wait_for(lambda: pool.get_worker("long").pid not in (None, pid))
    wait_for(lambda: run.fraction == 0 or not run.busy)
