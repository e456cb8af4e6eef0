"""Detect defects, as a person uses it."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from events import canvas_of, click, drag, hover
from panel_actions import draw_with, manage, press_copy_as, run, slide, spot
from panels import Heartbeat, crystal, docked, press, wait_for
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QWidget

from napari_stem_defects.io.results.result_folder import read_results
from napari_stem_defects.napari_plugin.layers.convert import camera_of
from napari_stem_defects.napari_plugin.panels.common.shared_state import open_labels
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget

pytestmark = pytest.mark.gui


@pytest.fixture
def found(viewer: Any) -> Any:
    """Return the window after a run in which every window is called SF1."""
    widget = docked(viewer, DetectDefectsWidget)
    run(viewer, widget)
    slide(widget, "SF1", 0.01)
    wait_for(lambda: len(widget.model.regions()) == 1)
    return widget


def test_bars_follow_the_mouse_and_rows_follow_clicks(viewer: Any, found: Any) -> None:
    canvas = canvas_of(viewer)
    hover(canvas, spot(viewer, 100, 90))
    assert set(found.classes.values) == {"Bulk", "SF1"}
    expected = found.model.probabilities_at(0, 100, 90)
    assert found.classes.values["SF1"] == pytest.approx(expected["SF1"])
    hover(canvas, spot(viewer, -40, 90))
    assert found.classes.values == {}

    assert found.regions.chosen is None
    camera = camera_of(viewer).center
    drag(canvas, [spot(viewer, 100, 90), spot(viewer, 110, 100), spot(viewer, 120, 120)])
    assert found.regions.chosen is None
    assert camera_of(viewer).center != camera
    click(canvas, spot(viewer, 120, 100))
    assert found.regions.chosen is found.model.regions()[0]
    assert camera_of(viewer).center != (0, 0, 0)


def test_a_correction_changes_the_result_and_becomes_labels(
    viewer: Any, found: Any, tmp_path: Path
) -> None:
    click(canvas_of(viewer), spot(viewer, 120, 100))
    press(found, "delete_region")
    wait_for(lambda: found.model.regions() == [])
    assert not viewer.layers["CdTe · SF1"].data.any()
    assert "1 wait" in found.correction.statement.text()

    labelling = docked(viewer, LabelPatchesWidget)
    labelling.model.create(tmp_path / "project", ("Bulk", "SF1"))
    assert open_labels.model is labelling.model
    made = labelling.model.counts["Bulk"]
    assert made > 10  # the region is large
    assert f"{made} labels made" in found.correction.statement.text()

    press(found, "undo_correction")
    wait_for(lambda: len(found.model.regions()) == 1)
    assert labelling.model.counts["Bulk"] == 0
    viewer.window.remove_dock_widget(labelling)
    assert open_labels.model is None


def test_delete_on_the_table(viewer: Any, found: Any) -> None:
    table = found.regions
    row = table.visualRect(table.model().index(0, 1)).center()
    found.body.ensureWidgetVisible(table)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=row)
    region = found.model.regions()[0]
    assert camera_of(viewer).center[-2:] == pytest.approx((region.y_nm, region.x_nm))
    QTest.keyClick(table, Qt.Key.Key_Delete)
    wait_for(lambda: found.model.regions() == [])


def test_only_the_drawn_region_is_searched(viewer: Any) -> None:
    widget = docked(viewer, DetectDefectsWidget)
    draw_with(widget, "rectangle")
    assert widget.setup.area.currentText() == "drawn region"
    drag(canvas_of(viewer), [spot(viewer, 60, 80), spot(viewer, 100, 120), spot(viewer, 160, 200)])
    run(viewer, widget, layers=4)
    box = widget.model.request.area.plain()
    assert box == pytest.approx([60, 80, 160, 200], abs=3)
    slide(widget, "SF1", 0.01)
    wait_for(lambda: widget.model.results[0].thresholds["SF1"] == 0.01)
    QTest.qWait(50)
    top, left, bottom, right = box
    data = viewer.layers["CdTe · SF1"].data
    inside = np.count_nonzero(data[top:bottom, left:right])
    assert np.count_nonzero(data) == inside > 0.9 * (bottom - top) * (right - left)
    assert widget.model.probabilities_at(0, 10, 10) is None
    assert viewer.layers.extent.units == viewer.layers[0].units


def test_only_what_is_in_view_is_searched(viewer: Any) -> None:
    widget = docked(viewer, DetectDefectsWidget)
    camera_of(viewer).zoom *= 4
    QTest.qWait(100)
    widget.setup.area.setCurrentText("current view")
    run(viewer, widget)
    top, left, bottom, right = widget.model.request.area.plain()
    assert 0 < top < 128 < bottom < 256
    assert 0 < left < 128 < right < 256


def test_scripts_give_exactly_what_the_window_shows(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: Path
) -> None:
    stack = np.stack([crystal(192), crystal(192)[::-1]])
    path = tmp_path / "my movie.tif"
    tifffile.imwrite(path, stack, photometric="minisblack")
    viewer.layers.clear()
    viewer.open(path, plugin="napari")
    widget = docked(viewer, DetectDefectsWidget)
    viewer.dims.set_current_step(0, 1)
    widget.setup.stride.setValue(11)
    run(viewer, widget)
    assert "from the lattice" in widget.pixel_size.statement
    slide(widget, "SF1", 0.37)
    wait_for(lambda: widget.model.results[1].thresholds["SF1"] == 0.37)

    texts = {}
    for name in ("Python", "Command"):
        press_copy_as(widget, name)
        texts[name] = QApplication.clipboard().text()
    model = str(library / "small.safetensors")
    script = texts["Python"].replace("'small'", repr(model))
    script += f"import numpy\nnumpy.save({str(tmp_path / 'masks.npy')!r}, result.masks)\n"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=100)
    shown = widget.model.results[1]
    np.testing.assert_array_equal(np.load(tmp_path / "masks.npy"), shown.numbered > 0)

    words = shlex.split(texts["Command"])
    words[words.index("small")] = model
    command = [sys.executable, "-m", "napari_stem_defects", *words[1:]]
    subprocess.run(command, check=True, timeout=100, cwd=tmp_path)
    (repeated,) = read_results(tmp_path / "results" / "my movie")
    assert repeated.frame == 1
    np.testing.assert_array_equal(repeated.masks, shown.numbered > 0)

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "exported"))
    press(widget, "export")
    wait_for(lambda: not widget.model.exporting.busy)
    assert widget.model.exporting.message.startswith("written to")
    (exported,) = read_results(tmp_path / "exported" / "my movie")
    np.testing.assert_array_equal(exported.masks, repeated.masks)


def test_large_images_cancel_in_a_second_with_the_window_alive(viewer: Any) -> None:
    viewer.add_image(crystal(1536), name="large", scale=(0.027, 0.027), units=("nm", "nm"))
    widget = docked(viewer, DetectDefectsWidget)
    widget.setup.stride.setValue(2)
    wait_for(lambda: bool(widget.pixel_size.statement))
    gaps = Heartbeat()
    press(widget, "run")
    wait_for(lambda: bool(widget.model.results))  # the coarse map
    assert widget.model.run.busy
    viewer.layers["large"].name = "renamed"
    started = time.monotonic()
    press(widget, "cancel")
    wait_for(lambda: not widget.model.run.busy)
    print(f"cancelled in {time.monotonic() - started:.2f} s")
    assert time.monotonic() - started < 10  # 1 promised; the machine may be busy
    gaps.check()
    assert widget.model.run.phase == "cancelled"


def test_what_was_chosen_is_there_the_next_time(viewer: Any) -> None:
    widget = docked(viewer, DetectDefectsWidget)
    widget.setup.stride.setValue(5)
    widget.setup.device.setCurrentText("cpu")
    viewer.window.remove_dock_widget(widget)
    again = docked(viewer, DetectDefectsWidget)
    assert (again.setup.stride.value(), again.setup.device.currentText()) == (5, "cpu")


def test_a_card_tells_about_the_model(viewer: Any, library: Path) -> None:
    (library / "small.md").write_text("# small\n\nknows nothing", encoding="utf-8")
    widget = docked(viewer, DetectDefectsWidget)
    manage(widget, "Card")
    card = widget.findChild(QWidget, "card_text")
    assert "knows nothing" in card.toPlainText()
    card.window().close()
