"""Settings that persist between sessions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel, QSpinBox

from napari_stem_defects.napari_plugin.panels.common import settings as settings_module
from napari_stem_defects.napari_plugin.panels.common.settings import (
    bind_settings,
    save_setting,
    settings,
)

pytestmark = pytest.mark.gui


def controls(qtbot: Any) -> tuple[QSpinBox, QComboBox, QCheckBox]:
    spin, combo, check = QSpinBox(), QComboBox(), QCheckBox()
    combo.addItems(["auto", "cpu"])
    for control, name in ((spin, "stride"), (combo, "device"), (check, "compare")):
        control.setObjectName(name)
        qtbot.addWidget(control)
    return spin, combo, check


def test_controls_are_restored(qtbot: Any, own_settings: SimpleNamespace) -> None:
    for control, value in zip(controls(qtbot), (5, "cpu", True), strict=True):
        bind_settings("detect", control)
        set_value = settings_module._access(control)[1]
        set_value(value)
    stored = {name: vars(own_settings.detect)[name] for name in ("stride", "device", "compare")}
    assert stored == {"stride": 5, "device": "cpu", "compare": True}
    spin, combo, check = controls(qtbot)
    bind_settings("detect", spin, combo, check)
    assert (spin.value(), combo.currentText(), check.isChecked()) == (5, "cpu", True)


def test_other_controls_are_refused(qtbot: Any) -> None:
    label = QLabel()
    qtbot.addWidget(label)
    with pytest.raises(TypeError, match="QLabel"):
        bind_settings("detect", label)


def test_a_refused_value_leaves_the_setting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing:
        def __setattr__(self, name: str, value: object) -> None:
            raise ValueError("must be at most 64")

    monkeypatch.setattr(settings_module, "_all", lambda: SimpleNamespace(detect=Refusing()))
    save_setting("detect", "stride", 100)
    assert "setting detect.stride was not stored: must be at most 64" in caplog.text
    assert not hasattr(settings("detect"), "stride")
