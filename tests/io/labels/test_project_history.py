"""Changes can be undone and redone, and the journal can be compacted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project_samples import reopened

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.io.labels import project_history
from napari_stem_defects.io.labels.journal import JOURNAL_NAME
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.labels.label import NewLabel

if TYPE_CHECKING:
    pass


def test_undo_and_redo_append_and_never_rewrite(
    project: LabelProject, micrograph: Micrograph
) -> None:
    image = project.add_image(micrograph)
    journal = project.path / JOURNAL_NAME
    label = project.add(image, 1, 2, "SF1")
    states = [project.labels()]
    for change in (
        lambda: project.move(label.id, 3, 4),
        lambda: project.change_class(label.id, "LC"),
        lambda: project.merge_classes(["LC", "SF1"], "Bulk"),
        lambda: project.rename_class("Bulk", "matrix"),
        lambda: project.add_many([NewLabel(image, 1, 1, "x"), NewLabel(image, 2, 2, "x")]),
        lambda: project.remove(label.id),
    ):
        change()
        states.append(project.labels())
    for state in reversed(states[:-1]):
        before = journal.read_bytes()
        assert project.undo()
        assert journal.read_bytes().startswith(before)
        assert set(project.labels()) == set(reopened(project).labels()) == set(state)
    for state in states[1:]:
        assert project.redo()
        assert set(project.labels()) == set(reopened(project).labels()) == set(state)
    assert not project.redo()
    for _ in states:
        assert project.undo()
    assert not project.undo()
    assert (project.can_undo, project.can_redo) == (False, True)
    assert project.labels() == ()
    assert project.frames != ()


def test_a_new_change_ends_redoing(project: LabelProject, micrograph: Micrograph) -> None:
    image = project.add_image(micrograph)
    project.add(image, 1, 2, "SF1")
    project.undo()
    project.add(image, 3, 4, "SF1")
    assert not project.redo()


def test_compaction_keeps_the_state(project: LabelProject, micrograph: Micrograph) -> None:
    image = project.add_image(micrograph)
    label = project.add(image, 1, 2, "SF1")
    for n in range(50):
        project.move(label.id, n, n)
    size = (project.path / JOURNAL_NAME).stat().st_size
    project.compact()
    assert (project.path / JOURNAL_NAME).stat().st_size < size / 5
    project.undo()
    project.add(image, 7, 7, "Bulk")
    again = reopened(project)
    assert again.labels() == project.labels()
    assert again.classes == project.classes
    assert again.frames == project.frames


def test_closing_compacts_a_journal_that_grew_long(
    project: LabelProject, micrograph: Micrograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = project.add(project.add_image(micrograph), 1, 2, "SF1")
    for n in range(20):
        project.move(label.id, n, n)
    monkeypatch.setattr(project_history, "_COMPACT_ABOVE", 10)
    project.close()
    assert (project.path / JOURNAL_NAME).read_bytes().count(b"\n") == 5
    assert reopened(project).labels()[0].y == 19
