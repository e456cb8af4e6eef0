"""Rows of controls that continue in another line where a panel is narrow.

Side by side, a few buttons are wider than a dock on a small screen should be, in some fonts more
than in others. What a line has no room for goes into the next one, so that no text is cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtWidgets import QLayout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QLayoutItem, QWidget

_GAP_PX = 6


class WrappingRow(QLayout):
    """Controls side by side, in as many lines as their least widths need.

    The room that is left in a line goes to the widgets with a stretch, or to all where none of the
    line has one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._stretches: dict[QWidget, int] = {}
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(_GAP_PX)

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Append a widget with its share of the room that is left."""
        self._stretches[widget] = stretch
        self.addWidget(widget)

    def insert_before_last(self, widget: QWidget, stretch: int = 0) -> None:
        """Insert a widget before the last one, with its share of the room that is left."""
        self.add(widget, stretch)
        self._items[-2:] = reversed(self._items[-2:])
        self.invalidate()

    # What Qt calls

    def addItem(self, item: QLayoutItem | None) -> None:
        """Append an item."""
        if item is not None:
            self._items.append(item)

    def count(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return an item, None where there is none."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Remove an item and return it, None where there is none."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Return that the row takes the width it is given."""
        return Qt.Orientation.Horizontal

    def hasHeightForWidth(self) -> bool:
        """Return that the height follows from the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all lines in px."""
        lines = self._lines(width)
        return sum(map(_height, lines)) + self.spacing() * max(len(lines) - 1, 0)

    def sizeHint(self) -> QSize:
        """Return the size of one line."""
        shown = self._shown()
        return QSize(self._total(shown), _height(shown))

    def minimumSize(self) -> QSize:
        """Return the size of the widest item."""
        shown = self._shown()
        return QSize(max(map(_least, shown), default=0), _height(shown))

    def setGeometry(self, rect: QRect) -> None:
        """Place all items in a rectangle."""
        super().setGeometry(rect)
        top = rect.top()
        for line in self._lines(rect.width()):
            left, height = rect.left(), _height(line)
            for item, width in zip(line, self._widths(line, rect.width()), strict=True):
                item.setGeometry(QRect(left, top, width, height))
                left += width + self.spacing()
            top += height + self.spacing()

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _total(self, items: Sequence[QLayoutItem]) -> int:
        return sum(map(_least, items)) + self.spacing() * max(len(items) - 1, 0)

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        for item in self._shown():
            if lines and self._total([*lines[-1], item]) <= width:
                lines[-1].append(item)
            else:
                lines.append([item])
        return lines

    def _widths(self, line: Sequence[QLayoutItem], width: int) -> list[int]:
        """Return the widths of the items of a line, which fill it."""
        shares = [self._stretches.get(item.widget(), 0) for item in line]  # type: ignore[arg-type]
        if not any(shares):
            shares = [1] * len(line)
        left, widths = max(width - self._total(line), 0), []
        for item, share in zip(line, shares, strict=True):
            widths.append(_least(item) + left * share // sum(shares))
        return widths


def _least(item: QLayoutItem) -> int:
    return item.minimumSize().width()


def _height(line: Sequence[QLayoutItem]) -> int:
    return max((item.sizeHint().height() for item in line), default=0)
