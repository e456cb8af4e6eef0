"""Text that Qt shows as it is: labels, tooltips, questions and messages without markup.

Names of layers, images, models and classes, descriptions and error messages come from files. Qt
guesses from a text whether it is HTML, and napari shows messages in such labels: a name could set
links or load pictures. Panels show text by this module only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from napari.utils import notifications
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QLabel, QMessageBox, QSizePolicy, QStylePainter, QToolTip, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

_WORD_JOINER = "\u2060"
"""A character of no width, which cannot be part of an HTML tag."""


_FEWEST = "MMMMM"
"""The least that a shortened name has room for."""
_WIDEST = "MMMMMMMMMMM"
"""The most that a name takes which does not fill its row."""


class HasTooltip(Protocol):
    """A widget, an action or an item of a list."""

    def setToolTip(self, text: str | None, /) -> None:
        """Set the tooltip."""


def as_plain(text: str) -> str:
    """Return a text that Qt does not take for HTML, and that looks the same.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        With a character of no width in whatever could be a tag.
    """
    return text.replace("<", f"<{_WORD_JOINER}").replace("&lt;", f"&{_WORD_JOINER}lt;")


def plain_label(text: str = "") -> QLabel:
    """Return a label that shows its text, now and later, without markup."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


class ElidedLabel(QLabel):
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
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._tooltip = tooltip
        self._is_filling = is_filling
        if is_filling:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_full_text(self, text: str) -> None:
        """Set the text, which may be a name of any length."""
        self.setText(text)
        set_tooltip(self, f"{text}\n{self._tooltip}")

    def sizeHint(self) -> QSize:
        """Return the room for a few letters, or for all of a short text."""
        whole, metrics = super().sizeHint(), self.fontMetrics()
        least, most = (metrics.horizontalAdvance(each) for each in (_FEWEST, _WIDEST))
        width = least if self._is_filling else min(whole.width() + 1, most)
        return QSize(width, whole.height())

    def minimumSizeHint(self) -> QSize:
        """Return the room for a few letters."""
        whole = self.sizeHint()
        least = self.fontMetrics().horizontalAdvance(_FEWEST)
        return QSize(min(whole.width(), least), whole.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw what there is room for."""
        painter, metrics = QStylePainter(self), self.fontMetrics()
        room, middle = self.contentsRect(), Qt.TextElideMode.ElideMiddle
        shown = metrics.elidedText(self.text(), middle, room.width())
        baseline = room.top() + (room.height() + metrics.ascent() - metrics.descent()) // 2
        painter.drawText(room.left(), baseline, shown)


def set_tooltip(widget: HasTooltip, text: str) -> None:
    """Set the tooltip of a widget, an action or an item, without markup."""
    widget.setToolTip(as_plain(text))


def show_tooltip(text: str, near: QWidget, position: object) -> None:
    """Show a tooltip at a position on the screen, without markup."""
    QToolTip.showText(position, as_plain(text), near)  # type: ignore[arg-type]


def on_button(name: str) -> str:
    """Return the text of a button or menu entry that shows a name: "&" is no key there."""
    return name.replace("&", "&&")


def confirm(parent: QWidget, title: str, question: str) -> bool:
    """Show a question in a dialog and return whether it was accepted."""
    yes = QMessageBox.StandardButton.Yes
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setStandardButtons(yes | QMessageBox.StandardButton.No)
    return bool(box.exec() == yes)


def show_info(message: str) -> None:
    """Show a message of napari, without markup."""
    notifications.show_info(as_plain(message))


def show_warning(message: str) -> None:
    """Show a warning of napari, without markup."""
    notifications.show_warning(as_plain(message))
