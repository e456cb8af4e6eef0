"""Import of slow modules in the background."""

from __future__ import annotations

import sys

from napari_stem_defects.napari_plugin.panels.common.preload import preload


def test_pandas_is_imported_once_in_a_thread() -> None:
    thread = preload()
    assert thread.daemon
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert "pandas" in sys.modules
    assert preload() is thread
