"""Classes of a label project are added, changed, renamed, merged and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project_samples import reopened

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.journal import JOURNAL_NAME, LabelJournal
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.labels.label import LabelClass

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph


def test_classes_can_be_edited(project: LabelProject, micrograph: Micrograph) -> None:
    project.add(project.add_image(micrograph), 1, 2, "SF1")
    assert project.add_class("LC", colour="#010203", key=9) == LabelClass(
        "LC", "#010203", 9, "point", "Lomer-Cottrell junction"
    )
    project.set_class("LC", colour="#ffffff")
    project.rename_class("LC", "junction")
    project.remove_class("Bulk")
    assert reopened(project).classes == (
        LabelClass("SF1", "#e69f00", 2, "line", "stacking fault 1"),
        LabelClass("junction", "#ffffff", 9, "point", "junction"),
    )
    with pytest.raises(LabelError, match="1 labels"):
        project.remove_class("SF1")


def test_kind_and_title_are_saved_and_undone(project: LabelProject) -> None:
    project.add_class("APB", kind="line")
    project.set_class("APB", kind="area", title="anti-phase domain")
    (found,) = [each for each in reopened(project).classes if each.name == "APB"]
    assert (found.kind, found.title) == ("area", "anti-phase domain")
    assert project.undo()
    (before,) = [each for each in reopened(project).classes if each.name == "APB"]
    assert (before.kind, before.title) == ("line", "APB")
    with pytest.raises(LabelError, match="kind 'wall' must be point, line or area"):
        project.set_class("APB", kind="wall")  # type: ignore[arg-type]


def test_a_project_of_an_earlier_version_gets_the_kinds_of_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    LabelProject.create(folder, ["Bulk", "SF1", "mine"]).close()
    journal = LabelJournal(folder, read_only=False)
    new = ("kind", "title")
    journal.rewrite(
        [
            {name: value for name, value in record.items() if name not in new}
            for record in journal.contents.records
        ]
    )
    journal.close()
    assert "kind" not in (folder / JOURNAL_NAME).read_text(encoding="utf-8")
    with LabelProject.open(folder) as project:
        assert project.warnings == ()
        assert {entry.name: (entry.kind, entry.title) for entry in project.classes} == {
            "Bulk": ("bulk", "bulk"),
            "SF1": ("line", "stacking fault 1"),
            "mine": ("point", "mine"),
        }
