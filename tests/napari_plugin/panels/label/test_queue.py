"""Queue of windows suggested for labelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
from napari_stem_defects.training.active_learning import Suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOUND = [
    Suggestion(20, 30, "Bulk", 0.61, "uncertain"),
    Suggestion(40, 50, "SF1", 0.5, ""),
]


@pytest.fixture
def labels(tmp_path: Path) -> Iterator[LabelViewModel]:
    made = LabelViewModel()
    made.create(tmp_path / "project", ("Bulk", "SF1"))
    yield made
    made.close()


@pytest.fixture
def queue(labels: LabelViewModel) -> LabelQueue:
    pixels = np.random.default_rng(0).random((2, 100, 120), np.float32)
    made = LabelQueue(labels)
    image = Micrograph(pixels, "CdTe", sha256="ab" * 32)
    labels.show(image, 1)
    made.fill(image, 1, FOUND)
    return made


def test_windows_are_labelled_in_order(queue: LabelQueue, labels: LabelViewModel) -> None:
    assert queue.statement().startswith("1 of 2: Bulk 0.61, uncertain. Enter accepts, 1-9")
    queue.label_current("SF1")
    assert queue.statement().startswith("2 of 2: SF1 0.50. ")
    queue.accept()
    assert [(label.class_name, label.y, label.x) for label in labels.labels] == [
        ("SF1", 20, 30),
        ("SF1", 40, 50),
    ]
    assert {(label.frame, label.source) for label in labels.labels} == {(1, "suggested")}
    assert queue.current is None
    assert queue.statement().startswith("end of the 2 windows")


def test_skip_and_back_stay_in_the_queue(queue: LabelQueue, labels: LabelViewModel) -> None:
    queue.back()
    assert queue.current == FOUND[0]
    for _ in range(5):
        queue.skip()
    assert queue.current is None
    queue.accept()
    queue.label_current("SF1")
    queue.back()
    assert queue.current == FOUND[1]
    assert labels.labels == ()


def test_a_failed_label_keeps_the_window(queue: LabelQueue, labels: LabelViewModel) -> None:
    reopen = labels.close_for_writing()
    queue.label_current("SF1")
    assert queue.current == FOUND[0]
    reopen()


def test_clear_removes_all_windows(queue: LabelQueue) -> None:
    changes: list[object] = []
    queue.changed.connect(lambda: changes.append(queue.current))
    queue.clear()
    assert changes == [None]
    assert queue.statement() == ""


def test_a_class_new_to_the_project_is_that_of_the_model(
    queue: LabelQueue, labels: LabelViewModel
) -> None:
    own = DefectClass("APB", "line", "anti-phase boundary", "#010203")
    assert labels.image is not None
    queue.fill(labels.image, 1, [Suggestion(20, 30, "APB", 0.6, "")], {"APB": own})
    queue.accept()
    assert [entry.defect_class for entry in labels.classes if entry.name == "APB"] == [own]


UNUSUAL = [Suggestion(20, 30, "", 0.0, "point, score 9.1"), Suggestion(40, 50, "", 0.0, "line")]


def test_unusual_places_have_no_predicted_class(queue: LabelQueue, labels: LabelViewModel) -> None:
    queue.fill(labels.image, 1, UNUSUAL, edge_px=20)
    assert queue.statement() == "1 of 2: point, score 9.1. 1-9 name it, B is Bulk, → skips."
    queue.accept()
    assert queue.position == 0
    assert labels.labels == ()
    queue.label_bulk()
    assert [(label.class_name, label.y) for label in labels.labels] == [("Bulk", 20)]
    assert queue.statement().startswith("2 of 2: line. ")
    queue.skip()
    assert queue.position == -1
    assert queue.statement() == "end of the 2 places; go back, or find new ones"
    queue.go_to(1)
    assert queue.current is UNUSUAL[1]


def test_a_place_that_is_named_again_has_one_name(
    queue: LabelQueue, labels: LabelViewModel
) -> None:
    queue.fill(labels.image, 1, UNUSUAL)
    queue.label_bulk()
    queue.back()
    queue.label_current("SF1")
    assert [(each.class_name, each.y) for each in labels.labels] == [("SF1", 20)]
    queue.back()
    queue.label_current("SF1")  # once more: nothing changes
    assert len(labels.labels) == 1
    labels.undo()
    assert [each.class_name for each in labels.labels] == ["Bulk"]


def test_a_place_is_named_again_after_a_class_that_is_new(
    queue: LabelQueue, labels: LabelViewModel
) -> None:
    own = DefectClass("APB", "line", "anti-phase boundary", "#010203")
    queue.fill(labels.image, 1, [Suggestion(20, 30, "APB", 0.6, "")], {"APB": own})
    queue.label_bulk()
    queue.back()
    queue.accept()
    assert [each.class_name for each in labels.labels] == ["APB"]
    assert [entry.defect_class for entry in labels.classes if entry.name == "APB"] == [own]


def test_pictures_are_cut_from_the_frame(queue: LabelQueue, labels: LabelViewModel) -> None:
    queue.fill(labels.image, 1, UNUSUAL, edge_px=20)
    picture = queue.pixels_around(UNUSUAL[0])
    np.testing.assert_array_equal(picture, labels.image.pixels[1, 10:30, 20:40])
    at_the_border = queue.pixels_around(Suggestion(2, 118, "", 0.0, ""))
    assert at_the_border.shape == (12, 12)
