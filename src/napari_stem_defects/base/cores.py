"""How many processor cores this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Return the number of cores that this process is allowed to use.

    On a shared node, a job of a cluster may use fewer than there are.

    Returns
    -------
    int
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):  # not on Windows and macOS
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
