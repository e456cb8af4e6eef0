"""Slow beginnings in the background, before the user has to wait for them."""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module

import numpy as np
from napari.utils import DirectLabelColormap

_LABEL_TYPES = (np.uint8, np.uint16)
"""Types of the labels layers of the panels: the live map, and results."""


@cache
def preload() -> threading.Thread:
    """Prepare in a thread what the first layers of results need.

    Layers with features need pandas. Colours of labels are compiled by numba, where napari has
    it, when a process shows the first layer of a type; napari would stand still for seconds.

    Returns
    -------
    Thread
        Alive until all is ready; every call returns the same one.
    """
    thread = threading.Thread(target=_prepare, daemon=True)
    thread.start()
    return thread


def _prepare() -> None:
    import_module("pandas")
    colours = DirectLabelColormap(color_dict={0: "transparent", None: "white"})
    for dtype in _LABEL_TYPES:
        colours.map(np.zeros((1, 1), dtype))
