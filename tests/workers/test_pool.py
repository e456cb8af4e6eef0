"""The two workers of an application."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.workers import pool

if TYPE_CHECKING:
    from collections.abc import Callable


class NamedWorker:
    """Takes the place of a worker with its thread."""

    def __init__(self, name: str) -> None:
        self.name = name

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def at_exit(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """Let an empty pool create workers of the test; return what runs when Python exits."""
    registered: list[Callable[[], None]] = []
    monkeypatch.setattr(pool, "get_worker", cache(pool.get_worker.__wrapped__))
    monkeypatch.setattr(pool, "Worker", NamedWorker)
    monkeypatch.setattr(pool.atexit, "register", registered.append)
    return registered


def test_each_name_has_one_worker(at_exit: list[Callable[[], None]]) -> None:
    quick, long = pool.get_worker("quick"), pool.get_worker("long")
    assert quick is not long
    assert (quick.name, long.name) == ("quick", "long")
    assert pool.get_worker("quick") is quick
    assert pool.get_worker("long") is long
    assert len(at_exit) == 2


def test_workers_are_closed_at_the_end(at_exit: list[Callable[[], None]]) -> None:
    assert at_exit == []
    worker = pool.get_worker("long")
    assert at_exit == [worker.close]
