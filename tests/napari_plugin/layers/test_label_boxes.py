"""Label boxes: drawing, and edits by mouse and keys."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.napari_plugin.layers.label_boxes import LabelBoxes
from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
from napari_stem_defects.training.active_learning import Suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari.layers import Image

pytestmark = pytest.mark.gui


class Panel:
    """Label boxes over an image, with an open project."""

    def __init__(self, folder: Path) -> None:
        pixels = np.random.default_rng(0).random((100, 120), np.float32)
        self.viewer = ViewerModel()
        self.image: Image = self.viewer.add_image(pixels, name="CdTe")
        self.labels = LabelViewModel()
        self.labels.show(Micrograph(pixels, "CdTe", sha256="ab" * 32))
        self.queue = LabelQueue(self.labels)
        self.boxes = LabelBoxes(self.viewer, self.labels, self.queue)
        self.labels.labels_changed.connect(self.boxes.draw)
        self.folder = folder

    def open(self) -> None:
        self.labels.create(self.folder, ("Bulk", "SF1"))
        self.boxes.show_over(self.image)

    def mouse(self, *positions: tuple[float, float], button: int = 1) -> None:
        """Press at the first position, move through the rest, release at the last."""
        layer = self.boxes.layer
        event = SimpleNamespace(
            type="mouse_press", position=positions[0], button=button, modifiers=()
        )
        press = layer.mouse_drag_callbacks[-1](layer, event)
        next(press)
        for position in positions[1:]:
            event.type, event.position = "mouse_move", position
            next(press)
        event.type = "mouse_release"
        assert next(press, "released") == "released"


@pytest.fixture
def panel(qapp: Any, tmp_path: Path) -> Iterator[Panel]:
    made = Panel(tmp_path / "project")
    yield made
    made.labels.close()


@pytest.fixture
def opened(panel: Panel, qtbot: Any) -> Panel:
    panel.open()
    qtbot.waitUntil(lambda: panel.boxes.layer is not None)
    return panel


def positions(panel: Panel) -> list[tuple[float, float]]:
    return [(label.y, label.x) for label in panel.labels.labels]


def test_without_a_project_there_is_no_layer(panel: Panel, qtbot: Any) -> None:
    panel.boxes.show_over(panel.image)
    qtbot.wait(20)
    assert panel.boxes.layer is None


def test_the_layer_belongs_to_the_image(opened: Panel) -> None:
    assert opened.boxes.layer.name == "labels - CdTe"
    assert opened.viewer.layers.selection.active is opened.boxes.layer


def test_a_click_sets_a_label_and_its_box(opened: Panel, qtbot: Any) -> None:
    opened.mouse((30, 40))
    assert positions(opened) == [(30, 40)]
    qtbot.waitUntil(lambda: len(opened.boxes.layer.data) == 3)
    opened.mouse((80, 90), button=2)  # outside the box
    assert len(positions(opened)) == 1
    opened.mouse((45, 60), button=2)
    assert positions(opened) == []


def test_a_drag_on_the_centre_moves_a_label(opened: Panel, qtbot: Any) -> None:
    opened.mouse((30, 40))
    qtbot.waitUntil(lambda: len(opened.boxes.layer.data) == 3)
    opened.mouse((31, 41), (41, 51), (51, 61))
    assert positions(opened) == [(50, 60)]


def test_a_click_on_the_centre_selects_a_label(opened: Panel) -> None:
    opened.mouse((30, 40))
    opened.mouse((70, 90))
    opened.mouse((30, 40))
    assert len(positions(opened)) == 2
    assert opened.labels.selected == opened.labels.labels[0].id


def test_a_drag_elsewhere_moves_the_camera(opened: Panel) -> None:
    layer = opened.boxes.layer
    event = SimpleNamespace(type="mouse_press", position=(30, 40), button=1, modifiers=())
    press = layer.mouse_drag_callbacks[-1](layer, event)
    next(press)
    opened.viewer.scene.camera.center = (5, 5, 5)
    event.type = "mouse_release"
    assert next(press, None) is None
    assert positions(opened) == []


def test_keys_select_classes_and_label_suggestions(opened: Panel) -> None:
    layer = opened.boxes.layer
    keys = {str(key): action for key, action in layer.keymap.items()}
    keys["2"](layer)
    assert opened.labels.active_class == "SF1"
    assert positions(opened) == []
    found = [Suggestion(20, 30, "Bulk", 0.6, ""), Suggestion(70, 80, "SF1", 0.5, "")]
    opened.queue.fill(opened.labels.image, 0, found)
    keys["2"](layer)
    keys["Enter"](layer)
    assert [label.class_name for label in opened.labels.labels] == ["SF1", "SF1"]
    assert positions(opened) == [(20, 30), (70, 80)]


def test_the_layer_moves_to_another_image(opened: Panel, qtbot: Any) -> None:
    other = opened.viewer.add_image(np.zeros((50, 50)), name="other", scale=(2, 2))
    layer = opened.boxes.layer
    opened.boxes.show_over(other)
    qtbot.waitUntil(lambda: layer.name == "labels - other")
    assert opened.viewer.layers[-1] is layer
    assert tuple(layer.scale) == (2, 2)


def test_a_deleted_layer_is_added_again_for_the_next_image(opened: Panel, qtbot: Any) -> None:
    opened.viewer.layers.remove(opened.boxes.layer)
    opened.boxes.draw()
    qtbot.wait(20)
    assert opened.boxes.layer is None
    opened.boxes.show_over(opened.image)
    qtbot.waitUntil(lambda: opened.boxes.layer is not None)
