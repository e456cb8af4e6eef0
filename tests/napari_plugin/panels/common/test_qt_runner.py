"""Events of a worker on the thread of the windows."""

from __future__ import annotations

import pytest

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.workers.messages import Event, Finished, Job, Progressed

pytest.importorskip("qtpy")

from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunner


class Talkative:
    """A worker that has said everything before anybody listens."""

    done = True

    def __init__(self, events: list[Event]) -> None:
        self._events = events

    def submit(self, job: Job, listener: object) -> Talkative:
        for event in self._events:
            listener(event)
        return self

    def cancel(self) -> None:
        pass


@pytest.mark.gui
def test_a_flood_of_reports_is_one_report(qtbot: object) -> None:
    """A thousand of them, drawn one by one, would stop the window for seconds."""
    told = [Progressed(Progress("placing", number, 1000)) for number in range(1000)]
    loss = Progressed(Progress("training", 1, 2, {"loss": 0.5}))
    worker = Talkative([*told[:500], loss, *told[500:], Finished("done")])
    heard: list[Event] = []
    runner = QtRunner(lambda: worker)
    runner.submit(Job("module:function"), heard.append)
    qtbot.waitUntil(lambda: Finished("done") in heard)
    assert heard == [loss, told[-1], Finished("done")]
