"""Progress and cancellation."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from napari_stem_defects.base.progress import (
    Cancelled,
    EpochProgress,
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


def epoch_progress(**changes: Any) -> EpochProgress:
    losses: dict[str, Any] = {"training_loss": 0.5, "validation_loss": None}
    fields = {"class_name": "SF1", "seed": 3, "epoch": 2, **losses, **changes}
    return EpochProgress("training SF1", 2, 8, **fields)


def test_an_epoch_is_a_step_with_losses() -> None:
    step = epoch_progress()
    assert isinstance(step, Progress)
    assert (step.stage, step.done, step.total, step.saving) == ("training SF1", 2, 8, False)
    assert (step.class_name, step.seed, step.epoch) == ("SF1", 3, 2)
    assert (step.training_loss, step.validation_loss) == (0.5, None)
    with pytest.raises(FrozenInstanceError):
        step.epoch = 3  # type: ignore[misc]


def test_another_scale_keeps_the_losses() -> None:
    step = replace(epoch_progress(validation_loss=0.25), done=500, total=1000)
    assert isinstance(step, EpochProgress)
    assert (step.done, step.total, step.validation_loss) == (500, 1000, 0.25)


def test_an_epoch_needs_all_its_figures_by_name() -> None:
    with pytest.raises(TypeError, match="missing 5 required keyword-only"):
        EpochProgress("training", 1, 2)  # type: ignore[call-arg]


def test_an_epoch_differs_from_a_plain_step_and_survives_a_process_boundary() -> None:
    step = epoch_progress()
    assert step != Progress(step.stage, step.done, step.total)
    assert pickle.loads(pickle.dumps(step)) == step
