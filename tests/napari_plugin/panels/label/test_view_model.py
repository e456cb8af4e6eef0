"""Labels set, undone, saved and loaded, without widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from label_view_models import failures, labelling, noise_micrograph

from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def view_model(tmp_path: Path) -> Iterator[LabelViewModel]:
    made = labelling(tmp_path / "project")
    yield made
    made.close()


def test_a_click_is_saved_before_it_returns(view_model: LabelViewModel, tmp_path: Path) -> None:
    view_model.activate("SF1")
    view_model.click(10, 20)
    lines = (tmp_path / "project" / "labels.jsonl").read_text().splitlines()
    assert '"SF1"' in lines[-1]
    assert view_model.counts == {"Bulk": 0, "SF1": 1}
    assert failures(view_model) == []


def test_undo_and_redo(view_model: LabelViewModel) -> None:
    view_model.click(10, 20)
    view_model.move(view_model.selected, 30, 40)
    view_model.undo()
    assert [(label.y, label.x) for label in view_model.labels] == [(10, 20)]
    view_model.undo()
    assert view_model.labels == ()
    view_model.redo()
    view_model.redo()
    assert [(label.y, label.x) for label in view_model.labels] == [(30, 40)]


def test_reopening_resumes(view_model: LabelViewModel, tmp_path: Path) -> None:
    view_model.click(10, 20)
    view_model.close()
    view_model.open(tmp_path / "project")
    view_model.show(noise_micrograph())
    assert len(view_model.labels) == 1
    assert [frame.name for frame in view_model.images] == ["CdTe"]


def test_number_keys_choose_classes(view_model: LabelViewModel) -> None:
    view_model.activate_key(2)
    assert view_model.active_class == "SF1"
    view_model.activate_key(9)
    assert view_model.active_class == "SF1"


def test_nearest_label(view_model: LabelViewModel) -> None:
    view_model.click(10, 20)
    view_model.click(50, 60)
    near = view_model.near(48, 60, reach=6)
    assert near is not None
    assert (near.y, near.x) == (50, 60)
    assert view_model.near(30, 40, reach=6) is None


def test_remove_selected_removes_the_label_set_last(view_model: LabelViewModel) -> None:
    view_model.click(10, 20)
    view_model.click(50, 60)
    view_model.remove_selected()
    view_model.remove_selected()
    assert [(label.y, label.x) for label in view_model.labels] == [(10, 20)]


def test_frames_of_a_stack_have_their_own_labels(view_model: LabelViewModel) -> None:
    view_model.show(noise_micrograph(frames=3), 1)
    view_model.click(10, 20)
    view_model.show_frame(2)
    assert view_model.labels == ()
    view_model.click(11, 21)
    view_model.show_frame(1)
    assert [label.frame for label in view_model.labels] == [1]
    assert view_model.image_titles == ["CdTe [1]", "CdTe [2]"]


def test_classes(view_model: LabelViewModel) -> None:
    view_model.click(10, 20)
    view_model.add_class("LC")
    assert view_model.active_class == "LC"
    view_model.click(20, 20)
    view_model.rename_class("LC", "junction")
    view_model.set_class("junction", kind="area", title="my junction", colour="#123456")
    assert view_model.colours["junction"] == "#123456"
    assert view_model.titles["junction"] == "my junction"
    assert [each.kind for each in view_model.classes if each.name == "junction"] == ["area"]
    view_model.undo()
    assert view_model.titles["junction"] == "junction"
    assert failures(view_model) == []
    view_model.set_class("Bulk", kind="line")
    assert "its kind is bulk" in failures(view_model)[-1]
    view_model.rename_class("junction", "Bulk")
    assert view_model.counts == {"Bulk": 2, "SF1": 0}
    view_model.remove_class("Bulk")
    assert "has 2 labels" in failures(view_model)[-1]


@pytest.mark.parametrize("y", [-5, 100])
def test_clicks_outside_the_image_are_refused(view_model: LabelViewModel, y: float) -> None:
    view_model.click(y, 20)
    assert "outside" in failures(view_model)[-1]
    assert view_model.labels == ()


def test_a_second_panel_opens_the_project_read_only(
    view_model: LabelViewModel, tmp_path: Path
) -> None:
    other, messages = LabelViewModel(), []
    other.failed.connect(messages.append)
    other.open(tmp_path / "project")
    other.show(noise_micrograph())
    other.click(1, 1)
    other.close()
    assert messages
    assert view_model.counts == {"Bulk": 0, "SF1": 0}
