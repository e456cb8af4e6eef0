"""A run's phases, and asking for the newest answer only."""

from __future__ import annotations

import pytest
from fake_worker import FakeWorker

from napari_stem_defects.napari_plugin.panels.common import job_state as run_module
from napari_stem_defects.napari_plugin.panels.common.job_state import Latest, Run
from napari_stem_defects.workers.messages import Failed, Job


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def run(worker: FakeWorker) -> Run:
    return Run(worker.submit)


def start(run: Run) -> list[object]:
    results: list[object] = []
    run.start(Job("m:f"), results.append)
    return results


def test_a_run_from_start_to_result(worker: FakeWorker, run: Run) -> None:
    results = start(run)
    assert (run.phase, run.busy) == ("waiting", True)
    worker.progress(1, 4)
    assert (run.phase, run.message, run.fraction) == ("running", "scanning", 0.25)
    worker.finish("map")
    assert results == ["map"]
    assert (run.phase, run.busy) == ("done", False)


def test_parts_share_one_progress(worker: FakeWorker, run: Run) -> None:
    run.start(Job("m:f"), lambda result: run.start(Job("m:f"), lambda _: None, (1, 2)), (0, 2))
    worker.progress(1, 2)
    assert run.fraction == 0.25
    worker.finish(None)
    assert (run.phase, run.fraction) == ("waiting", 0.5)
    worker.progress(1, 2)
    assert run.fraction == 0.75
    worker.finish(None)
    assert run.phase == "done"


def test_time_left(worker: FakeWorker, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(run_module.time, "monotonic", lambda: now[0])
    start(run)
    assert run.seconds_left is None
    now[0] = 110.0
    worker.progress(1, 3)
    assert run.seconds_left == pytest.approx(20)


def test_failure_is_told_once(worker: FakeWorker, run: Run) -> None:
    told: list[str] = []
    run.failed.connect(told.append)
    start(run)
    worker.send(Failed("a.dm4: empty file"))
    assert (run.phase, run.message, told) == ("failed", "a.dm4: empty file", ["a.dm4: empty file"])


def test_cancel(worker: FakeWorker, run: Run) -> None:
    results = start(run)
    worker.progress(1, 4)
    run.cancel()
    run.cancel()
    assert (run.phase, worker.cancelled) == ("cancelling", 1)
    worker.progress(2, 4)
    assert run.phase == "cancelling"
    worker.stop()
    assert (run.phase, results) == ("cancelled", [])


def test_a_result_that_comes_after_cancel_is_dropped(worker: FakeWorker, run: Run) -> None:
    results = start(run)
    run.cancel()
    worker.finish("late")
    assert (run.phase, results) == ("cancelled", [])


def test_latest_wins(worker: FakeWorker) -> None:
    answers: list[object] = []
    latest = Latest(worker.submit, answers.append, answers.append)
    for number in range(5):
        latest.ask(Job("m:f", {"number": number}))
    assert len(worker.jobs) == 1
    worker.finish("first")
    assert worker.jobs[-1].arguments == {"number": 4}
    worker.finish("last")
    assert answers == ["first", "last"]
    assert len(worker.jobs) == 2


def test_forgotten_answers_do_not_come(worker: FakeWorker) -> None:
    answers: list[object] = []
    latest = Latest(worker.submit, answers.append, answers.append)
    latest.ask(Job("m:f"))
    latest.ask(Job("m:f"))
    latest.forget()
    worker.finish("old")
    assert answers == []
    latest.ask(Job("m:f"))
    worker.finish("new")
    assert answers == ["new"]


def test_failures_of_superseded_questions_are_not_told(worker: FakeWorker) -> None:
    told: list[str] = []
    latest = Latest(worker.submit, lambda _: None, told.append)
    latest.ask(Job("m:f"))
    latest.ask(Job("m:f"))
    worker.send(Failed("old"))
    assert told == []
    worker.send(Failed("new"))
    assert told == ["new"]
