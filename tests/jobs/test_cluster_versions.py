"""Versions of the machines of a cluster."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.cluster_versions import _probe, check_versions

pytest.importorskip("distributed")


class Machines:
    """Machines that answer with the versions of this one, each changed."""

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def run_on_scheduler(self, probe: Callable[[], dict[str, str]]) -> dict[str, str]:
        return probe() | self._changes.get("scheduler", {})

    def run(self, probe: Callable[[], dict[str, str]], on_error: str) -> dict[str, Any]:
        change = self._changes.get("worker", {})
        answer = change if isinstance(change, Exception) else probe() | change
        return {"tcp://w:1": answer}


def test_the_same_versions_are_accepted() -> None:
    check_versions(Machines(), "tcp://host:1")


@pytest.mark.parametrize(
    ("where", "change", "fault"),
    [
        ("scheduler", {"dask": "2024.1.0"}, "the scheduler has dask 2024.1.0, here it is "),
        ("worker", {"Python": "3.9"}, "the worker tcp://w:1 has Python 3.9, here it is "),
        ("worker", {"napari-stem-defects": ""}, "the worker tcp://w:1 has no napari-stem-defects"),
        ("worker", ImportError("no module\ntornado"), "has other software (no module tornado)"),
    ],
)
def test_the_first_difference_is_named(where: str, change: Any, fault: str) -> None:
    with pytest.raises(InputError, match="use one environment for scheduler, workers") as caught:
        check_versions(Machines(**{where: change}), "tcp://host:1")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_question_can_be_asked_where_the_package_is_missing() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    code = (
        "import sys, pickle; sys.modules['napari_stem_defects'] = None;"
        "print(pickle.loads(sys.stdin.buffer.read())())"
    )
    sent = cloudpickle.dumps(_probe())
    printed = subprocess.run(
        [sys.executable, "-c", code], input=sent, capture_output=True, check=True
    ).stdout.decode()
    assert "'napari-stem-defects': ''" in printed
    assert __version__ in str(pickle.loads(sent)())
