"""What the first layers need is prepared in the background."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from napari.layers import Labels

from napari_stem_defects.napari_plugin.panels.common.preload import preload


@pytest.fixture(autouse=True)
def prepared() -> None:
    thread = preload()
    assert thread.daemon
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert preload() is thread


def test_pandas_is_imported() -> None:
    assert "pandas" in sys.modules


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_first_layer_of_labels_compiles_nothing(dtype: type) -> None:
    compiling = pytest.importorskip("numba.core.event")
    colours = {0: "transparent", None: "transparent", 1: "red", 2: "#00ff00"}
    with compiling.install_recorder("numba:compile") as recorder:
        Labels(np.ones((8, 8), dtype)).colormap = colours
    names = {event.data["dispatcher"].py_func.__name__ for _, event in recorder.buffer}
    assert not {name for name in names if "dict" in name or "texture_direct" in name}, names
