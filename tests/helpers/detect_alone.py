"""Detect in a separate napari process and print the imported modules that should not be there.

It runs as a process because the process of the tests has torch loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari
import numpy as np
from qtpy.QtTest import QTest

from napari_stem_defects.io.models import library
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget

FOREIGN = ("torch", "rsciio", "h5py")


def main() -> None:
    library.user_folder = lambda: Path(sys.argv[1])
    viewer = napari.Viewer()
    viewer.add_image(np.random.default_rng(0).random((128, 128), np.float32), name="noise")
    widget = DetectDefectsWidget(viewer)
    viewer.window.add_dock_widget(widget)
    widget.start()
    while widget.view_model.run.busy:
        QTest.qWait(50)
    foreign = [name for name in FOREIGN if name in sys.modules]
    print(f"{widget.view_model.run.phase}, foreign modules: {foreign}")
    viewer.close()


if __name__ == "__main__":
    main()
