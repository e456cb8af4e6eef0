"""Names of any length in buttons and labels."""

from __future__ import annotations

from typing import Any

import pytest

from napari_stem_defects.napari_plugin.panels.common.elided import ElidedButton, ElidedCheckBox
from napari_stem_defects.napari_plugin.panels.common.plain_text import ElidedLabel

pytestmark = pytest.mark.gui

LONG = "2026-11-30 HAADF <b>lamella</b> & overview 0042 (drift corrected, 4 frames summed)"


@pytest.mark.parametrize("kind", [ElidedButton, ElidedCheckBox, ElidedLabel])
def test_a_long_text_takes_no_room_and_is_in_the_tooltip(qtbot: Any, kind: Any) -> None:
    widget = kind("name", "What it does")
    qtbot.addWidget(widget)
    widget.set_full_text("short")
    usual = widget.minimumSizeHint().width()
    widget.resize(160, 24)
    widget.show()
    widget.set_full_text(LONG)
    widget.grab()
    assert widget.minimumSizeHint().width() <= max(usual, 160)
    assert widget.toolTip().replace("\u2060", "") == f"{LONG}\nWhat it does"


def test_a_button_shows_both_ends(qtbot: Any) -> None:
    widget = ElidedButton("name", "What it does")
    qtbot.addWidget(widget)
    widget.resize(160, 24)
    widget.show()
    widget.set_full_text(LONG)
    assert widget.text().startswith("2026")
    assert widget.text().endswith("summed)")
    widget.resize(2000, 24)
    assert widget.text() == LONG.replace("&", "&&")


def test_a_short_name_is_drawn_whole(qtbot: Any) -> None:
    """Whatever the theme puts around it."""
    widget = ElidedLabel("name", "What it does", is_filling=False)
    qtbot.addWidget(widget)
    widget.setStyleSheet("padding: 1px 5px; margin: 2px;")
    widget.set_full_text("Boundary")
    widget.resize(widget.sizeHint())
    widget.show()
    needed = widget.fontMetrics().horizontalAdvance("Boundary")
    assert widget.contentsRect().width() >= needed


def test_names_that_differ_at_their_ends_look_different_beside_a_check_box(qtbot: Any) -> None:
    shown = []
    for end in ("00", "01"):
        widget = ElidedCheckBox("name", "What it does")
        qtbot.addWidget(widget)
        widget.resize(160, 24)
        widget.set_full_text(f"a defect & what is seen along the beam {end}")
        widget.show()
        shown.append(widget.grab().toImage())
    assert shown[0] != shown[1]
