"""Label patches, as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from events import canvas_of, click, data_to_pixel, drag, press_key
from panels import Heartbeat, choose_in_menu, crystal, docked, press, type_into_dialog, wait_for
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QColorDialog, QFileDialog, QInputDialog, QWidget

from napari_stem_defects.napari_plugin.layers.convert import get_camera
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget

pytestmark = pytest.mark.gui
KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def widget(viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the panel with a new project, created by its menu."""
    made = docked(viewer, LabelPatchesWidget)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "project"), ""))
    menu = made.findChild(QWidget, "new_project").menu()
    menu.popup(made.mapToGlobal(made.rect().topLeft()))
    choose_in_menu(menu, "CdTe")
    assert made.project_name.text() == "project"
    made.boxes.activate()
    QTest.qWait(50)
    return made


def spot(viewer: Any, y: float, x: float) -> Any:
    return data_to_pixel(canvas_of(viewer), viewer.layers[0], y, x)


def name_of_labels(widget: Any) -> list[str]:
    return [label.class_name for label in widget.view_model.labels]


def open_menu(widget: Any, name: str) -> Any:
    tool = widget.findChild(QWidget, name)
    menu = tool.menu()
    menu.popup(tool.mapToGlobal(tool.rect().bottomLeft()))
    return menu


def test_suggested_windows_are_labelled_by_one_key(viewer: Any, widget: Any) -> None:
    press(widget, "find_next")
    wait_for(lambda: widget.queue.current is not None)
    first = widget.queue.current
    assert "1 of" in widget.queue_row.statement.text()
    assert get_camera(viewer).center[-2:] == pytest.approx(
        (first.y * 0.027, first.x * 0.027), abs=0.1
    )
    canvas = canvas_of(viewer)
    press_key(canvas, KEY.Key_2)
    assert name_of_labels(widget) == ["SF1"]
    assert widget.view_model.labels[0].source == "suggested"
    assert (widget.view_model.labels[0].y, widget.view_model.labels[0].x) == (first.y, first.x)
    press_key(canvas, KEY.Key_Right)
    third = widget.queue.current
    press_key(canvas, KEY.Key_Left)
    second = widget.queue.current
    assert len({first, second, third}) == 3
    press_key(canvas, KEY.Key_Return)
    assert name_of_labels(widget) == ["SF1", second.class_name]
    press(widget, "queue_skip")
    press_key(canvas, KEY.Key_1)  # the image has the keyboard focus again
    assert name_of_labels(widget)[2:] == ["Bulk"]
    press_key(canvas, KEY.Key_Z, CTRL)
    assert len(widget.view_model.labels) == 2


def test_a_painted_region_is_filled_with_labels(viewer: Any, widget: Any) -> None:
    press(widget, "class_sf2")
    press(widget, "paint")
    QTest.qWait(100)
    drag(canvas_of(viewer), [spot(viewer, 60, x) for x in range(50, 210, 10)])
    count = widget.view_model.counts["SF2"]
    assert 4 <= count <= 9
    assert {round(label.y / 60) for label in widget.view_model.labels} == {1}
    assert not viewer.layers["brush - CdTe"].data.any()
    press(widget, "undo")
    assert widget.view_model.counts["SF2"] == 0
    press(widget, "redo")
    press(widget, "paint")
    assert "brush - CdTe" not in viewer.layers
    assert widget.view_model.counts["SF2"] == count
    assert viewer.layers.selection.active is widget.boxes.layer


def test_synthetic_point_defects_are_labelled_as_simulated(viewer: Any, widget: Any) -> None:
    click(canvas_of(viewer), spot(viewer, 128, 128))
    widget.findChild(QWidget, "made_vacancies").setValue(4)
    widget.findChild(QWidget, "made_interstitials").setValue(3)
    gaps = Heartbeat()
    widget.defects.add.click()
    wait_for(lambda: widget.run.message.startswith("7 synthetic point defects added and labelled"))
    made = viewer.layers["synthetic defects - CdTe"]
    assert widget.image.image is made
    assert made.units == viewer.layers["CdTe"].units
    assert name_of_labels(widget) == ["Vacancy_CdTe"] * 4 + ["interstitial"] * 3
    assert {label.source for label in widget.view_model.labels} == {"simulated"}
    change = made.data - viewer.layers["CdTe"].data
    for label in widget.view_model.labels:
        sign = -1 if label.class_name == "Vacancy_CdTe" else 1
        assert sign * change[round(label.y), round(label.x)] > 50
    gaps.check()


def test_classes_by_menu_and_dialog(
    viewer: Any, widget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = canvas_of(viewer)
    widget.body.ensureWidgetVisible(widget.findChild(QWidget, "new_class"))
    QTest.keyClicks(widget.findChild(QWidget, "new_class"), "Dislocation")
    press(widget, "add_class")
    assert widget.view_model.active_class == "Dislocation"
    assert widget.findChild(QWidget, "class_dislocation").text().startswith("8")
    click(canvas, spot(viewer, 60, 60))
    type_into_dialog("Core")
    choose_in_menu(open_menu(widget, "edit_dislocation"), "Rename")
    wait_for(lambda: name_of_labels(widget) == ["Core"])
    type_into_dialog("LC")
    choose_in_menu(open_menu(widget, "edit_core"), "Rename")
    wait_for(lambda: name_of_labels(widget) == ["LC"])
    assert "Core" not in widget.view_model.colours

    def pick() -> None:
        dialog = QApplication.activeModalWidget()
        dialog.setCurrentColor(Qt.GlobalColor.red)
        dialog.accept()

    monkeypatch.setattr(QColorDialog, "DontUseNativeDialog", True, raising=False)
    QTimer.singleShot(300, pick)
    choose_in_menu(open_menu(widget, "edit_lc"), "Change colour")
    wait_for(lambda: widget.view_model.colours["LC"] == "#ff0000")
    press(widget, "undo")
    assert widget.view_model.colours["LC"] != "#ff0000"


def test_the_kind_of_a_class_is_chosen_shown_and_undone(viewer: Any, widget: Any) -> None:
    kind, new = widget.findChild(QWidget, "kind"), widget.findChild(QWidget, "new_class")
    widget.body.ensureWidgetVisible(new)
    QTest.keyClicks(new, "APB")
    QTest.keyClicks(kind, "l")  # as a person who goes there with Tab
    press(widget, "add_class")

    def kind_of(name: str) -> str:
        return next(each.kind for each in widget.view_model.classes if each.name == name)

    assert kind_of("APB") == "line"
    assert kind.currentText() == "point"  # for the next class
    choose_in_menu(open_menu(widget, "kind_apb"), "area")
    wait_for(lambda: kind_of("APB") == "area")
    press(widget, "undo")
    assert kind_of("APB") == "line"
    type_into_dialog("anti-phase boundary")
    choose_in_menu(open_menu(widget, "edit_apb"), "Change title")
    wait_for(lambda: widget.view_model.titles["APB"] == "anti-phase boundary")
    assert "anti-phase boundary" in widget.findChild(QWidget, "class_apb").toolTip()
    assert not widget.findChild(QWidget, "kind_bulk").isEnabled()
    QTest.keyClicks(new, "SF2")
    assert kind.currentText() == "line"  # as in the public data sets


def test_thumbnails_jump_between_images_and_frames(viewer: Any, widget: Any) -> None:
    canvas = canvas_of(viewer)
    click(canvas, spot(viewer, 60, 60))
    stack = np.stack([crystal(128), crystal(128)[::-1]]).astype(np.uint8)
    movie = viewer.add_image(stack, name="movie")
    viewer.dims.set_current_step(0, 1)
    widget.image.setCurrentText("movie")
    viewer.reset_view()
    QTest.qWait(100)
    click(canvas, data_to_pixel(canvas, movie, 40, 50))
    assert widget.view_model.counts["Bulk"] == 2
    assert [label.frame for label in widget.view_model.labels] == [1]
    viewer.dims.set_current_step(0, 0)
    assert widget.view_model.labels == ()

    thumbnails = widget.thumbnails
    wait_for(lambda: thumbnails.count() == 2 and not thumbnails.item(1).icon().isNull())
    widget.body.ensureWidgetVisible(thumbnails)
    for row, name in ((1, "CdTe"), (0, "movie")):
        place = thumbnails.visualItemRect(thumbnails.item(row)).center()
        QTest.mouseClick(thumbnails.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert widget.image.image is viewer.layers[name]
        assert len(widget.view_model.labels) == 1
        assert widget.view_model.selected == widget.view_model.labels[0].id
    assert viewer.dims.current_step[0] == 1


def test_patches_are_imported_and_exported(
    viewer: Any, widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.layers.clear()
    noise = np.random.default_rng(0).integers(0, 255, (200, 240), np.uint8)
    tifffile.imwrite(tmp_path / "parent.tif", noise)
    viewer.open(tmp_path / "parent.tif", plugin="napari")
    patches = tmp_path / "patches"
    patches.mkdir()
    tifffile.imwrite(patches / "SF1_0.tif", noise[20:84, 30:94])
    tifffile.imwrite(patches / "LC_0.tif", noise[100:164, 150:214])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(patches))
    choose_in_menu(open_menu(widget, "run"), "Import folder")
    wait_for(lambda: not widget.run.busy and widget.view_model.project is not None)
    assert widget.run.message.startswith("2 labels placed")
    places = {label.class_name: (label.y, label.x) for label in widget.view_model.labels}
    assert places == {"SF1": (51.5, 61.5), "LC": (131.5, 181.5)}

    out = tmp_path / "out"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    press(widget, "export")
    wait_for(lambda: "2 patches written" in widget.run.message)
    np.testing.assert_array_equal(tifffile.imread(out / "SF1_0.tif"), noise[20:84, 30:94])

    table = tmp_path / "points.csv"
    table.write_text("y_px,x_px,class\n10,20,Bulk\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(table), ""))
    choose_in_menu(open_menu(widget, "run"), "Import file")
    wait_for(lambda: widget.view_model.counts.get("Bulk") == 1)


def test_labels_of_an_image_without_a_file_are_imported(
    viewer: Any, widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = tmp_path / "drawn.json"
    point = {"label": "Vac 1", "points": [[10.5, 20.5]], "shape_type": "point"}
    height, width = viewer.layers[0].data.shape
    size = {"imageHeight": height, "imageWidth": width}
    drawn.write_text(json.dumps({"imagePath": "copy.png", "shapes": [point], **size}))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(drawn), ""))
    choose_in_menu(open_menu(widget, "run"), "Import file")
    wait_for(lambda: widget.view_model.counts.get("Vac 1") == 1)
    assert "names the image copy.png, taken for" in widget.run.message
    assert [(label.y, label.x) for label in widget.view_model.labels] == [(20, 10)]

    viewer.layers.clear()
    choose_in_menu(open_menu(widget, "run"), "Import file")
    assert widget.warning.text() == "drawn.json: open the image of these labels first"
    assert not widget.run.busy


def test_the_most_recent_project_is_resumed(viewer: Any, widget: Any) -> None:
    """Image and class of the newest label are shown, even if the image was closed."""
    click(canvas_of(viewer), spot(viewer, 60, 60))
    press_key(canvas_of(viewer), KEY.Key_3)
    click(canvas_of(viewer), spot(viewer, 160, 160))
    viewer.window.remove_dock_widget(widget)
    viewer.layers.clear()
    again = docked(viewer, LabelPatchesWidget)
    assert again.resume.text() == "Resume project"
    press(again, "resume")
    assert name_of_labels(again) == ["Bulk", "SF2"]
    assert again.view_model.active_class == "SF2"
    assert again.image.image is viewer.layers["CdTe"]
    assert viewer.layers["CdTe"].scale[0] == pytest.approx(0.027)
    viewer.layers.remove("CdTe")
    assert again.view_model.counts["Bulk"] == 1
    again.view_model.close()


def test_class_merges_are_undone_by_key(viewer: Any, widget: Any) -> None:
    canvas = canvas_of(viewer)
    click(canvas, spot(viewer, 60, 60))
    press_key(canvas, KEY.Key_2)
    click(canvas, spot(viewer, 160, 160))
    type_into_dialog("Bulk")
    choose_in_menu(open_menu(widget, "edit_sf1"), "Rename")
    wait_for(lambda: name_of_labels(widget) == ["Bulk", "Bulk"])
    press_key(canvas, KEY.Key_Z, CTRL)
    assert name_of_labels(widget) == ["Bulk", "SF1"]
    assert widget.findChild(QWidget, "class_sf1").text().startswith("2")
    press_key(canvas, KEY.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert name_of_labels(widget) == ["Bulk", "Bulk"]


def test_tab_visits_the_controls_from_top_to_bottom(viewer: Any, widget: Any) -> None:
    """Class buttons are added and removed; Tab visits them in the order shown."""
    viewer.window._qt_window.activateWindow()
    control, seen = widget.image, []
    control.setFocus()
    QTest.qWait(50)
    for _ in range(20):
        QTest.keyClick(control, KEY.Key_Tab)
        control = QApplication.focusWidget()
        seen.append(control.objectName())
    assert seen[:3] == ["class_bulk", "edit_bulk", "class_sf1"]
    assert seen[seen.index("edit_interstitial") + 1] == "new_class"


def test_undo_and_redo_are_offered_while_there_is_something(viewer: Any, widget: Any) -> None:
    click(canvas_of(viewer), spot(viewer, 60, 60))
    assert (widget.undo.isEnabled(), widget.redo.isEnabled()) == (True, False)
    press(widget, "undo")
    assert widget.view_model.labels == ()
    assert widget.redo.isEnabled()
    press(widget, "redo")
    assert len(widget.view_model.labels) == 1
    assert not widget.redo.isEnabled()


def test_without_labels_no_name_and_no_folder_is_asked_for(
    viewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: asked.append(_) or ("", ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: asked.append(_) or ("", False))
    widget = docked(viewer, LabelPatchesWidget)
    assert not widget.undo.isEnabled()
    for _ in range(2):
        press(widget, "export")
        assert "click on the image" in widget.warning.text()
        press(widget, "keep_model")
        assert "click on the image" in widget.run_row.message.text()
        widget.view_model.ensure_project()
    assert asked == []


def test_painting_may_be_the_first_that_is_done(viewer: Any) -> None:
    widget = docked(viewer, LabelPatchesWidget)
    press(widget, "paint")
    wait_for(lambda: widget.boxes.layer is not None)
    assert viewer.layers.selection.active is widget.brush.layer
    assert widget.hint.text().startswith("Drag over an area")
    canvas = canvas_of(viewer)
    drag(canvas, [spot(viewer, 100, y) for y in (80, 100, 120)])
    wait_for(lambda: len(widget.view_model.labels) > 0)
    press(widget, "paint")
    assert widget.hint.text().startswith("Click to set a label")


def test_a_warning_goes_with_the_next_change(viewer: Any) -> None:
    widget = docked(viewer, LabelPatchesWidget)
    press(widget, "export")
    assert widget.warning.isVisible()
    click(canvas_of(viewer), spot(viewer, 60, 60))
    assert not widget.warning.isVisible()
