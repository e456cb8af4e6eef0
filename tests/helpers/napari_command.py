"""Run napari's command line, print what is open and exit.

Run as a process: napari's command line owns the application.
"""

from __future__ import annotations

import napari
from napari import __main__ as command
from qtpy.QtTest import QTest

from napari_stem_defects.napari_plugin.panels.common.settings import save_setting, settings


def print_state_and_close(*_: object, **__: object) -> None:
    viewer = napari.current_viewer()
    layers = [
        (one.name, str(one.units[-1]), round(float(one.scale[-1]), 4)) for one in viewer.layers
    ]
    QTest.qWait(100)  # the entry for all panels removes itself
    docks = sorted(name.partition(" (")[0] for name in viewer.window.dock_widgets)
    stride = getattr(settings("detect"), "stride", "forgotten")
    print(f"{layers} {[name for name in docks if name[0] in 'APTD' or 'patches' in name]} {stride}")
    save_setting("detect", "stride", 5)
    viewer.close()


if __name__ == "__main__":
    napari.run = print_state_and_close
    command._run()
