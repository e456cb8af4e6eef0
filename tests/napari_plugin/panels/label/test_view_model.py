"""Labels by click, undone, kept and found again: the model without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelModel

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("Bulk", "SF1")


def micrograph(frames: int = 0) -> Micrograph:
    shape = (frames, 100, 120) if frames else (100, 120)
    pixels = np.random.default_rng(0).random(shape, np.float32)
    return Micrograph(pixels, "CdTe", sha256="ab" * 32)


@pytest.fixture
def model(tmp_path: Path) -> LabelModel:
    made = LabelModel()
    made.failures = []  # type: ignore[attr-defined]
    made.failed.connect(made.failures.append)  # type: ignore[attr-defined]
    made.create(tmp_path / "project", CLASSES)
    made.show(micrograph())
    yield made
    made.close()


def failures(model: LabelModel) -> list[str]:
    told: list[str] = model.failures  # type: ignore[attr-defined]
    return told


def test_a_click_is_on_disk_when_it_returns(model: LabelModel, tmp_path: Path) -> None:
    model.activate("SF1")
    model.click(10, 20)
    lines = (tmp_path / "project" / "labels.jsonl").read_text().splitlines()
    assert '"SF1"' in lines[-1]
    assert model.counts == {"Bulk": 0, "SF1": 1}
    assert failures(model) == []


def test_undo_and_redo(model: LabelModel) -> None:
    model.click(10, 20)
    model.move(model.selected, 30, 40)
    model.undo()
    assert [(label.y, label.x) for label in model.labels] == [(10, 20)]
    model.undo()
    assert model.labels == ()
    model.redo()
    model.redo()
    assert [(label.y, label.x) for label in model.labels] == [(30, 40)]


def test_reopening_resumes(model: LabelModel, tmp_path: Path) -> None:
    model.click(10, 20)
    model.close()
    model.open(tmp_path / "project")
    model.show(micrograph())
    assert len(model.labels) == 1
    assert [frame.name for frame in model.images] == ["CdTe"]


def test_number_keys_choose_classes(model: LabelModel) -> None:
    model.activate_key(2)
    assert model.active_class == "SF1"
    model.activate_key(9)
    assert model.active_class == "SF1"


def test_nearest_label(model: LabelModel) -> None:
    model.click(10, 20)
    model.click(50, 60)
    near = model.near(48, 60, reach=6)
    assert near is not None
    assert (near.y, near.x) == (50, 60)
    assert model.near(30, 40, reach=6) is None


def test_remove_takes_the_one_set_last(model: LabelModel) -> None:
    model.click(10, 20)
    model.click(50, 60)
    model.remove_selected()
    model.remove_selected()
    assert [(label.y, label.x) for label in model.labels] == [(10, 20)]


def test_frames_of_a_stack_have_their_own_labels(model: LabelModel) -> None:
    model.show(micrograph(frames=3), 1)
    model.click(10, 20)
    model.show_frame(2)
    assert model.labels == ()
    model.click(11, 21)
    model.show_frame(1)
    assert [label.frame for label in model.labels] == [1]


def test_classes(model: LabelModel) -> None:
    model.click(10, 20)
    model.add_class("LC")
    assert model.active_class == "LC"
    model.click(20, 20)
    model.rename_class("LC", "junction")
    model.recolour_class("junction", "#123456")
    assert model.colours["junction"] == "#123456"
    model.rename_class("junction", "Bulk")
    assert model.counts == {"Bulk": 2, "SF1": 0}
    model.remove_class("Bulk")
    assert "has 2 labels" in failures(model)[-1]


@pytest.mark.parametrize("y", [-5, 100])
def test_clicks_beside_the_image_are_refused_in_one_line(model: LabelModel, y: float) -> None:
    model.click(y, 20)
    assert "outside" in failures(model)[-1]
    assert model.labels == ()


def test_without_a_project_a_click_says_what_to_do() -> None:
    model, told = LabelModel(), []
    model.failed.connect(told.append)
    model.show(micrograph())
    model.click(1, 1)
    assert told == ["no label project is open; make a new one or open one first"]


def test_a_second_window_opens_the_project_to_read(model: LabelModel, tmp_path: Path) -> None:
    other, told = LabelModel(), []
    other.failed.connect(told.append)
    other.open(tmp_path / "project")
    other.show(micrograph())
    other.click(1, 1)
    other.close()
    assert told
    assert model.counts == {"Bulk": 0, "SF1": 0}
