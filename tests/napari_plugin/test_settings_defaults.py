"""Settings that nobody has changed leave the panels as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from panels import docked
from qtpy.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

import napari_stem_defects
from napari_stem_defects.napari_plugin.panels.common.settings import CATEGORIES
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget
from napari_stem_defects.napari_plugin.panels.preprocess.panel import PreprocessWidget
from napari_stem_defects.napari_plugin.panels.train.panel import TrainEnsembleWidget

if TYPE_CHECKING:
    from types import SimpleNamespace

pytestmark = pytest.mark.gui

PANELS = {
    "detect": DetectDefectsWidget,
    "train": TrainEnsembleWidget,
    "label": LabelPatchesWidget,
    "preprocess": PreprocessWidget,
}


def _defaults() -> dict[str, dict[str, Any]]:
    """Return the defaults of napari's settings by category and name, from the manifest."""
    path = Path(napari_stem_defects.__file__).parent / "napari.yaml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))["contributions"]["configurations"]
    return {
        category: {name: each["default"] for name, each in declared[category]["properties"].items()}
        for category in CATEGORIES
    }


def _value(control: QWidget) -> Any:
    if isinstance(control, QSpinBox):
        return control.value()
    if isinstance(control, QCheckBox):
        return control.isChecked()
    assert isinstance(control, QComboBox)
    return control.currentText()


@pytest.mark.parametrize("category", PANELS)
def test_defaults_of_napari_are_those_of_the_panels(
    category: str, viewer: Any, own_settings: SimpleNamespace
) -> None:
    own_settings.detect.model = ""
    panel = docked(viewer, PANELS[category])
    for name, default in _defaults()[category].items():
        control = panel.findChild(QWidget, name)
        if control is None:  # what is remembered, as the last project
            assert default == ""
        else:
            assert _value(control) == default, name


def test_auto_is_selected_where_nothing_is_stored(viewer: Any, own_settings: Any) -> None:
    vars(own_settings.detect).update(_defaults()["detect"])
    assert docked(viewer, DetectDefectsWidget).ensemble.is_auto
