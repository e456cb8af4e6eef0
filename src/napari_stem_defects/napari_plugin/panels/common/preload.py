"""Pays for slow imports before the user waits for them."""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module


@cache
def warm_up() -> threading.Thread:
    """Import, beside the event loop, what napari needs for its first layer with features.

    Returns
    -------
    Thread
        Alive until the import is done; the same one for every call.
    """
    thread = threading.Thread(target=import_module, args=("pandas",), daemon=True)
    thread.start()
    return thread
