"""Disabled controls state the reason."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtWidgets import QPushButton

from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.panel import button

pytestmark = pytest.mark.gui


def test_the_reason_is_stated_while_it_holds(qtbot: Any) -> None:
    undo: QPushButton = button("Undo", "undo", "Undo the last change")
    qtbot.addWidget(undo)
    for _ in range(2):
        enable(undo, False, "Nothing was changed.")
        assert not undo.isEnabled()
        assert undo.toolTip() == "Undo the last change\nNothing was changed."
    enable(undo, False, "Wait.")
    assert undo.toolTip() == "Undo the last change\nWait."
    enable(undo, True, "Nothing was changed.")
    assert undo.isEnabled()
    assert undo.toolTip() == "Undo the last change"
