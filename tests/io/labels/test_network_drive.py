"""Label projects on network drives: other computers, clocks that jump, folders that move."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io import write_lock
from napari_stem_defects.io.labels import journal as journal_module
from napari_stem_defects.io.labels import project as project_module
from napari_stem_defects.io.labels.journal import HOLDER_NAME
from napari_stem_defects.io.labels.project import LabelProject

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
IMAGE = Micrograph(PIXELS, "lamella", sha256="ab" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with LabelProject.create(tmp_path / "labels", ("Bulk", "SF1")) as project:
        project.add(project.add_image(IMAGE), 5, 5, "SF1")
    return tmp_path / "labels"


def on_host(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for module in (write_lock, journal_module):
        monkeypatch.setattr(module.socket, "gethostname", lambda: name)


class NoLock:
    """A lock of a drive whose locks end at the computer."""

    is_locked = True

    def __init__(self, *_: Any, **__: Any) -> None:
        self.is_locked = True

    def acquire(self) -> None:
        self.is_locked = True

    def release(self) -> None:
        self.is_locked = False


def test_the_second_one_learns_who_has_the_project_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_host(monkeypatch, "microscope-pc")
    with LabelProject.open(folder), LabelProject.open(folder) as second:
        assert second.read_only
        assert "on microscope-pc since 20" in second.warnings[0]
    assert not (folder / HOLDER_NAME).exists()


def test_where_locks_end_at_the_computer_nothing_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "FileLock", NoLock)
    on_host(monkeypatch, "microscope-pc")
    first = LabelProject.open(folder)
    on_host(monkeypatch, "office-pc")
    second = LabelProject.open(folder)
    assert "on another computer" in second.warnings[0]
    assert "on microscope-pc since" in second.warnings[0]
    first.add(IMAGE.sha256, 10, 10, "SF1")
    with pytest.raises(LabelError, match="changed by another program; reopen"):
        second.add(IMAGE.sha256, 20, 20, "Bulk")
    second.close()
    assert len(first.labels()) == 2
    first.close()
    with LabelProject.open(folder) as again:
        assert [label.class_name for label in again.labels()] == ["SF1", "SF1"]


def test_a_note_that_a_crash_left_is_no_obstacle(folder: Path) -> None:
    note = {"task": "labelling", "host": "gone-pc", "process": 1, "since": "2001-01-01T00:00:00"}
    (folder / HOLDER_NAME).write_text(json.dumps(note), encoding="utf-8")
    with LabelProject.open(folder) as project:
        assert not project.read_only
        assert "process 1 on gone-pc since 2001-01-01 00:00:00" in project.warnings[0]
        project.add(IMAGE.sha256, 10, 10, "SF1")
    with LabelProject.open(folder) as project:
        assert project.warnings == ()
        assert len(project.labels()) == 2


def test_a_clock_that_jumps_changes_no_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [datetime(2030, 1, 1, tzinfo=UTC) - timedelta(days=400 * step) for step in range(9)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return times.pop(0)

    monkeypatch.setattr(project_module, "datetime", Clock)
    with LabelProject.open(folder) as project:
        for x in (10, 20, 30):
            project.add(IMAGE.sha256, 40, x, "Bulk")
        project.undo()
    with LabelProject.open(folder) as project:
        assert [label.x for label in project.labels()] == [5, 10, 20]


def test_a_project_that_is_moved_while_open_keeps_its_labels(folder: Path, tmp_path: Path) -> None:
    project = LabelProject.open(folder)
    moved = tmp_path / "elsewhere"
    shutil.move(folder, moved)
    with pytest.raises(OutputError, match="gone") as caught:
        project.add(IMAGE.sha256, 10, 10, "SF1")
    assert "\n" not in str(caught.value)
    with pytest.raises(OutputError, match="gone"):
        project.add_image(Micrograph(PIXELS + 1, "other", sha256="cd" * 32))
    assert not folder.exists()  # nothing is written where it was
    project.close()
    with LabelProject.open(moved) as again:
        assert len(again.labels()) == 1
        again.add(IMAGE.sha256, 10, 10, "SF1")
