"""Progress and cancellation."""

from __future__ import annotations

import pytest

from napari_stem_defects.base.progress import (
    Cancelled,
    Progress,
    ProgressCallback,
    StopAndKeep,
    silent,
)


def work(report: ProgressCallback = silent) -> int:
    for done in range(3):
        report(Progress("counting", done, 3))
    return 3


def test_silent_ignores_the_progress() -> None:
    assert work() == 3


def test_the_callback_receives_every_step() -> None:
    steps: list[Progress] = []
    work(steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("counting", done, 3) for done in range(3)
    ]
    assert not any(step.saving for step in steps)


@pytest.mark.parametrize("kind", [Cancelled, StopAndKeep])
def test_exceptions_of_the_callback_end_the_work(kind: type[Exception]) -> None:
    def stop(progress: Progress) -> None:
        raise kind

    with pytest.raises(kind):
        work(stop)


def test_cancelling_and_stopping_are_different() -> None:
    assert not issubclass(Cancelled, StopAndKeep)
    assert not issubclass(StopAndKeep, Cancelled)


def test_progress_cannot_be_modified() -> None:
    with pytest.raises(AttributeError):
        Progress("counting", 0, 3).done = 1  # type: ignore[misc]
