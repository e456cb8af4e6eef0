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


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (59, "59 s"), (61, "1 min 01 s"), (3600, "60 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert _duration(seconds) == text
