"""Buttons and labels whose text is shortened in the middle where it has no room.

Names of images, projects and models are as long as their authors like. A panel is not made wider by
them, and shows the beginning, the end and, in the tooltip, all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QPushButton, QSizePolicy, QStylePainter, QWidget

from napari_stem_defects.napari_plugin.panels.common.plain_text import on_button, set_tooltip

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent, QResizeEvent

_FEWEST = "MMMMMM"
"""The least that a shortened name has room for."""
_WIDEST = "MMMMMMMMMMM"
"""The most that a name takes which does not fill its row."""


class ElidedButton(QPushButton):
    """A button whose text is shortened in the middle to its width.

    Parameters
    ----------
    name : str
        Object name.
    tooltip : str
        Follows the full text in the tooltip.
    taken_px : int
        Width of what is beside the text: margins and, where there is one, the icon.
    """

    def __init__(self, name: str, tooltip: str, taken_px: int = 24) -> None:
        super().__init__()
        self.setObjectName(name)
        self._tooltip, self._full, self._taken_px = tooltip, "", taken_px
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_full_text(self, text: str) -> None:
        """Set the text, which may contain a name of any length."""
        self._full = text
        set_tooltip(self, f"{text}\n{self._tooltip}")
        self._shorten()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten the text to the new width."""
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        room, middle = self.width() - self._taken_px, Qt.TextElideMode.ElideMiddle
        self.setText(on_button(self.fontMetrics().elidedText(self._full, middle, room)))


class ElidedLabel(QWidget):
    """Shows a text, without markup, shortened in the middle to its width.

    Parameters
    ----------
    name : str
        Object name.
    tooltip : str
        Follows the full text in the tooltip.
    is_filling : bool
        Whether it takes the room that others leave; by default it does. Otherwise it is as wide as
        its text, up to the width of a name of some twenty letters.
    """

    def __init__(self, name: str, tooltip: str, is_filling: bool = True) -> None:
        super().__init__()
        self.setObjectName(name)
        self._tooltip, self._full = tooltip, ""
        self._is_filling = is_filling
        if is_filling:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def text(self) -> str:
        """Return the full text."""
        return self._full

    def set_full_text(self, text: str) -> None:
        """Set the text, which may be a name of any length."""
        self._full = text
        set_tooltip(self, f"{text}\n{self._tooltip}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room for a few letters, or for all of a short text."""
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(_FEWEST)
        if not self._is_filling:
            most = metrics.horizontalAdvance(_WIDEST)
            width = min(metrics.horizontalAdvance(self._full) + 1, most)
        return QSize(width, metrics.lineSpacing())

    def minimumSizeHint(self) -> QSize:
        """Return the same as `sizeHint`."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw what there is room for."""
        painter = QStylePainter(self)
        room, middle = self.contentsRect(), Qt.TextElideMode.ElideMiddle
        shown = self.fontMetrics().elidedText(self._full, middle, room.width())
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        role = self.foregroundRole()
        painter.drawItemText(room, int(align), self.palette(), self.isEnabled(), shown, role)
