"""Buttons and check boxes whose text is shortened in the middle where it has no room.

Names of images, projects and models are as long as their authors like. A panel is not made wider by
them, and shows the beginning, the end and, in the tooltip, all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
)

from napari_stem_defects.napari_plugin.panels.common.plain_text import on_button, set_tooltip

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent, QResizeEvent

_FEWEST = 6
"""Letters that a check box has room for at least."""


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


class ElidedCheckBox(QCheckBox):
    """A check box whose text is shortened in the middle to its width.

    Parameters
    ----------
    name : str
        Object name.
    tooltip : str
        Follows the full text in the tooltip.
    """

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._tooltip, self._full = tooltip, ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_full_text(self, text: str) -> None:
        """Set the text, which may contain a name of any length."""
        self._full = text
        self.setText(on_button(text))
        set_tooltip(self, f"{text}\n{self._tooltip}")

    def minimumSizeHint(self) -> QSize:
        """Return the room for the box and a few letters."""
        whole, letters = super().minimumSizeHint(), self.fontMetrics().averageCharWidth()
        return QSize(min(whole.width(), whole.height() + _FEWEST * letters), whole.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw what there is room for."""
        painter, option = QStylePainter(self), QStyleOptionButton()
        self.initStyleOption(option)
        if (style := self.style()) is not None:
            part = QStyle.SubElement.SE_CheckBoxContents
            room = style.subElementRect(part, option, self).width()
            middle = Qt.TextElideMode.ElideMiddle
            option.text = on_button(self.fontMetrics().elidedText(self._full, middle, room))
        painter.drawControl(QStyle.ControlElement.CE_CheckBox, option)
