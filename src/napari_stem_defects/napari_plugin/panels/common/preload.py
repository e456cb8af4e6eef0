"""Import of slow modules in the background, before the user has to wait for them."""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module


@cache
def preload() -> threading.Thread:
    """Import pandas in a thread; napari needs it for the first layer with features.

    Returns
    -------
    Thread
        Alive until the import has finished; every call returns the same one.
    """
    thread = threading.Thread(target=import_module, args=("pandas",), daemon=True)
    thread.start()
    return thread
