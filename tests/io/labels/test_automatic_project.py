"""Projects that start by themselves, and how they are moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.labels import automatic_project
from napari_stem_defects.io.labels.automatic_project import (
    is_automatic,
    open_automatic,
    remove_automatic,
    save_project_as,
)
from napari_stem_defects.io.labels.project import LabelProject

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the projects, instead of the user's."""
    monkeypatch.setattr(automatic_project, "projects_folder", lambda: tmp_path / "home")
    return tmp_path / "home"


def image(seed: int = 0, name: str = "lamella") -> Micrograph:
    pixels = np.random.default_rng(seed).normal(size=(64, 64)).astype(np.float32)
    return Micrograph(pixels, name, sha256=f"{seed:064d}")


def label(micrograph: Micrograph) -> Path:
    with open_automatic(micrograph, ("Bulk", "Defect")) as project:
        project.add(project.add_image(micrograph), 5, 5, "Defect")
        return project.path


def test_each_image_has_a_project_and_finds_it_again(folder: Path) -> None:
    assert label(image(1)) == folder / "lamella"
    assert label(image(2)) == folder / "lamella_2"
    assert label(image(1)) == folder / "lamella"
    with open_automatic(image(2), ()) as project:
        assert project.path == folder / "lamella_2"
        assert project.counts() == {"Bulk": 0, "Defect": 1}


def test_a_project_that_is_open_elsewhere_is_left_alone(folder: Path) -> None:
    with open_automatic(image(1), ("Bulk",)) as first:
        first.add(first.add_image(image(1)), 5, 5, "Bulk")
        with open_automatic(image(1), ("Bulk",)) as second:
            assert second.path == folder / "lamella_2"
            assert not second.read_only


def test_odd_names_become_folders(folder: Path) -> None:
    assert label(image(1, '<b>a/b:c"</b>')).parent == folder
    assert label(image(2, "../../x")).parent == folder


def test_a_copy_holds_all_labels_and_pixels(folder: Path, tmp_path: Path) -> None:
    source = label(image(1))
    target = tmp_path / "somewhere" / "mine"
    save_project_as(source, target)
    with LabelProject.open(target) as copy:
        assert copy.counts()["Defect"] == 1
        np.testing.assert_array_equal(copy.pixels(f"{1:064d}", 0), image(1).pixels)
    assert sorted(path.name for path in target.parent.iterdir()) == ["mine"]
    assert source.is_dir()
    remove_automatic(source)
    assert not source.exists()


def test_projects_elsewhere_are_never_removed(tmp_path: Path) -> None:
    LabelProject.create(tmp_path / "mine", ()).close()
    assert not is_automatic(tmp_path / "mine")
    remove_automatic(tmp_path / "mine")
    assert (tmp_path / "mine").is_dir()


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    source = label(image(1))
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(LabelError, match=r"^used: exists and is not empty; choose a new folder"):
        save_project_as(source, tmp_path / "used")
    (tmp_path / "empty").mkdir()
    save_project_as(source, tmp_path / "empty")


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = label(image(1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(automatic_project.os, "replace", full)
    with pytest.raises(OutputError, match=r"^mine: cannot be written \(No space left"):
        save_project_as(source, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
    assert not any("part" in path.name for path in tmp_path.iterdir())
    assert (source / "labels.jsonl").is_file()


def test_an_incomplete_copy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = label(image(1))
    monkeypatch.setattr(automatic_project.filecmp, "cmp", lambda *_, **__: False)
    with pytest.raises(OutputError, match="not a complete copy"):
        save_project_as(source, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
