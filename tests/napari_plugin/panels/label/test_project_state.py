"""Projects that are opened, started by a click, and saved elsewhere."""

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


def test_a_click_without_a_project_starts_one(automatic_projects: Path) -> None:
    view_model, messages = LabelViewModel(), []
    view_model.failed.connect(messages.append)
    view_model.show(noise_micrograph())
    view_model.click(1, 1)
    assert messages == []
    assert view_model.is_automatic
    assert view_model.project is not None
    assert view_model.project.path == automatic_projects / "CdTe"
    assert [label.class_name for label in view_model.labels] == ["Defect"]
    view_model.close()


def test_a_click_without_an_image_reports_what_to_do(automatic_projects: Path) -> None:
    view_model, messages = LabelViewModel(), []
    view_model.failed.connect(messages.append)
    view_model.click(1, 1)
    assert messages == ["there is no image to label; open one"]
    assert not automatic_projects.exists()


def test_a_class_may_come_before_the_first_click() -> None:
    view_model = LabelViewModel()
    view_model.show(noise_micrograph())
    view_model.add_class("Dislocation")
    view_model.click(5, 5)
    assert [label.class_name for label in view_model.labels] == ["Dislocation"]
    view_model.close()


def test_the_first_click_in_a_later_session_goes_on_with_the_labels() -> None:
    first = LabelViewModel()
    first.show(noise_micrograph())
    first.click(5, 5)
    first.add_class("Dislocation")
    first.click(9, 9)
    first.close()
    second = LabelViewModel()
    second.show(noise_micrograph())
    second.click(20, 20)
    names = [label.class_name for label in second.labels]
    assert names == ["Defect", "Dislocation", "Dislocation"]
    second.close()


def test_save_as_moves_a_project_that_started_by_itself(
    automatic_projects: Path, tmp_path: Path
) -> None:
    view_model = LabelViewModel()
    view_model.show(noise_micrograph())
    view_model.click(5, 5)
    view_model.save_as(tmp_path / "mine")
    assert view_model.project is not None
    assert view_model.project.path == tmp_path / "mine"
    assert not view_model.is_automatic
    assert view_model.active_class == "Defect"
    assert not any(automatic_projects.iterdir())
    view_model.click(9, 9)
    assert len(view_model.labels) == 2
    view_model.close()


def test_save_as_copies_a_project_that_the_user_made(
    view_model: LabelViewModel, tmp_path: Path
) -> None:
    view_model.click(5, 5)
    view_model.save_as(tmp_path / "copy")
    assert (tmp_path / "project" / "labels.jsonl").is_file()
    assert view_model.project is not None
    assert view_model.project.path == tmp_path / "copy"
    assert len(view_model.labels) == 1


def test_save_as_into_a_used_folder_changes_nothing(
    view_model: LabelViewModel, tmp_path: Path
) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine", encoding="utf-8")
    view_model.save_as(tmp_path / "used")
    assert "not empty" in failures(view_model)[-1]
    assert view_model.project is not None
    assert view_model.project.path == tmp_path / "project"


def test_no_project_starts_while_another_process_writes_the_open_one(
    view_model: LabelViewModel, automatic_projects: Path
) -> None:
    reopen = view_model.close_for_writing()
    view_model.click(5, 5)
    assert "being written" in failures(view_model)[-1]
    assert not automatic_projects.exists()
    reopen()
    view_model.click(5, 5)
    assert len(view_model.labels) == 1


def test_a_change_that_succeeds_ends_what_went_wrong_before() -> None:
    model = LabelViewModel()
    events: list[str] = []
    model.failed.connect(events.append)
    model.succeeded.connect(lambda: events.append("done"))
    model.click(10, 20)
    assert events == ["there is no image to label; open one"]
    model.show(noise_micrograph())
    model.click(10, 20)
    assert events[-1] == "done"
    model.close()
