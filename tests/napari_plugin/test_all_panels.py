"""The four panels in a real viewer, driven by mouse and keys."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from events import canvas_of, click, data_to_pixel, drag, hover, press_key
from panel_actions import choose_panel
from panels import NARROWEST_PX, Heartbeat, crystal, docked, narrowest, wait_for
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QWidget,
)
from superqt import QCollapsible, QLabeledDoubleSlider

from napari_stem_defects.napari_plugin.all_panels import PANELS as NAMES_OF_PANELS
from napari_stem_defects.napari_plugin.layers.convert import get_camera
from napari_stem_defects.napari_plugin.layers.search_area import start_drawing
from napari_stem_defects.napari_plugin.panels.common.docking import find_dock, show_detect_panel
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget
from napari_stem_defects.napari_plugin.panels.preprocess.panel import PreprocessWidget
from napari_stem_defects.napari_plugin.panels.train.panel import TrainEnsembleWidget

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.gui

PANELS = (PreprocessWidget, LabelPatchesWidget, TrainEnsembleWidget, DetectDefectsWidget)
COMPOSED = (QCollapsible, QLabeledDoubleSlider, QComboBox, QAbstractItemView, QAbstractSpinBox)
KEY, CTRL, SHIFT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.mark.parametrize("images", [0, 1])
def test_disabled_controls_state_the_reason(viewer: Any, images: int) -> None:
    if not images:
        viewer.layers.clear()
    for panel in PANELS:
        widget = docked(viewer, panel)
        QTest.qWait(100)
        for control in widget.findChildren(QWidget):
            is_own = bool(control.objectName()) and control.toolTip() != ""
            if is_own and control.isVisible() and not control.isEnabled():
                about, _, reason = control.toolTip().rpartition("\n")
                assert about, f"{panel.__name__} {control.objectName()}: {control.toolTip()}"
                assert reason.endswith("."), control.objectName()


def test_panels_leave_a_small_screen_to_the_image(viewer: Any) -> None:
    for panel in PANELS:
        widget = docked(viewer, panel)
        for fold in widget.findChildren(QCollapsible):
            fold.expand(animate=False)
        assert narrowest(widget) <= NARROWEST_PX, panel.__name__


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_controls_have_names_and_tooltips_and_are_visible(viewer: Any, theme: str) -> None:
    viewer.theme = theme
    for panel in PANELS:
        widget = docked(viewer, panel)
        bottom = viewer.window._qt_window.rect().bottom()
        for name in ("run", "cancel"):
            control = widget.findChild(QWidget, name)
            assert control.isVisible()
            below = control.mapTo(viewer.window._qt_window, control.rect().bottomLeft())
            assert below.y() <= bottom
        body = widget.findChild(QScrollArea)
        wait_for(lambda body=body: body.widget().width() <= body.viewport().width() < 400)
        for control in controls(widget):
            assert control.objectName() == control.objectName().lower() != ""
            assert control.toolTip()
        viewer.window.remove_dock_widget(widget)
    assert viewer.mouse_move_callbacks == []


LONG = "2026-11-30 HAADF lamella B3 overview 0042 (drift corrected, 4 frames summed) again"
LONG_CLASS = LONG[:60].rstrip()
NARROW_PX = 350
"""Width of a panel that leaves room for the image on a laptop."""


def test_long_names_do_not_widen_the_panels(viewer: Any, tmp_path: Path) -> None:
    """Names of image, project and class, which nobody chose for a panel of 350 px."""
    viewer.layers[0].name = LONG
    widget = docked(viewer, LabelPatchesWidget)
    widget.view_model.create(tmp_path / LONG, ("Bulk", LONG_CLASS))
    widget.view_model.add_labels(widget.view_model.image, 0, [(60, 60)], LONG_CLASS)
    QTest.qWait(50)
    viewer.window.remove_dock_widget(widget)
    widget = docked(viewer, LabelPatchesWidget)
    assert widget.resume.isVisible()
    assert widget.body.minimumSizeHint().width() <= NARROW_PX
    widget.view_model.open(tmp_path / LONG)
    assert widget.project_name.text() == LONG
    trained, found = docked(viewer, TrainEnsembleWidget), docked(viewer, DetectDefectsWidget)
    QTest.mouseClick(trained.add_open, Qt.MouseButton.LeftButton)
    assert trained.view_model.sources == [tmp_path / LONG]
    assert not trained.add_open.isEnabled()
    wait_for(lambda: trained.view_model.counts.get(LONG_CLASS) == 1)
    found.classes.set_thresholds({"Bulk": 0.5, LONG_CLASS: 0.5})
    found.setup.fold.setChecked(False)
    QTest.qWait(50)
    for each in (widget, trained, found, docked(viewer, PreprocessWidget)):
        assert each.minimumSizeHint().width() <= NARROW_PX
    assert "whole image" in found.setup.fold.text()  # the settings are not pushed out
    widget.view_model.close()
    assert not trained.add_open.isEnabled()


def test_layers_of_the_panels_stay_on_an_image_that_is_calibrated_later(viewer: Any) -> None:
    viewer.layers.clear()
    image = viewer.add_image(crystal(256), name="bare")
    found, labels = docked(viewer, DetectDefectsWidget), docked(viewer, LabelPatchesWidget)
    assert labels.view_model.ensure_project()
    wait_for(lambda: labels.boxes.layer is not None)
    labels.paint.setChecked(True)
    start_drawing(viewer, image)
    found.survey.start(image, 0)
    wait_for(lambda: "anomaly - bare" in viewer.layers)
    stages = docked(viewer, PreprocessWidget)
    stages.start()
    wait_for(lambda: "Thresholded - bare" in viewer.layers)
    before = image.world_to_data(get_camera(viewer).center[-2:])

    found.setup.size_row.spin.setValue(0.03)
    found.setup.size_row.calibrate.click()
    made = [layer for layer in viewer.layers if layer is not image]
    assert {"labels - bare", "brush - bare", "search region - bare"} <= {m.name for m in made}
    for layer in made:
        assert str(layer.units[-1]) == "nanometer", layer.name
        np.testing.assert_allclose(
            layer.data_to_world((0,) * layer.ndim)[-2:], image.data_to_world((0, 0))
        )
        assert layer.scale[-1] == pytest.approx(0.03), layer.name
    assert image.world_to_data(get_camera(viewer).center[-2:]) == pytest.approx(before)
    assert labels.view_model.labels == ()


def controls(widget: QWidget) -> Iterator[QWidget]:
    """Yield the controls of a panel, without the parts that they are composed of."""
    for kind in (QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox):
        for control in widget.findChildren(kind):
            if not isinstance(control, QScrollBar) and _is_own(control, widget):
                yield control


def _is_own(control: QWidget, panel: QWidget) -> bool:
    """Return whether a control is not part of another control."""
    parent = control.parentWidget()
    while parent is not None and parent is not panel:
        if isinstance(parent, COMPOSED):
            return False
        parent = parent.parentWidget()
    return True


def test_labels_by_mouse_and_keys(viewer: Any, tmp_path: Path) -> None:
    widget = docked(viewer, LabelPatchesWidget)
    model, folder = widget.view_model, tmp_path / "project"
    model.create(folder, ("Bulk", "SF1", "LC"))
    widget.boxes.activate()
    QTest.qWait(100)
    canvas, layer = canvas_of(viewer), widget.boxes.layer

    def spot(y: float, x: float) -> Any:
        return data_to_pixel(canvas, viewer.layers[0], y, x)

    press_key(canvas, KEY.Key_2)
    started = time.monotonic()
    click(canvas, spot(60, 80))
    assert time.monotonic() - started < 5
    assert (folder / "labels.jsonl").read_text().count('"op":"label"') == 1
    press_key(canvas, KEY.Key_3)
    click(canvas, spot(180, 200))
    assert [label.class_name for label in model.labels] == ["SF1", "LC"]
    assert model.labels[0].y == pytest.approx(60, abs=1.5)
    assert widget.classes.findChild(QWidget, "count_lc").text() == "1"
    assert len(layer.data) == 6

    drag(canvas, [spot(60, 80), spot(70, 100), spot(80, 120)])
    assert (model.labels[0].y, model.labels[0].x) == pytest.approx((80, 120), abs=2)
    camera = get_camera(viewer).center
    drag(canvas, [spot(120, 40), spot(130, 60), spot(140, 80)])
    assert get_camera(viewer).center != camera
    assert len(model.labels) == 2

    click(canvas, spot(185, 190), Qt.MouseButton.RightButton)
    assert [label.class_name for label in model.labels] == ["SF1"]
    press_key(canvas, KEY.Key_Z, CTRL)
    assert len(model.labels) == 2
    press_key(canvas, KEY.Key_Z, CTRL)
    assert (model.labels[0].y, model.labels[0].x) == pytest.approx((60, 80), abs=1.5)
    press_key(canvas, KEY.Key_Z, CTRL | SHIFT)
    assert (model.labels[0].y, model.labels[0].x) == pytest.approx((80, 120), abs=2)
    press_key(canvas, KEY.Key_Delete)
    assert [label.class_name for label in model.labels] == ["LC"]
    assert viewer.layers.extent.units == viewer.layers[0].units

    viewer.layers.remove(layer)
    model.close()
    model.open(folder)
    assert [label.class_name for label in model.labels] == ["LC"]
    model.close()


def test_detection_does_not_freeze_napari(viewer: Any) -> None:
    widget = docked(viewer, DetectDefectsWidget)
    wait_for(lambda: bool(widget.pixel_size.statement))
    assert "is the model's" in widget.pixel_size.statement
    gaps = Heartbeat()
    QTest.mouseClick(widget.findChild(QWidget, "run"), Qt.MouseButton.LeftButton)
    wait_for(lambda: len(viewer.layers) == 3)
    wait_for(lambda: not widget.view_model.run.busy)
    gaps.check()
    assert widget.view_model.run.phase == "done"
    assert [layer.name for layer in viewer.layers] == ["CdTe", "SF1 - CdTe", "unknown - CdTe"]

    widget.view_model.set_threshold("SF1", 0.01, 0)
    wait_for(lambda: len(widget.view_model.results.regions()) == 1)
    wait_for(lambda: (viewer.layers["SF1 - CdTe"].data > 0).mean() > 0.9)
    get_camera(viewer).center = (0, 0, 0)
    widget.regions.selectRow(0)
    region = widget.view_model.results.regions()[0]
    assert get_camera(viewer).center[-2:] == pytest.approx((region.y_nm, region.x_nm))
    assert viewer.screenshot(canvas_only=True, flash=False)[..., :3].std() > 10


def test_torch_is_not_imported_in_napari(library: Path) -> None:
    script = Path(__file__).parents[1] / "helpers" / "detect_alone.py"
    done = subprocess.run(
        [sys.executable, script, library], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done, foreign modules: []"


def test_cancel_and_a_deleted_image(viewer: Any) -> None:
    viewer.add_image(crystal(768), name="large", scale=(0.027, 0.027), units=("nm", "nm"))
    widget = docked(viewer, DetectDefectsWidget)
    widget.setup.stride.setValue(1)
    QTest.mouseClick(widget.findChild(QWidget, "run"), Qt.MouseButton.LeftButton)
    wait_for(
        lambda: widget.view_model.run.phase == "running" and widget.view_model.run.fraction > 0
    )
    viewer.layers.remove("large")
    started = time.monotonic()
    QTest.mouseClick(widget.findChild(QWidget, "cancel"), Qt.MouseButton.LeftButton)
    wait_for(lambda: not widget.view_model.run.busy)
    assert time.monotonic() - started < 10
    assert widget.view_model.run.phase == "cancelled"


def test_stages_follow_mouse_and_slider(viewer: Any) -> None:
    widget = docked(viewer, PreprocessWidget)
    seen: list[Any] = []
    widget.view_model.patch_found.connect(seen.append)
    canvas, image = canvas_of(viewer), viewer.layers[0]
    hover(canvas, data_to_pixel(canvas, image, 100, 90))
    np.testing.assert_allclose(seen[-1].original[32, 32], image.data[100, 90], rtol=0.5)
    QTest.mouseClick(widget.findChild(QWidget, "run"), Qt.MouseButton.LeftButton)
    wait_for(lambda: len(viewer.layers) == 6)
    assert viewer.layers.extent.units == image.units
    filtered = viewer.layers["Background removed - CdTe"]
    before = filtered.data.copy()
    widget.findChild(QWidget, "smoothing_px").setValue(4.0)
    wait_for(lambda: not np.array_equal(filtered.data, before))
    assert widget.view_model.settings.smoothing_px == 4.0
    wait_for(lambda: widget.view_model.lattice is not None)
    assert "nm" in widget.lattice.text()
    QTest.mouseClick(widget.findChild(QWidget, "cancel"), Qt.MouseButton.LeftButton)
    assert len(viewer.layers) == 1


def test_training_adds_a_model_to_the_library(viewer: Any, library: Path, tmp_path: Path) -> None:
    folder = tmp_path / "patches"
    folder.mkdir()
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 200, (64, 64), np.uint8)
        tifffile.imwrite(folder / f"Bulk_{number}.tif", noise)
        tifffile.imwrite(folder / f"SF1_{number}.tif", noise // 2 + crystal(64).astype(np.uint8))
    detecting = docked(viewer, DetectDefectsWidget)
    widget = docked(viewer, TrainEnsembleWidget)
    widget.view_model.add_source(folder)
    wait_for(lambda: widget.view_model.counts == {"Bulk": 12, "SF1": 12})
    widget.findChild(QWidget, "name").setText("new")
    widget.findChild(QWidget, "recipe").setCurrentText("abstract")  # without pretraining
    widget.findChild(QWidget, "epochs_sf1").setValue(2)
    widget.split.setCurrentText("random")
    QTest.mouseClick(widget.findChild(QWidget, "run"), Qt.MouseButton.LeftButton)
    wait_for(lambda: not widget.view_model.run.busy, seconds=60)
    assert widget.view_model.run.message.startswith("new is in your library")
    assert (library / "new.safetensors").is_file()
    assert [loss.epoch for loss in widget.view_model.losses if loss.class_name == "SF1"] == [1, 2]
    assert widget.losses.isVisible()
    assert widget.report.metrics.rowCount() == 2
    assert detecting.ensemble.entry.name == "new"


def test_one_menu_entry_opens_the_four_panels_in_tabs(viewer: Any) -> None:
    window = viewer.window
    choose_panel(viewer, "Label patches")
    choose_panel(viewer, "All panels")
    names = {f"{name} (STEM Defects)" for name in NAMES_OF_PANELS}
    wait_for(lambda: names == {name for name in window.dock_widgets if "STEM Defects" in name})
    QTest.qWait(200)
    panels = [window.dock_widgets[name] for name in names]
    assert [panel.title for panel in panels if panel.is_shown] == ["Preprocess"]
    main = window._qt_window
    bar = next(bar for bar in main.findChildren(QTabBar) if bar.count() == 4)
    titles = [bar.tabText(index) for index in range(4)]
    assert sorted(titles) == ["Detect", "Label", "Preprocess", "Train"]
    metrics = bar.fontMetrics()
    for index, title in enumerate(titles):
        assert bar.tabRect(index).width() >= metrics.horizontalAdvance(title)
    assert bar.tabRect(3).right() <= bar.width()
    for panel in panels:
        if panel.is_shown:
            assert panel.width() >= 300
            assert panel.height() > 500
            assert panel.thumbnails.captions_fit()
    choose_panel(viewer, "All panels")
    QTest.qWait(200)
    assert names == {name for name in window.dock_widgets if "STEM Defects" in name}


def test_what_opens_a_panel_leaves_one_of_the_menu_alone(viewer: Any) -> None:
    window = viewer.window
    choose_panel(viewer, "Detect defects")
    show_detect_panel()
    QTest.qWait(200)
    (panel,) = [widget for name, widget in window.dock_widgets.items() if "Detect" in name]
    dock = find_dock(panel)
    assert dock.isVisible()
    dock.hide()
    show_detect_panel()
    wait_for(dock.isVisible)
    assert len([name for name in window.dock_widgets if "Detect" in name]) == 1
    choose_panel(viewer, "Detect defects")
    assert not dock.isVisible()  # the menu hides what is open, as for every panel
