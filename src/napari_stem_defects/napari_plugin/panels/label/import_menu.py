"""Menu of what can be imported as labels."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QAction, QFileDialog, QMenu, QWidget

from napari_stem_defects.io.labels.label_formats import LABEL_FORMATS, list_formats
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip


class ImportMenu(QMenu):
    """Dialogs that choose a folder of patches or a file of labels.

    Parameters
    ----------
    parent : QWidget
        The dialogs open over it.
    """

    chosen = Signal(Path)
    """The user has chosen a folder or a file."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.addAction("Import folder of patches…", self._folder)
        file = QAction("Import file of labels…", self)
        set_tooltip(file, f"Labels of images that are open: {list_formats()}")
        file.triggered.connect(self._file)
        self.addAction(file)
        self.setToolTipsVisible(True)

    def _folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self._over, "Import a folder of patches")
        if folder:
            self.chosen.emit(Path(folder))

    def _file(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self._over, "Import labels", "", file_filters())
        if file:
            self.chosen.emit(Path(file))


def file_filters() -> str:
    """Return the filters of the dialog: all formats of labels, then each by itself."""
    suffixes = dict.fromkeys(suffix for each in LABEL_FORMATS for suffix in each.suffixes)
    named = [("All files of labels", tuple(suffixes))]
    named += [(each.name[0].upper() + each.name[1:], each.suffixes) for each in LABEL_FORMATS]
    return ";;".join(f"{name} ({' '.join(f'*{end}' for end in ends)})" for name, ends in named)
