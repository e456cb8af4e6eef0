"""Menu of what can be imported as labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_stem_defects.io.labels.label_formats import LABEL_FORMATS
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


def test_the_dialog_offers_every_format_of_the_command(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *given: (asked.append(given[3]), ""))
    parent = QWidget()
    qtbot.addWidget(parent)
    file = next(each for each in ImportMenu(parent).actions() if "file" in each.text())
    file.trigger()
    dialog = QFileDialog()
    qtbot.addWidget(dialog)
    dialog.setNameFilter(asked[0])
    offered = dialog.nameFilters()
    assert len(offered) == 1 + len(LABEL_FORMATS)
    for each in LABEL_FORMATS:
        assert each.name in file.toolTip()
        assert all(f"*{suffix}" in offered[0] for suffix in each.suffixes)
        (own,) = (one for one in offered if one.lower().startswith(each.name.lower()))
        assert all(f"*{suffix}" in own for suffix in each.suffixes)
