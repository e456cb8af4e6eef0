"""The panel Preprocess, driven by mouse and keys."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from events import canvas_of, data_to_pixel, hover
from panels import Heartbeat, choose_in_list, crystal, docked, press, wait_for
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_stem_defects.napari_plugin.panels.common.shared_state import training_settings
from napari_stem_defects.napari_plugin.panels.preprocess.panel import PreprocessWidget
from napari_stem_defects.napari_plugin.panels.train.panel import TrainEnsembleWidget

pytestmark = pytest.mark.gui


def test_thumbnails_follow_the_mouse(viewer: Any) -> None:
    widget = docked(viewer, PreprocessWidget)
    painted: list[float] = []
    paint = widget.thumbnails.paintEvent

    def painting(event: Any) -> None:
        paint(event)
        painted.append(time.perf_counter())

    widget.thumbnails.paintEvent = painting
    canvas, image = canvas_of(viewer), viewer.layers[0]
    seconds = []
    for x in range(60, 200, 10):
        count, started = len(painted), time.perf_counter()
        hover(canvas, data_to_pixel(canvas, image, 100, x))
        wait_for(lambda count=count: len(painted) > count)
        seconds.append(painted[count] - started)
    print(f"from mouse to picture: median {1e3 * np.median(seconds):.0f} ms")
    assert np.median(seconds) < 1  # target 0.05; the machine may be busy


def test_settings_are_saved_loaded_restored_and_used_for_training(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = docked(viewer, PreprocessWidget)
    training = docked(viewer, TrainEnsembleWidget)
    file = tmp_path / "settings.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    slider = widget.findChild(QWidget, "background_px")
    widget.body.ensureWidgetVisible(slider)
    for _ in range(10):
        QTest.keyClick(slider, Qt.Key.Key_Left)
    wait_for(lambda: widget.view_model.settings.background_px == 2.0)
    press(widget, "save_settings")
    preset = widget.findChild(QWidget, "preset")
    QTest.keyClick(preset, Qt.Key.Key_Down)
    preset.activated.emit(preset.currentIndex())
    assert widget.view_model.settings.background_px == 12.0
    press(widget, "load_settings")
    assert widget.view_model.settings.background_px == 2.0
    press(widget, "use_for_training")
    assert training_settings.preprocessing == widget.view_model.settings
    assert "background 2" in training.preprocessing.text()
    press(training, "forget_preprocessing")
    assert training_settings.preprocessing is None
    viewer.window.remove_dock_widget(widget)
    assert docked(viewer, PreprocessWidget).view_model.settings.background_px == 2.0


def test_an_uncalibrated_image_gets_a_pixel_size(viewer: Any) -> None:
    viewer.layers.clear()
    viewer.add_image(crystal(768), name="bare")
    widget = docked(viewer, PreprocessWidget)
    wait_for(lambda: widget.view_model.lattice is not None)
    assert "px" in widget.lattice.text()
    assert not widget.calibrate.isEnabled()  # until the user states the crystal
    choose_in_list(widget.crystal, "CdTe [110]")
    assert widget.proposal.text() == "not this crystal: equal spacings at 70.5°"
    assert not widget.calibrate.isEnabled()
    choose_in_list(widget.crystal, "SrTiO3 [001]")
    press(widget, "calibrate")
    assert str(viewer.layers["bare"].units[0]) == "nanometer"
    assert viewer.layers["bare"].scale[0] == pytest.approx(0.3905 / 13.9, rel=0.02)
    press(widget, "run")
    gaps = Heartbeat()
    wait_for(lambda: len(viewer.layers) == 6)
    names = {layer.name for layer in viewer.layers}
    assert {"Original - bare", "Thresholded - bare"} < names
    slider = widget.findChild(QWidget, "smoothing_px")
    shown = viewer.layers["Background removed - bare"].data
    for value in np.linspace(1, 3, 9):
        slider.setValue(value)
        QTest.qWait(15)
    wait_for(lambda: viewer.layers["Background removed - bare"].data is not shown)
    viewer.layers.remove("log FFT - bare")
    viewer.layers["Background removed - bare"].name = "mine"
    slider.setValue(1.5)
    QTest.qWait(300)
    assert len(viewer.layers) == 5
    assert viewer.layers.extent.units == viewer.layers["bare"].units
    gaps.check()


def test_stages_have_names_that_fit_and_are_shown_large_on_demand(viewer: Any) -> None:
    widget = docked(viewer, PreprocessWidget)
    wait_for(lambda: bool(widget.thumbnails._pictures))
    assert widget.thumbnails.width() < 400
    assert widget.thumbnails.captions_fit()
    strip = widget.thumbnails
    place = QPoint(round(strip.width() * 0.7), 20)  # the fourth of five
    chosen: list[str] = []
    strip.stage_selected.connect(chosen.append)
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=place)
    assert chosen == ["spectrum"]
    assert not widget.large.isVisible()
    QTest.mouseDClick(strip, Qt.MouseButton.LeftButton, pos=place)
    assert widget.large.isVisible()
    assert widget.large.windowTitle() == "log FFT (patch at the cursor)"
    QTest.qWait(50)
    before = widget.large.grab().toImage()
    assert len({before.pixel(x, 100) for x in range(0, before.width(), 3)}) > 10
    canvas = canvas_of(viewer)
    hover(canvas, data_to_pixel(canvas, viewer.layers[0], 40, 190))
    wait_for(lambda: widget.large.grab().toImage() != before)
    widget.large.close()
