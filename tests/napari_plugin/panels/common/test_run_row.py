"""Row with Run and Cancel buttons, progress bar and message."""

from __future__ import annotations

from typing import Any

import pytest
from fake_worker import FakeWorker

from napari_stem_defects.napari_plugin.panels.common import job_state as job_state_module
from napari_stem_defects.napari_plugin.panels.common.job_state import JobState
from napari_stem_defects.napari_plugin.panels.common.run_row import RunRow, _duration
from napari_stem_defects.workers.messages import Failed, Job

pytestmark = pytest.mark.gui


def test_the_row_follows_the_job(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(job_state_module.time, "monotonic", lambda: now[0])
    worker = FakeWorker()
    run = JobState(worker.submit)
    row = RunRow(run, "Train ensemble", "Train a model")
    qtbot.addWidget(row)
    assert (row.start.isEnabled(), row.cancel.isEnabled()) == (True, False)
    run.start(Job("m:f"), print)
    assert (row.start.isEnabled(), row.cancel.isEnabled()) == (False, True)
    now[0] = 30.0
    worker.progress(1, 4)
    assert row.bar.value() == 250
    assert row.message.text().endswith(" · 1 min 30 s left")
    row.cancel.click()
    assert worker.cancelled == 1
    assert not row.cancel.isEnabled()
    worker.stop()
    assert row.message.text() == "cancelled"
    assert row.bar.value() == 0


def test_failures_are_shown_in_colour(qtbot: Any) -> None:
    worker = FakeWorker()
    run = JobState(worker.submit)
    row = RunRow(run, "Run", "Start")
    qtbot.addWidget(row)
    run.start(Job("m:f"), print)
    worker.send(Failed("a.dm4: empty file"))
    assert row.message.text() == "a.dm4: empty file"
    assert "color" in row.message.styleSheet()


def test_a_long_message_leaves_room_for_the_rest_of_the_panel(qtbot: Any) -> None:
    """A sentence names every model of the library; it is scrolled, not cut, and not too high."""
    run = JobState(FakeWorker().submit)
    row = RunRow(run, "Run", "Start")
    qtbot.addWidget(row)
    row.resize(360, 100)
    row.show()
    run.finish("one line")
    assert row.message.parentWidget().height() >= row.message.heightForWidth(row.message.width())
    usual = row.sizeHint().height()
    run.finish("the special models know " + ", ".join(f"model {n} (76 degrees)" for n in range(60)))
    line = row.message.fontMetrics().lineSpacing()
    assert row.message.parentWidget().height() <= 7 * line
    assert row.sizeHint().height() <= usual + 6 * line
    assert row.message.heightForWidth(row.message.width()) > 10 * line
    run.finish("")
    assert not row.message.parentWidget().isVisible()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (59, "59 s"), (61, "1 min 01 s"), (3600, "60 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert _duration(seconds) == text
