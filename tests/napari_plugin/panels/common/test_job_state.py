"""Phases of a job, and requests of which only the newest result counts."""

from __future__ import annotations

import pytest
from fake_worker import FakeWorker

from napari_stem_defects.napari_plugin.panels.common import job_state as run_module
from napari_stem_defects.napari_plugin.panels.common.job_state import JobState, LatestJob
from napari_stem_defects.workers.messages import Failed, Job


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def run(worker: FakeWorker) -> JobState:
    return JobState(worker.submit)


def start(run: JobState) -> list[object]:
    results: list[object] = []
    run.start(Job("m:f"), results.append)
    return results


def test_a_run_from_start_to_result(worker: FakeWorker, run: JobState) -> None:
    results = start(run)
    assert (run.phase, run.busy) == ("waiting", True)
    worker.progress(1, 4)
    assert (run.phase, run.message, run.fraction) == ("running", "scanning", 0.25)
    worker.finish("map")
    assert results == ["map"]
    assert (run.phase, run.busy) == ("done", False)


def test_parts_share_one_progress(worker: FakeWorker, run: JobState) -> None:
    run.start(Job("m:f"), lambda result: run.start(Job("m:f"), lambda _: None, (1, 2)), (0, 2))
    worker.progress(1, 2)
    assert run.fraction == 0.25
    worker.finish(None)
    assert (run.phase, run.fraction) == ("waiting", 0.5)
    worker.progress(1, 2)
    assert run.fraction == 0.75
    worker.finish(None)
    assert run.phase == "done"


def test_time_left(worker: FakeWorker, run: JobState, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(run_module.time, "monotonic", lambda: now[0])
    start(run)
    assert run.seconds_left is None
    now[0] = 110.0
    worker.progress(1, 3)
    assert run.seconds_left == pytest.approx(20)


def test_parts_are_counted(worker: FakeWorker, run: JobState) -> None:
    """Frames of a stack do not wait for other work; the user sees which one is searched."""
    run.start(Job("m:f"), print, part=(0, 12))
    assert run.message == "waiting for other work to finish"
    worker.progress(1, 2)
    assert run.message == "1 of 12: scanning"
    run.start(Job("m:f"), print, part=(3, 12))
    assert run.message == "4 of 12: waiting"
    worker.progress(1, 2)
    assert (run.message, run.fraction) == ("4 of 12: scanning", 3.5 / 12)


def test_a_failure_is_reported_once(worker: FakeWorker, run: JobState) -> None:
    messages: list[str] = []
    run.failed.connect(messages.append)
    start(run)
    worker.send(Failed("a.dm4: empty file"))
    assert (run.phase, run.message, messages) == (
        "failed",
        "a.dm4: empty file",
        ["a.dm4: empty file"],
    )


def test_cancel(worker: FakeWorker, run: JobState) -> None:
    results = start(run)
    worker.progress(1, 4)
    run.cancel()
    run.cancel()
    assert (run.phase, worker.cancelled) == ("cancelling", 1)
    worker.progress(2, 4)
    assert run.phase == "cancelling"
    worker.stop()
    assert (run.phase, results) == ("cancelled", [])


def test_a_result_after_cancel_is_dropped(worker: FakeWorker, run: JobState) -> None:
    results = start(run)
    run.cancel()
    worker.finish("late")
    assert (run.phase, results) == ("cancelled", [])


def test_only_the_last_waiting_request_is_run(worker: FakeWorker) -> None:
    results: list[object] = []
    latest = LatestJob(worker.submit, results.append, results.append)
    for number in range(5):
        latest.request(Job("m:f", {"number": number}))
    assert len(worker.jobs) == 1
    worker.finish("first")
    assert worker.jobs[-1].arguments == {"number": 4}
    worker.finish("last")
    assert results == ["first", "last"]
    assert len(worker.jobs) == 2


def test_discarded_results_are_not_delivered(worker: FakeWorker) -> None:
    results: list[object] = []
    latest = LatestJob(worker.submit, results.append, results.append)
    latest.request(Job("m:f"))
    latest.request(Job("m:f"))
    latest.discard()
    worker.finish("old")
    assert results == []
    latest.request(Job("m:f"))
    worker.finish("new")
    assert results == ["new"]


def test_failures_of_superseded_requests_are_not_reported(worker: FakeWorker) -> None:
    messages: list[str] = []
    latest = LatestJob(worker.submit, lambda _: None, messages.append)
    latest.request(Job("m:f"))
    latest.request(Job("m:f"))
    worker.send(Failed("old"))
    assert messages == []
    worker.send(Failed("new"))
    assert messages == ["new"]
