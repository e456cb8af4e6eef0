"""Unusual places and the live map in Label patches, by mouse and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crystal_images import crystal_image
from events import canvas_of, click, data_to_pixel, press_key
from panels import Heartbeat, docked, press, type_into_dialog, wait_for
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget
from spot_images import spot_image

from napari_stem_defects.napari_plugin.layers.convert import get_camera
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget

pytestmark = pytest.mark.gui
KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier
CRYSTAL = crystal_image(missing=8, size=320)
SCALE = 0.02


@pytest.fixture
def viewer(make_napari_viewer: Any) -> Any:
    """Return a visible viewer with a crystal that lacks eight columns."""
    made = make_napari_viewer(show=True)
    made.window._qt_window.resize(1280, 800)
    made.add_image(CRYSTAL.pixels, name="X", scale=(SCALE, SCALE), units=("nm", "nm"))
    QTest.qWait(100)
    return made


@pytest.fixture
def widget(viewer: Any, tmp_path: Path) -> Any:
    made = docked(viewer, LabelPatchesWidget)
    made.view_model.create(tmp_path / "labels", ("Bulk",))
    made.view_model.add_class("Vac")
    made.boxes.activate()
    QTest.qWait(50)
    return made


def survey(widget: Any) -> None:
    press(widget, "survey")
    wait_for(lambda: bool(widget.queue.waiting))
    wait_for(lambda: any(layer.name == "anomaly - X" for layer in widget._viewer.layers))
    # It would lie over the places that are to be named.
    assert not widget._viewer.layers["anomaly - X"].visible
    QTest.qWait(50)


def click_on(viewer: Any, index: int) -> None:
    y, x = CRYSTAL.defects[index]
    click(canvas_of(viewer), data_to_pixel(canvas_of(viewer), viewer.layers["X"], y, x))


def names(widget: Any) -> list[str]:
    return [label.class_name for label in widget.view_model.labels]


def test_unusual_places_are_named_by_one_key_each(viewer: Any, widget: Any) -> None:
    gaps = Heartbeat()
    survey(widget)
    first = widget.queue.current
    assert np.hypot(*(CRYSTAL.defects - (first.y, first.x)).T).min() < CRYSTAL.period / 2
    assert widget.run.message.startswith("Unusual places: ")
    assert widget.queue_row.statement.text().startswith("1 of ")
    assert "point, too dark, score" in widget.queue_row.statement.text()
    assert not widget.queue_row.accept.isVisible()
    assert get_camera(viewer).center[-2:] == pytest.approx((first.y * SCALE, first.x * SCALE))
    canvas = canvas_of(viewer)
    press_key(canvas, KEY.Key_2)
    press_key(canvas, KEY.Key_B)
    press_key(canvas, KEY.Key_Right)
    assert names(widget) == ["Vac", "Bulk"]
    assert {label.source for label in widget.view_model.labels} == {"suggested"}
    assert (widget.view_model.labels[0].y, widget.view_model.labels[0].x) == (first.y, first.x)
    assert widget.queue.position == 3
    gaps.check()


def test_the_pictures_take_the_same_keys(viewer: Any, widget: Any) -> None:
    survey(widget)
    places = widget.queue_row.places
    assert places.count() == len(widget.queue.waiting) >= 8
    wait_for(lambda: not places.waiting)
    assert not places.item(0).icon().isNull()
    widget.body.ensureWidgetVisible(places)
    QTest.mouseClick(
        places.viewport(),
        Qt.MouseButton.LeftButton,
        pos=places.visualItemRect(places.item(2)).center(),
    )
    assert widget.queue.position == 2
    third = widget.queue.current
    assert get_camera(viewer).center[-2:] == pytest.approx((third.y * SCALE, third.x * SCALE))
    QTest.keyClick(places, KEY.Key_2)
    assert names(widget) == ["Vac"]
    assert widget.queue.position == 3
    colour = widget.view_model.colours["Vac"]
    assert places.item(2).background().color().name() == colour
    QTest.keyClick(places, KEY.Key_Left)
    QTest.keyClick(places, KEY.Key_Left)
    assert widget.queue.position == 1
    QTest.keyClick(places, KEY.Key_B)
    assert names(widget) == ["Vac", "Bulk"]
    press(widget, "undo")
    press(widget, "undo")
    assert places.item(2).background().style() == Qt.BrushStyle.NoBrush


def test_no_lattice_is_a_sentence_and_no_layer(viewer: Any, widget: Any) -> None:
    survey(widget)
    noise = np.random.default_rng(0).normal(100, 10, (320, 320)).astype(np.float32)
    viewer.add_image(noise, name="film", scale=(SCALE, SCALE), units=("nm", "nm"))
    widget.image.select(viewer.layers["film"])
    QTest.qWait(50)
    press(widget, "survey")
    wait_for(lambda: widget.run.phase == "done" and "No lattice" in widget.run.message)
    assert widget.queue.waiting == []
    assert not widget.queue_row.places.isVisible()
    QTest.qWait(100)
    assert "anomaly - film" not in viewer.layers


def test_the_live_map_follows_the_clicks(viewer: Any, widget: Any) -> None:
    widget.view_model.activate("Vac")
    press(widget, "live")
    wait_for(lambda: "no click shows a defect" in widget.live_row.statement.text())
    gaps = Heartbeat()
    click_on(viewer, 0)
    wait_for(lambda: "live - X" in viewer.layers)
    drawn = viewer.layers["live - X"]
    order = [layer.name for layer in viewer.layers]
    assert order.index("live - X") < order.index("labels - X")
    assert viewer.layers.selection.active is widget.boxes.layer

    def found() -> list[bool]:
        return [bool(drawn.data[round(y), round(x)]) for y, x in CRYSTAL.defects]

    wait_for(lambda: sum(found()) >= 7)
    assert "Vac" in widget.live_row.statement.text()
    widget.view_model.activate("Bulk")
    click_on(viewer, 5)
    wait_for(lambda: not found()[5])
    press_key(canvas_of(viewer), KEY.Key_Z, CTRL)
    wait_for(lambda: found()[5])
    press_key(canvas_of(viewer), KEY.Key_Z, CTRL)
    wait_for(lambda: not any(found()))
    assert "no click shows a defect" in widget.live_row.statement.text()
    gaps.check()
    press(widget, "live")
    wait_for(lambda: "live - X" not in viewer.layers)
    assert widget.live_row.statement.isHidden()


def test_the_map_is_of_the_frame_shown(viewer: Any, widget: Any) -> None:
    other = crystal_image(missing=8, size=320, seed=4)
    stack = np.stack([CRYSTAL.pixels, other.pixels])
    units = ("pixel", "nm", "nm")
    layer = viewer.add_image(stack, name="movie", scale=(1, SCALE, SCALE), units=units)
    widget.image.select(layer)
    viewer.dims.set_current_step(0, 0)
    QTest.qWait(100)
    widget.view_model.activate("Vac")
    for y, x in CRYSTAL.defects[:2]:
        widget.view_model.click(float(y), float(x))
    press(widget, "live")
    wait_for(lambda: "live - movie" in viewer.layers)
    assert viewer.layers["live - movie"].translate[0] == 0
    viewer.dims.set_current_step(0, 1)
    wait_for(lambda: viewer.layers["live - movie"].translate[0] == 1)
    drawn = viewer.layers["live - movie"].data[0]
    assert sum(bool(drawn[round(y), round(x)]) for y, x in other.defects) >= 7


def test_the_map_follows_to_another_image(viewer: Any, widget: Any) -> None:
    widget.view_model.activate("Vac")
    click_on(viewer, 0)
    press(widget, "live")
    wait_for(lambda: "live - X" in viewer.layers)
    other = crystal_image(missing=8, size=256, seed=4)
    layer = viewer.add_image(other.pixels, name="Y", scale=(SCALE, SCALE), units=("nm", "nm"))
    widget.image.select(layer)
    wait_for(lambda: "live - Y" in viewer.layers)
    assert "live - X" not in viewer.layers
    assert widget.findChild(QWidget, "live").isChecked()
    drawn = viewer.layers["live - Y"].data
    assert sum(bool(drawn[round(y), round(x)]) for y, x in other.defects) >= 7


def test_deleting_the_layer_switches_the_map_off(viewer: Any, widget: Any) -> None:
    widget.view_model.activate("Vac")
    click_on(viewer, 0)
    press(widget, "live")
    wait_for(lambda: "live - X" in viewer.layers)
    viewer.layers.remove("live - X")
    QTest.qWait(50)
    assert not widget.findChild(QWidget, "live").isChecked()
    assert "live - X" not in viewer.layers


def test_the_kept_model_detects(viewer: Any, widget: Any, library: Path) -> None:
    detecting = docked(viewer, DetectDefectsWidget)
    widget.view_model.activate("Vac")
    for index in range(3):
        click_on(viewer, index)
    type_into_dialog("columns")
    press(widget, "keep_model")
    wait_for(lambda: not widget.run.busy)
    assert "columns is in your library" in widget.run.message
    assert (library / "columns.md").is_file()
    detecting.ensemble.reload("columns")
    assert detecting.ensemble.entry.name == "columns"
    assert "quick model" in detecting.setup.model_row.description.text()
    press(detecting, "run")
    wait_for(lambda: detecting.view_model.run.phase == "done")
    assert 7 <= len(detecting.view_model.results.regions()) <= 10


def test_spots_without_a_lattice_are_found_and_the_kept_model_detects_them(
    viewer: Any, widget: Any, library: Path
) -> None:
    image = spot_image(shape=(320, 320))
    layer = viewer.add_image(
        image.micrograph.pixels, name="film", scale=(SCALE, SCALE), units=("nm", "nm")
    )
    widget.image.select(layer)
    widget.view_model.activate("Vac")
    for y, x in image.spots[:5]:
        widget.view_model.click(float(y), float(x))
    press(widget, "live")
    wait_for(lambda: "live - film" in viewer.layers)
    drawn = viewer.layers["live - film"]
    wait_for(lambda: sum(bool(drawn.data[round(y), round(x)]) for y, x in image.spots) >= 27)
    assert (
        "No lattice at the clicks: spots are sought in a window of"
        in widget.live_row.statement.text()
    )
    type_into_dialog("atoms")
    press(widget, "keep_model")
    wait_for(lambda: not widget.run.busy)
    assert "atoms is in your library" in widget.run.message
    detecting = docked(viewer, DetectDefectsWidget)
    detecting.ensemble.reload("atoms")
    press(detecting, "run")
    wait_for(lambda: detecting.view_model.run.phase == "done")
    assert 27 <= len(detecting.view_model.results.regions()) <= 33
