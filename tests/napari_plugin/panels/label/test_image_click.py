"""The first click on an image needs no project, and later ones no selected layer of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from events import canvas_of, click, data_to_pixel, drag, press_key
from panels import docked, press, wait_for
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_stem_defects.napari_plugin.layers.convert import get_camera
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget
from napari_stem_defects.napari_plugin.panels.preprocess.panel import PreprocessWidget

pytestmark = pytest.mark.gui


@pytest.fixture
def widget(viewer: Any) -> Any:
    return docked(viewer, LabelPatchesWidget)


def spot(viewer: Any, y: float, x: float) -> Any:
    return data_to_pixel(canvas_of(viewer), viewer.layers[0], y, x)


def test_a_click_starts_a_project_and_the_next_ones_go_on(
    viewer: Any, widget: Any, automatic_projects: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    assert "starts by itself" in widget.hint.text()
    canvas = canvas_of(viewer)
    click(canvas, spot(viewer, 60, 80))
    model = widget.view_model
    assert model.project.path == automatic_projects / "CdTe"
    assert (model.labels[0].y, model.labels[0].x) == pytest.approx((60, 80), abs=1.5)
    assert widget.project_name.text() == "CdTe"
    assert widget.automatic.isVisible()
    assert not widget.resume.isVisible()
    QTest.qWait(100)
    click(canvas, spot(viewer, 160, 180))
    press_key(canvas, Qt.Key.Key_1)
    click(canvas, spot(viewer, 30, 180))
    assert [label.class_name for label in model.labels] == ["Defect", "Defect", "Bulk"]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    press(widget, "save_as")
    assert model.project.path == tmp_path / "mine"
    assert len(model.labels) == 3
    assert not widget.automatic.isVisible()
    QTest.qWait(100)
    click(canvas, spot(viewer, 200, 60))
    assert len(model.labels) == 4


def test_other_mouse_work_starts_no_project(
    viewer: Any, widget: Any, automatic_projects: Path
) -> None:
    canvas = canvas_of(viewer)
    before = get_camera(viewer).center
    drag(canvas, [spot(viewer, 60, 60), spot(viewer, 70, 80), spot(viewer, 80, 100)])
    assert get_camera(viewer).center != before
    click(canvas, spot(viewer, 128, 128), Qt.MouseButton.RightButton)
    click(canvas, spot(viewer, -30, 128))
    shapes = viewer.add_shapes(np.zeros((0, 4, 2)), scale=viewer.layers[0].scale)
    shapes.mode = "add_rectangle"
    QTest.qWait(100)
    click(canvas, spot(viewer, 128, 128))
    assert widget.view_model.project is None
    assert not automatic_projects.exists()


def test_a_hidden_panel_leaves_clicks_alone(
    viewer: Any, widget: Any, automatic_projects: Path
) -> None:
    docked(viewer, PreprocessWidget)  # in front of it
    assert not widget.is_shown
    click(canvas_of(viewer), spot(viewer, 128, 128))
    assert not automatic_projects.exists()


@pytest.mark.parametrize("selected", ["image", "nothing", "labels deleted", "labels hidden"])
def test_a_click_counts_whatever_is_selected(viewer: Any, widget: Any, selected: str) -> None:
    canvas, image = canvas_of(viewer), viewer.layers[0]
    click(canvas, spot(viewer, 60, 80))
    wait_for(lambda: widget.boxes.layer is not None)
    QTest.qWait(100)
    if selected == "labels deleted":
        viewer.layers.remove(widget.boxes.layer)
    elif selected == "labels hidden":
        widget.boxes.layer.visible = False
    else:
        viewer.layers.selection.active = image if selected == "image" else None
    click(canvas, spot(viewer, 160, 180))
    assert len(widget.view_model.labels) == 2
    wait_for(lambda: widget.boxes.layer is not None)
    QTest.qWait(100)
    assert widget.boxes.layer.visible
    assert viewer.layers.selection.active is widget.boxes.layer
    press_key(canvas, Qt.Key.Key_1)
    click(canvas, spot(viewer, 30, 180))
    assert [label.class_name for label in widget.view_model.labels] == ["Defect", "Defect", "Bulk"]


def test_a_click_on_an_image_that_is_moved_or_turned_sets_no_label(
    viewer: Any, widget: Any
) -> None:
    canvas, image = canvas_of(viewer), viewer.layers[0]
    image.mode = "transform"
    click(canvas, spot(viewer, 60, 80))
    image.mode = "pan_zoom"
    viewer.dims.ndisplay = 3
    QTest.qWait(100)
    click(canvas, spot(viewer, 60, 80))
    assert widget.view_model.project is None
