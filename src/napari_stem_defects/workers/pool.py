"""The two workers of an application: one for quick work and one for long work.

Reading a file or previewing a stage must not wait for a training run, so quick jobs have a
process of their own. Both start with their first job and stay warm.
"""

from __future__ import annotations

import atexit
from functools import cache

from napari_stem_defects.workers.client import Worker


@cache
def quick() -> Worker:
    """Return the worker for what takes seconds: reading, previews, re-thresholding."""
    return _started("quick")


@cache
def long() -> Worker:
    """Return the worker for what takes minutes and torch: training and detection."""
    return _started("long")


def _started(name: str) -> Worker:
    worker = Worker(name)
    atexit.register(worker.close)
    return worker
