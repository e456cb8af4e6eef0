"""The two workers of an application: one for quick work and one for long work.

Reading a file or previewing a stage must not wait for a training run, so quick jobs have a
process of their own. Both start with their first job and stay warm.
"""

from __future__ import annotations

import atexit
from functools import cache
from typing import TYPE_CHECKING

from napari_stem_defects.workers.client import Worker

if TYPE_CHECKING:
    from napari_stem_defects.workers.messages import WorkerName


@cache
def get_worker(name: WorkerName) -> Worker:
    """Return one of the two workers; it is the same at every call.

    Parameters
    ----------
    name : {"quick", "long"}
        "quick" for work that takes seconds (reading, previews, thresholds), "long" for work
        that takes minutes or needs torch (training, detection).

    Returns
    -------
    Worker
        Closed when the application ends.
    """
    worker = Worker(name)
    atexit.register(worker.close)
    return worker
