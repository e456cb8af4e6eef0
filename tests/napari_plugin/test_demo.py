"""`demo` opens napari with an image, its defects and the panel Detect defects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari
import pytest
from small_model import write_small_model

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.models import library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.gui


def test_the_result_is_shown_calibrated(
    make_napari_viewer: Callable[[], napari.Viewer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = write_small_model(tmp_path / "small.safetensors")
    monkeypatch.setattr(library, "find_model", lambda name: model)
    monkeypatch.setattr(napari, "Viewer", make_napari_viewer)
    monkeypatch.setattr(napari, "run", lambda: None)
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    viewer = napari.current_viewer()
    names = [layer.name for layer in viewer.layers]
    assert names == [
        "cdte-110_seed0",
        "SF1 - cdte-110_seed0",
        "unknown - cdte-110_seed0",
    ]
    assert {str(unit) for layer in viewer.layers for unit in layer.units} == {"nanometer"}
    assert any("Detect defects" in name for name in viewer.window.dock_widgets)
