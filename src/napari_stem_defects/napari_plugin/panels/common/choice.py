"""Lists to choose from that may be narrower than their longest entry.

Entries are names of classes and whole phrases. A list is as wide as its longest entry where there
is room for it; in a narrow panel it shortens what is selected, and its menu shows whole entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

_FEWEST = "MMMMM"
"""The least that is shown of an entry."""
_BESIDE_TEXT_PX = 34
"""Margins and arrow."""


class Choice(QComboBox):
    """A list to choose from whose least width is that of a few letters."""

    def minimumSizeHint(self) -> QSize:
        """Return the width of a few letters, or of the entries where all are short."""
        whole = super().minimumSizeHint()
        least = self.fontMetrics().horizontalAdvance(_FEWEST) + _BESIDE_TEXT_PX
        return QSize(min(whole.width(), least), whole.height())

    def showPopup(self) -> None:
        """Show the entries at their full width."""
        if (view := self.view()) is not None:
            view.setMinimumWidth(self.sizeHint().width())
        super().showPopup()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the entry that is selected, shortened at its end to the width."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        control, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        painter.drawComplexControl(control, option)
        style = self.style()
        if style is not None:
            room = style.subControlRect(control, option, part, self).width()
            end = Qt.TextElideMode.ElideRight
            option.currentText = self.fontMetrics().elidedText(option.currentText, end, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
