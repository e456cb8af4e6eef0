"""Delivery of worker events on the GUI thread."""

from __future__ import annotations

import pytest

from napari_stem_defects.base.progress import EpochProgress, Progress
from napari_stem_defects.workers.messages import Finished, Job, JobEvent, Progressed

pytest.importorskip("qtpy")

from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunner


class EagerWorker:
    """A worker that has sent all events before the first is delivered."""

    done = True

    def __init__(self, events: list[JobEvent]) -> None:
        self._events = events

    def submit(self, job: Job, listener: object) -> EagerWorker:
        for event in self._events:
            listener(event)
        return self

    def cancel(self) -> None:
        pass


@pytest.mark.gui
def test_of_many_progress_reports_the_last_is_delivered(qtbot: object) -> None:
    """Showing a thousand of them one by one would freeze napari for seconds."""
    reports = [Progressed(Progress("placing", number, 1000)) for number in range(1000)]
    loss = Progressed(
        EpochProgress(
            "training",
            1,
            2,
            class_name="SF1",
            seed=0,
            epoch=1,
            training_loss=0.5,
            validation_loss=None,
        )
    )
    worker = EagerWorker([*reports[:500], loss, *reports[500:], Finished("done")])
    delivered: list[JobEvent] = []
    runner = QtRunner(lambda: worker)
    runner.submit(Job("module:function"), delivered.append)
    qtbot.waitUntil(lambda: Finished("done") in delivered)
    assert delivered == [loss, reports[-1], Finished("done")]
