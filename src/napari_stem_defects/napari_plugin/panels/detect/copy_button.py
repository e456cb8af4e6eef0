"""Button that copies the settings of a detection as a script to the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication, QMenu, QPushButton

from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.common.plain_text import show_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.napari_plugin.panels.detect.script_export import DetectScript


class CopyButton(QPushButton):
    """Button whose menu copies a script in Python or as a command.

    Parameters
    ----------
    script : callable
        Returns the settings to copy.
    """

    def __init__(self, script: Callable[[], DetectScript]) -> None:
        super().__init__("Copy as")
        named(self, "copy_as", "Copy these settings as a script to the clipboard")
        menu = QMenu(self)
        menu.addAction("Python", lambda: _copy(script().python()))
        menu.addAction("Command", lambda: _copy(script().command()))
        self.setMenu(menu)


def _copy(text: str) -> None:
    if (clipboard := QApplication.clipboard()) is not None:
        clipboard.setText(text)
        show_info("the script was copied to the clipboard")
