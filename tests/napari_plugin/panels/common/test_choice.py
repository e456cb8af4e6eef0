"""Lists to choose from in narrow panels."""

from __future__ import annotations

from typing import Any

import pytest

from napari_stem_defects.napari_plugin.panels.common.choice import Choice

pytestmark = pytest.mark.gui
LONG = "everything that is within the outline drawn"


def test_a_long_entry_does_not_set_the_width_of_the_panel(qtbot: Any) -> None:
    choice, short = Choice(), Choice()
    for each, text in ((choice, LONG), (short, "cpu")):
        qtbot.addWidget(each)
        each.addItems([text])
    assert choice.minimumSizeHint().width() < 0.5 * choice.sizeHint().width()
    assert short.minimumSizeHint().width() <= short.sizeHint().width()


def test_what_is_selected_ends_in_dots_where_it_is_cut(qtbot: Any) -> None:
    narrow = Choice()
    qtbot.addWidget(narrow)
    narrow.addItems([LONG, LONG[:-5] + "wwwww"])
    narrow.resize(100, 24)
    narrow.show()
    first = narrow.grab().toImage()
    narrow.setCurrentIndex(1)
    assert narrow.grab().toImage() == first  # what differs is beyond the dots
    narrow.resize(500, 24)
    narrow.setCurrentIndex(0)
    whole = narrow.grab().toImage()
    narrow.setCurrentIndex(1)
    assert narrow.grab().toImage() != whole


def test_the_menu_shows_whole_entries(qtbot: Any) -> None:
    choice = Choice()
    qtbot.addWidget(choice)
    choice.addItems([LONG])
    choice.resize(90, 24)
    choice.show()
    choice.showPopup()
    needed = choice.fontMetrics().horizontalAdvance(LONG)
    assert choice.view().width() >= needed
    choice.hidePopup()
