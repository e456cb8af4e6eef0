"""Detect defects: drawn outlines, the model list, layout, and layers that come and go."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from events import canvas_of, data_to_pixel, drag, hover
from panel_actions import draw_with, manage, press_copy_as, run, slide, spot
from panels import NARROWEST_PX, crystal, docked, narrowest, press, wait_for
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QWidget
from small_model import write_small_model

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gui

ALL = ("Bulk", "LC", "SF1", "SF2", "Twin_Bound", "Vacancy_CdTe", "interstitial")


def test_drawn_outlines_are_searched_and_repeated_by_command(
    viewer: Any, tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "crystal.tif"
    tifffile.imwrite(path, crystal(256), photometric="minisblack")
    viewer.layers.clear()
    viewer.open(path, plugin="napari")
    widget = docked(viewer, DetectDefectsWidget)
    draw_with(widget, "freehand")
    around = [(30, 30), (30, 90), (30, 150), (70, 110), (110, 70), (150, 30), (90, 30), (32, 30)]
    drag(canvas_of(viewer), [spot(viewer, *place) for place in around])
    draw_with(widget, "ellipse")
    drag(
        canvas_of(viewer), [spot(viewer, *place) for place in ((150, 150), (180, 190), (220, 230))]
    )
    assert viewer.layers[-1].shape_type == ["polygon", "ellipse"]

    run(viewer, widget, layers=4)
    assert "searched 2 drawn regions, " in widget.view_model.run.message
    assert " % of the image" in widget.view_model.run.message
    slide(widget, "SF1", 0.01)
    wait_for(lambda: widget.view_model.results[0].thresholds["SF1"] == 0.01)
    result = widget.view_model.results[0]
    inside = widget.view_model.request.area.mask((256, 256))
    assert 0.15 < inside.mean() < 0.3
    assert inside[[50, 190], [50, 190]].all()
    assert not inside[[140, 150, 215], [140, 225, 155]].any()  # beside both, in their boxes
    assert not result.numbered[:, ~inside].any()
    # A line is a straight band, which leaves corners of an outline that it fills.
    assert (result.numbered[0] > 0)[inside].mean() > 0.8
    assert all(region.area_px <= inside.sum() for region in result.regions)
    canvas = canvas_of(viewer)
    hover(canvas, spot(viewer, 50, 50))
    assert set(widget.classes.values) == {"Bulk", "SF1"}
    hover(canvas, spot(viewer, 140, 140))
    assert widget.classes.values == {}

    press_copy_as(widget, "Command")
    words = shlex.split(QApplication.clipboard().text())
    words[words.index("small")] = str(library / "small.safetensors")
    monkeypatch.chdir(tmp_path)
    assert main(words[1:]) == 0
    (repeated,) = read_results(tmp_path / "results" / "crystal")
    np.testing.assert_array_equal(repeated.masks, result.numbered > 0)
    # Matrix products on one thread and on several differ in their last bits.
    np.testing.assert_allclose(repeated.map.probability, result.map.probability, atol=1e-5)


def test_layers_record_model_parameters_and_version(viewer: Any, library: Path) -> None:
    widget = docked(viewer, DetectDefectsWidget)
    run(viewer, widget)
    slide(widget, "SF1", 0.01)
    wait_for(lambda: widget.view_model.results[0].thresholds["SF1"] == 0.01)
    wait_for(lambda: not widget._drawing.is_active)
    about = viewer.layers["SF1 - CdTe"].metadata["stem_defects"]
    assert about["model"]["sha256"] == load_model(library / "small.safetensors").sha256
    assert about["frames"][0]["thresholds"]["SF1"] == 0.01
    assert about["frames"][0]["stride_px"] == 8
    assert about["image"]["name"] == "CdTe"
    assert about["version"]


def test_models_are_exported_and_removed_after_confirmation(
    viewer: Any, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library / "small.md").write_text("# small", encoding="utf-8")
    bundled = write_small_model(tmp_path / "bundled" / "ours.safetensors")
    monkeypatch.setattr(library_module, "BUNDLED", bundled.parent)
    widget = docked(viewer, DetectDefectsWidget)
    assert widget.ensemble.entry.name == "small"
    out = tmp_path / "out" / "copy.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    manage(widget, "Export")
    wait_for(lambda: "was written to" in widget.view_model.run.message)
    assert load_model(out).sha256 == load_model(library / "small.safetensors").sha256
    assert out.with_suffix(".md").read_text(encoding="utf-8") == "# small"

    confirm_or_refuse("No")
    manage(widget, "Remove")
    assert (library / "small.safetensors").exists()
    confirm_or_refuse("Yes")
    manage(widget, "Remove")
    wait_for(lambda: widget.ensemble.is_auto)
    widget.ensemble.setCurrentText("ours (bundled)")
    assert list(library.iterdir()) == []
    row = widget.setup.model_row
    row.menu.popup(row.more.mapToGlobal(QPoint(0, 0)))
    allowed = {action.text(): action.isEnabled() for action in row.menu.actions()}
    row.menu.close()
    assert allowed == {
        "Show card…": True,
        "Import model…": True,
        "Export model…": True,
        "Remove model…": False,
    }
    assert bundled.exists()


def confirm_or_refuse(text: str) -> None:
    """Click a button of the next message box."""

    def pressed() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        button = box.button(getattr(QMessageBox.StandardButton, text))
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(300, pressed)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_eight_regions_are_in_sight_on_a_small_screen(
    viewer: Any, library: Path, theme: str
) -> None:
    write_small_model(library / "small.safetensors", ALL)
    viewer.theme = theme
    widget = docked(viewer, DetectDefectsWidget)
    run(viewer, widget, layers=8)
    wait_for(lambda: not widget.setup.fold.isChecked())
    table, body = widget.regions, widget.body

    def bottom() -> int:
        return int(table.mapTo(body.viewport(), QPoint(0, 0)).y() + table.height())

    wait_for(lambda: bottom() <= body.viewport().height(), 10)  # layers are still being drawn
    assert table.viewport().height() >= 8 * table.verticalHeader().defaultSectionSize()
    assert table.mapTo(body.viewport(), QPoint(0, 0)).y() >= 0
    assert "small · 8 px (0.216 nm) · whole image" in widget.setup.fold.text()
    labels = {each.objectName(): each for each in widget.classes.findChildren(QLabel)}
    found = [name for name, total in widget.view_model.results.counts().items() if total.count]
    assert found
    for name in found:
        density = labels[f"density_{name.lower()}"]
        assert re.fullmatch(r"[0-9.e-]+( nm)?", density.text())
        assert density.width() >= density.sizeHint().width()
    assert labels["density_unit"].isVisible()
    assert labels["density_unit"].text() == "per nm²"
    assert narrowest(widget) <= NARROWEST_PX
    press(widget, "setup")
    assert widget.image.isVisible()
    assert narrowest(widget) <= NARROWEST_PX
    beside = widget.findChild(QLabel, "stride_nm")
    assert beside.text() == "0.216 nm"
    assert beside.width() >= beside.sizeHint().width()
    widget.setup.stride.setValue(16)
    assert beside.text() == "0.432 nm"
    assert "16 px (0.432 nm)" in widget.setup.stride.toolTip()


def test_thresholds_by_mouse_keys_and_figures(viewer: Any) -> None:
    widget = docked(viewer, DetectDefectsWidget)
    bar = widget.findChild(QWidget, "threshold_sf1")
    widget.body.ensureWidgetVisible(bar)
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.rect().center())
    assert widget.view_model.thresholds["SF1"] == pytest.approx(0.5, abs=0.02)
    at = round(100 * widget.view_model.thresholds["SF1"])
    QTest.keyClick(bar, Qt.Key.Key_PageUp)
    QTest.keyClick(bar, Qt.Key.Key_Left)
    assert widget.view_model.thresholds["SF1"] == pytest.approx((at + 9) / 100)
    figure = widget.findChild(QWidget, "threshold_figure_sf1")
    QTest.mouseClick(figure, Qt.MouseButton.LeftButton)
    figure.selectAll()
    QTest.keyClicks(figure, "0.33")
    QTest.keyClick(figure, Qt.Key.Key_Return)
    assert widget.view_model.thresholds["SF1"] == 0.33
    assert bar.value() == 33
    widget.findChild(QWidget, "threshold_bulk").setFocus()
    for name in ("threshold_sf1", "regions"):
        QTest.keyClick(widget.focusWidget(), Qt.Key.Key_Tab)
        assert widget.focusWidget().objectName() == name


def test_layers_deleted_and_renamed_while_the_scan_refines(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "out"))
    viewer.add_image(crystal(512), name="large", scale=(0.027, 0.027), units=("nm", "nm"))
    widget = docked(viewer, DetectDefectsWidget)
    widget.setup.stride.setValue(4)
    press(widget, "run")
    wait_for(lambda: bool(widget.view_model.results) and len(viewer.layers) == 4)
    assert not widget.view_model.results[0].finished
    viewer.layers["SF1 - large"].name = "mine"
    viewer.layers.remove("unknown - large")
    viewer.layers["large"].data = np.zeros((50, 60))  # another image under the same name
    wait_for(lambda: not widget.view_model.run.busy)
    wait_for(lambda: not widget._drawing.is_active)
    assert widget.view_model.run.phase == "done"
    assert widget.view_model.results[0].finished
    np.testing.assert_array_equal(
        viewer.layers["mine"].data, widget.view_model.results[0].numbered[0]
    )
    assert "unknown - large" not in viewer.layers
    press(widget, "export")
    wait_for(
        lambda: (
            "the image has changed since the run; run the detection again"
            in widget.view_model.exporting.message
        )
    )
    viewer.layers.remove("large")
    canvas = canvas_of(viewer)
    hover(canvas, data_to_pixel(canvas, viewer.layers[0], 100, 90))
    assert widget.classes.values == {}
    assert widget.image.image is viewer.layers["CdTe"]
