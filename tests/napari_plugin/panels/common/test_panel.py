"""Base class of the panels and its helper functions."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.panel import (
    Panel,
    button,
    note,
    set_tab_order,
    show_note,
)

pytestmark = pytest.mark.gui


@pytest.fixture
def panel(qtbot: Any) -> Panel:
    made = Panel()
    qtbot.addWidget(made)
    return made


def test_cleanup_runs_once_when_the_panel_is_closed(panel: Panel, qtbot: Any) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    QVBoxLayout(holder).addWidget(panel)
    closed: list[str] = []
    panel.on_close(lambda: closed.append("first"))
    panel.on_close(lambda: closed.append("second"))
    panel.setParent(None)
    assert sorted(closed) == ["first", "second"]
    holder.layout().addWidget(panel)
    panel.setParent(None)
    assert len(closed) == 2


def test_mouse_callbacks_are_removed_when_the_panel_is_closed(panel: Panel, qtbot: Any) -> None:
    callbacks: list[Any] = []
    panel.add_mouse_callback(callbacks, print)
    assert callbacks == [print]
    holder = QWidget()
    qtbot.addWidget(holder)
    panel.setParent(holder)
    panel.setParent(None)
    assert callbacks == []


def test_an_empty_note_is_hidden(panel: Panel) -> None:
    label = panel.add(note("warning"))
    show_note(label, "no image")
    assert label.isVisibleTo(panel)
    show_note(label, "")
    assert not label.isVisibleTo(panel)


def test_the_body_is_as_wide_as_its_content(panel: Panel) -> None:
    wide = QLabel()
    wide.setFixedWidth(333)
    panel.add(wide)
    assert panel.body.minimumSizeHint().width() >= 333


def test_the_footer_is_outside_the_body(panel: Panel) -> None:
    run = panel.add_footer(button("Run", "run", "Start"))
    assert not panel.body.isAncestorOf(run)
    assert (run.objectName(), run.toolTip()) == ("run", "Start")


def test_tab_visits_controls_at_the_position_of_their_group(qtbot: Any) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    layout = QVBoxLayout(parent)
    first, group, last = QLineEdit(), QWidget(), QLineEdit()
    for each in (first, group, last):
        layout.addWidget(each)
    late = QLineEdit(group)
    set_tab_order(group, late)
    assert first.nextInFocusChain() is late
