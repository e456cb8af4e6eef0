"""Freed memory goes back to the system."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import psutil
import pytest

from napari_stem_defects.base.freed_memory import give_back_freed_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only the C library of Linux keeps much")
def test_freed_arrays_below_a_used_one_are_given_back() -> None:
    # In this order: what is freed with mmap makes the allocator keep blocks of its size.
    np.ones(30 << 17).sum()
    arrays = [np.ones(1 << 17) for _ in range(120)]
    del arrays[:-1]
    before = psutil.Process().memory_info().rss
    give_back_freed_memory()
    assert psutil.Process().memory_info().rss <= before
    assert arrays[0].sum() == 1 << 17


def test_a_library_without_it_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    give_back_freed_memory()
    monkeypatch.setattr(sys, "platform", "win32")
    give_back_freed_memory()
