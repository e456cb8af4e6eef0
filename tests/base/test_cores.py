"""Cores that a process may use."""

from __future__ import annotations

import os

import pytest

from napari_stem_defects.base.cores import usable_cores


def test_the_cores_that_a_process_is_bound_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert usable_cores() == 1


@pytest.mark.parametrize(("count", "usable"), [(6, 6), (None, 1)])
def test_elsewhere_all_cores_count(
    monkeypatch: pytest.MonkeyPatch, count: int | None, usable: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert usable_cores() == usable
