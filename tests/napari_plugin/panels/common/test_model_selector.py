"""Combo box of the models in the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sample_results import model_entry
from small_model import write_small_model

from napari_stem_defects.napari_plugin.panels.common.model_selector import (
    ModelSelector,
    describe,
    script_name,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gui


def test_reloading_keeps_or_changes_the_selection(qtbot: Any, library: Path) -> None:
    selector = ModelSelector()
    qtbot.addWidget(selector)
    assert selector.entry is not None
    assert selector.entry.name == "small"
    write_small_model(library / "another.safetensors")
    selector.reload()
    assert selector.count() == 2
    assert selector.entry.name == "small"
    selector.reload("another")
    assert selector.entry.name == "another"
    assert script_name(selector.entry) == "another"


def test_an_empty_library(qtbot: Any, library: Path) -> None:
    (library / "small.safetensors").unlink()
    selector = ModelSelector()
    qtbot.addWidget(selector)
    assert selector.entry is None
    assert describe(None).startswith("There is no model yet")


def test_auto_is_the_first_item(qtbot: Any, library: Path) -> None:
    selector = ModelSelector(with_auto=True)
    qtbot.addWidget(selector)
    assert selector.is_auto
    assert selector.entry is None
    selector.setCurrentIndex(1)
    assert not selector.is_auto
    assert selector.entry is not None
    assert selector.entry.name == "small"
    selector.reload()
    assert selector.entry.name == "small"
    (library / "small.safetensors").unlink()
    selector.reload()
    assert selector.is_auto


def test_description_of_a_model() -> None:
    text = describe(model_entry())
    assert text.startswith("3 classes · 0.0300 nm/px · ")


def test_the_first_model_offered_is_selected(qtbot: Any, library: Path) -> None:
    selector = ModelSelector()
    qtbot.addWidget(selector)
    selector.offer(lambda _: False, "measuring the lattice…")
    assert selector.entry is None
    selector.offer(lambda _: True, "no model fits this image")
    assert selector.entry is not None
    assert selector.currentText() == "small (user)"
