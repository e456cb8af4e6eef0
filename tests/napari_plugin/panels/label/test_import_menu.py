"""Menu of what can be imported as labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_stem_defects.napari_plugin.panels.label.import_menu import ImportMenu

pytestmark = pytest.mark.gui


@pytest.mark.parametrize("answer", ["", "/data/points"])
def test_what_is_chosen_is_announced(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: answer)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (answer, ""))
    parent = QWidget()
    qtbot.addWidget(parent)
    menu, chosen = ImportMenu(parent), []
    menu.chosen.connect(chosen.append)
    for action in menu.actions():
        action.trigger()
    assert chosen == ([Path(answer)] * 2 if answer else [])
