"""Texts are shown as they are: nothing in them is taken for HTML."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import QApplication, QLabel, QMessageBox, QPlainTextEdit, QWidget
from small_model import write_small_model

from napari_stem_defects.io.models.library import ModelEntry, list_models
from napari_stem_defects.napari_plugin.panels.common.model_card_dialog import ModelCardDialog
from napari_stem_defects.napari_plugin.panels.common.plain_text import (
    as_plain,
    confirm,
    on_button,
    plain_label,
    set_tooltip,
    show_warning,
)

pytestmark = pytest.mark.gui

PLUGIN = Path(__file__).parents[4] / "src" / "napari_stem_defects" / "napari_plugin"
HOSTILE = (
    "<b>bold</b>",
    '<img src="http://host/x.png">.tif',
    '<a href="file:///etc/passwd">click</a>',
    "<br>",
    "x < y <i>",
    "&lt;b&gt;",
    "<!DOCTYPE html>",
    "<?xml ?>",
    "a\n<table>",
)
# Whatever shows text by Qt's guess, or interprets it; only one module may use them.
GUESSING = {
    "QLabel",
    "QMessageBox",
    "QErrorMessage",
    "QTextBrowser",
    "QTextEdit",
    "QToolTip",
    "QWhatsThis",
    "QSplashScreen",
}
INTERPRETING = {"setToolTip", "setMarkdown", "setHtml", "insertHtml", "setWhatsThis", "showText"}


@pytest.mark.parametrize("text", HOSTILE)
def test_qt_does_not_take_a_text_for_html(text: str) -> None:
    assert Qt.mightBeRichText(as_plain(text)) is False
    assert as_plain(text).replace("\u2060", "") == text


def test_some_of_the_texts_would_be_html_otherwise() -> None:
    assert sum(Qt.mightBeRichText(text) for text in HOSTILE) >= 5


def test_other_texts_do_not_change() -> None:
    for text in ("CdTe [110] & more", "3 > 2", "SrTiO3 · 0.5 nm"):
        assert as_plain(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_labels_and_tooltips_show_the_text_itself(qtbot: Any, text: str) -> None:
    label = plain_label(text)
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText
    label.setText(text)
    assert label.text() == text
    set_tooltip(label, text)
    assert Qt.mightBeRichText(label.toolTip()) is False


def test_a_message_of_napari_is_no_html() -> None:
    with notification_manager:
        show_warning(HOSTILE[0])
    message = notification_manager.records[-1].message
    assert Qt.mightBeRichText(message) is False
    assert message.replace("\u2060", "") == HOSTILE[0]


def test_an_ampersand_is_no_key(qtbot: Any) -> None:
    assert on_button("Te&Cd") == "Te&&Cd"


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_a_question_is_shown_as_it_is(qtbot: Any, answer: str) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    seen: list[tuple[str, Any]] = []

    def click() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        seen.append((box.text(), box.textFormat()))
        button = box.button(getattr(QMessageBox.StandardButton, answer))
        assert button is not None
        button.click()

    QTimer.singleShot(100, click)
    assert confirm(parent, "Remove model", HOSTILE[0]) is (answer == "Yes")
    assert seen == [(HOSTILE[0], Qt.TextFormat.PlainText)]


def test_the_card_of_a_model_sets_no_links_and_loads_no_pictures(qtbot: Any, library: Path) -> None:
    card = "# Card\n\n[click](http://host) ![x](file:///etc/passwd) <img src='http://host'>\n"
    write_small_model(library / "other.safetensors", lattice_nm=0.374)
    (library / "other.md").write_text(card, encoding="utf-8")
    entry = next(each for each in list_models() if each.path.name == "other.safetensors")
    assert isinstance(entry, ModelEntry)
    parent = QWidget()
    qtbot.addWidget(parent)
    text = ModelCardDialog(entry, parent).text
    assert isinstance(text, QPlainTextEdit)
    assert text.isReadOnly()
    assert text.toPlainText() == card
    document = text.document()
    assert isinstance(document, QTextDocument)
    assert "href" not in document.toHtml()


def test_every_panel_shows_text_by_this_module() -> None:
    others = []
    for path in PLUGIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "id", getattr(called, "attr", ""))
            imported = (
                {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
            )
            forbidden = {"show_info", "show_warning", "show_error"} & imported
            is_napari = isinstance(node, ast.ImportFrom) and "notifications" in (node.module or "")
            if name in GUESSING | INTERPRETING or (is_napari and forbidden):
                others.append(f"{path.name}:{getattr(node, 'lineno', 0)} {name or forbidden}")
    assert [each for each in others if not each.startswith("plain_text.py")] == []


def test_the_check_knows_the_labels_of_the_panels(qtbot: Any) -> None:
    label = QLabel("<b>bold</b>")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.AutoText  # what the module is for
