"""The tutorial, step by step from an empty folder, with the time each step takes.

    python -m pytest -m long tests/napari_plugin/test_tutorial.py -s

prints the table of docs/tutorial.md.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from events import canvas_of, click, data_to_pixel, press_key
from panels import choose_in_list, choose_in_menu, docked, press, wait_for
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QWidget

import napari_stem_defects
from napari_stem_defects.io.models import library
from napari_stem_defects.io.results.result_folder import RESULT_FILES
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget
from napari_stem_defects.napari_plugin.panels.preprocess.panel import PreprocessWidget
from napari_stem_defects.napari_plugin.panels.train.panel import TrainEnsembleWidget

pytestmark = [pytest.mark.gui, pytest.mark.long, pytest.mark.timeout(7200)]

# Positions of the defects in the public micrograph, px, from data/README.md.
POSITIONS = {
    "1": [(y, x) for y in (430, 520, 610) for x in (240, 350, 450, 560, 670)],
    "2": [(y, 335) for y in range(30, 310, 28)],
    "3": [(218 + 0.36 * x, x) for x in range(20, 290, 28)],
    "5": [(660 + 0.5 * x, x) for x in (20, 50, 80, 110, 140)],
}
TRAINING_LIMIT_S = 6000


class Steps:
    """Measures the time of every step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.monotonic()

    def done(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name], self._started = now - self._started, now
        print(f"| {name} | {self.seconds[name]:.0f} s |", flush=True)


def test_the_tutorial(
    viewer: Any, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = Path(napari_stem_defects.__file__).parent / "pretrained"
    monkeypatch.setattr(library, "BUNDLED", bundled)
    (library.user_folder() / "small.safetensors").unlink()
    viewer.layers.clear()
    steps = Steps()

    viewer.open(data_dir / "images" / "CdTe_Training_Image.tif", plugin="napari")
    image = viewer.layers[0]
    steps.done("open the image")

    widget = docked(viewer, PreprocessWidget)
    wait_for(lambda: widget.view_model.lattice is not None)
    press(widget, "run")
    wait_for(lambda: len(viewer.layers) == 6)
    press(widget, "cancel")
    choose_in_list(widget.crystal, "CdTe [110]")
    press(widget, "calibrate")
    viewer.window.remove_dock_widget(widget)
    steps.done("see the stages, calibrate")

    labelling = docked(viewer, LabelPatchesWidget)
    _label(viewer, labelling, image, tmp_path / "my labels", monkeypatch)
    steps.done("label 40 patches")

    training = docked(viewer, TrainEnsembleWidget)
    folder = str(tmp_path / "my labels")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: folder)
    press(training, "add_data")
    wait_for(lambda: bool(training.view_model.counts))
    _train(training, "mine")
    steps.done("train")

    viewer.window.remove_dock_widget(training)
    detecting = docked(viewer, DetectDefectsWidget)
    _detect(detecting)
    steps.done("detect")

    _correct(viewer, detecting, image)
    assert sum(labelling.view_model.counts.values()) > 40
    steps.done("correct a region")

    viewer.window.remove_dock_widget(detecting)
    training = docked(viewer, TrainEnsembleWidget)
    press(training, "add_data")
    wait_for(lambda: bool(training.view_model.counts))
    _train(training, "mine-2")
    steps.done("train again")

    viewer.window.remove_dock_widget(training)
    detecting = docked(viewer, DetectDefectsWidget)
    assert "mine-2" in [entry.name for entry in library.list_models()]
    _detect(detecting)
    steps.done("detect again")

    results = tmp_path / "results"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(results))
    press(detecting, "export")
    wait_for(lambda: not detecting.view_model.exporting.busy)
    assert all((results / image.name / name).is_file() for name in RESULT_FILES)
    steps.done("export")
    print(f"| all | {sum(steps.seconds.values()) / 60:.1f} min |")


def _label(
    viewer: Any, widget: Any, image: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(folder), ""))
    menu = widget.findChild(QWidget, "new_project").menu()
    menu.popup(widget.mapToGlobal(widget.rect().topLeft()))
    choose_in_menu(menu, "CdTe")
    widget.boxes.activate()
    viewer.reset_view()
    QTest.qWait(200)
    canvas = canvas_of(viewer)
    for key, positions in POSITIONS.items():
        press_key(canvas, getattr(Qt.Key, f"Key_{key}"))
        for y, x in positions:
            click(canvas, data_to_pixel(canvas, image, y, x))
    assert sum(widget.view_model.counts.values()) == 40


def _train(widget: Any, name: str) -> None:
    line = widget.findChild(QWidget, "name")
    line.selectAll()
    QTest.keyClicks(line, name)
    widget.split.setCurrentText("random")
    press(widget, "run")
    wait_for(lambda: not widget.view_model.run.busy, TRAINING_LIMIT_S)
    assert widget.view_model.run.phase == "done", widget.view_model.run.message


def _detect(widget: Any) -> None:
    wait_for(lambda: bool(widget.pixel_size.statement))
    press(widget, "run")
    wait_for(lambda: not widget.view_model.run.busy, TRAINING_LIMIT_S)
    assert widget.view_model.run.phase == "done", widget.view_model.run.message
    print(widget.view_model.results.summary())


def _correct(viewer: Any, widget: Any, image: Any) -> None:
    """Select the smallest region in the table and mark it as no defect."""
    region = min(widget.view_model.results.regions(), key=lambda r: r.area_px)
    widget.regions.select_region(region)
    widget.correction.set_region(region)
    count = len(widget.view_model.results.regions())
    press(widget, "delete_region")
    wait_for(lambda: len(widget.view_model.results.regions()) < count)
    assert np.isfinite(image.scale).all()
