"""Rows that continue in another line where there is no room."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton, QWidget

from napari_stem_defects.napari_plugin.panels.common.wrapping_row import WrappingRow

pytestmark = pytest.mark.gui
TEXTS = "Detect defects", "Find unusual places", "Cancel"


@pytest.fixture
def row(qtbot: Any) -> tuple[QWidget, WrappingRow, list[QPushButton]]:
    """Return a widget, its row, and the three buttons in it."""
    parent, layout = QWidget(), WrappingRow()
    qtbot.addWidget(parent)
    buttons = [QPushButton(text) for text in TEXTS]
    layout.add(buttons[0], 2)
    layout.add(buttons[2], 1)
    layout.insert_before_last(buttons[1], 2)
    parent.setLayout(layout)
    return parent, layout, buttons


def show(parent: QWidget, layout: WrappingRow, width: int) -> None:
    parent.resize(width, layout.heightForWidth(width))
    parent.show()
    QTest.qWait(20)


def test_all_are_in_one_line_that_they_fill(row: Any) -> None:
    parent, layout, buttons = row
    width = layout.sizeHint().width() + 100
    show(parent, layout, width)
    assert len({each.y() for each in buttons}) == 1
    assert [each.x() for each in buttons] == sorted(each.x() for each in buttons)
    assert width - buttons[-1].geometry().right() <= 4
    gained = [each.width() - each.minimumSizeHint().width() for each in buttons]
    assert gained[0] == gained[1] == pytest.approx(2 * gained[2], abs=2)


@pytest.mark.parametrize("lines", [2, 3])
def test_no_button_is_narrower_than_its_text(row: Any, lines: int) -> None:
    parent, layout, buttons = row
    whole = layout.sizeHint().width()
    width = whole - 1 if lines == 2 else layout.minimumSize().width()
    show(parent, layout, width)
    assert len({each.y() for each in buttons}) == lines
    for each in buttons:
        assert each.width() >= each.minimumSizeHint().width()
        assert each.geometry().right() < width
        assert each.geometry().bottom() < parent.height()
    others = [(a, b) for a in buttons for b in buttons if a is not b]
    assert not any(a.geometry().intersects(b.geometry()) for a, b in others)


def test_hidden_buttons_take_no_room(row: Any) -> None:
    parent, layout, buttons = row
    buttons[1].hide()
    show(parent, layout, layout.sizeHint().width())
    assert buttons[2].x() == buttons[0].geometry().right() + 1 + layout.spacing()
    assert layout.heightForWidth(10_000) == buttons[0].sizeHint().height()


def test_an_empty_row_has_no_height(qtbot: Any) -> None:
    parent, layout = QWidget(), WrappingRow()
    qtbot.addWidget(parent)
    parent.setLayout(layout)
    assert layout.heightForWidth(100) == 0
    assert layout.takeAt(0) is None
    assert layout.itemAt(0) is None
