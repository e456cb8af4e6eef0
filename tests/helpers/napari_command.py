"""Runs napari's command line and says what is open, instead of staying open.

Run as a process: napari's command line owns the application.
"""

from __future__ import annotations

import napari
from napari import __main__ as command

from napari_stem_defects.napari_plugin.panels.common.settings import keep, settings


def tell(*_: object, **__: object) -> None:
    viewer = napari.current_viewer()
    layers = [
        (one.name, str(one.units[-1]), round(float(one.scale[-1]), 4)) for one in viewer.layers
    ]
    docks = sorted(name.partition(" (")[0] for name in viewer.window.dock_widgets)
    stride = getattr(settings("detect"), "stride", "forgotten")
    print(f"{layers} {[name for name in docks if name[0] in 'PTD' or 'patches' in name]} {stride}")
    keep("detect", "stride", 5)
    viewer.close()


if __name__ == "__main__":
    napari.run = tell
    command._run()
