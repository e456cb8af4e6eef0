"""Tasks, the jobs made of them, and the description of errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from napari_stem_defects.workers.messages import Job, Task, resolve, unexpected_failure


@dataclass(frozen=True)
class ScaleArguments:
    array: np.ndarray
    factor: float = 2.0


SCALE: Task[ScaleArguments, np.ndarray] = Task("package.module:scale", "long", ScaleArguments)


def test_a_job_has_the_fields_of_the_arguments_as_keywords() -> None:
    array = np.zeros(3)
    job = SCALE.job(ScaleArguments(array), subject="a.tif")
    assert job.arguments == {"array": array, "factor": 2.0}
    assert job.arguments["array"] is array  # not copied
    assert (job.entry_point, job.subject, job.worker) == ("package.module:scale", "a.tif", "long")
    assert (job.time_limit_s, job.memory_limit, job.attempts) == (None, None, 1)


def test_limits_are_passed_on() -> None:
    arguments = ScaleArguments(np.zeros(3))
    job = SCALE.job(arguments, subject="a", time_limit_s=2.5, memory_limit=2**30, attempts=3)
    assert (job.time_limit_s, job.memory_limit, job.attempts) == (2.5, 2**30, 3)


def test_a_job_belongs_to_the_quick_worker_by_default() -> None:
    assert Job("m:f").worker == "quick"


def test_resolve_imports_the_function() -> None:
    assert resolve("math:hypot")(3, 4) == 5


@pytest.mark.parametrize(
    ("entry_point", "error"),
    [
        ("no_such_module:f", ImportError),
        ("math:no_such_function", AttributeError),
        ("math", AttributeError),
    ],
)
def test_unknown_entry_points_raise(entry_point: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        resolve(entry_point)


def test_an_unexpected_error_is_one_line_with_the_traceback_apart() -> None:
    try:
        raise ValueError("first line\nsecond line")
    except ValueError as error:
        failed = unexpected_failure(error)
    assert failed.message == "unexpected ValueError: first line"
    assert "second line" in failed.details
    assert "Traceback" in failed.details
    assert failed.lost is None


def test_an_error_without_message_is_described() -> None:
    assert unexpected_failure(KeyError()).message == "unexpected KeyError: no message"


def test_long_messages_are_shortened() -> None:
    assert len(unexpected_failure(ValueError("x" * 1000)).message) < 200
