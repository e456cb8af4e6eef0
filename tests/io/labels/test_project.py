"""A label project saves every change."""

from __future__ import annotations

import doctest
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from project_samples import PIXELS, SHA, reopened

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.labels.journal import JOURNAL_NAME
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.labels.label import NewLabel

if TYPE_CHECKING:
    from pathlib import Path


def test_labels_come_back_as_they_were_made(project: LabelProject, micrograph: Micrograph) -> None:
    image = project.add_image(micrograph)
    one = project.add(image, 10, 20.5, "SF1")
    two = project.add(image, 79.4, -0.5, "new class", source="suggested")
    assert (one.y, one.x, one.class_name, one.source) == (10, 20.5, "SF1", "hand")
    assert one.author
    assert one.at.endswith("+00:00")
    assert two.source == "suggested"
    again = reopened(project)
    assert again.labels() == project.labels() == (one, two)
    assert again.classes == project.classes
    assert again.counts() == {"Bulk": 0, "SF1": 1, "new class": 1}
    assert again.frames == project.frames


def test_the_project_survives_being_moved_without_its_images(
    project: LabelProject, micrograph: Micrograph, tmp_path: Path
) -> None:
    project.add(project.add_image(micrograph), 1, 2, "SF1")
    project.close()
    shutil.move(project.path, tmp_path / "elsewhere")
    with LabelProject.open(tmp_path / "elsewhere") as moved:
        np.testing.assert_array_equal(moved.pixels(SHA), PIXELS)


def test_only_labelled_frames_of_a_stack_are_stored(
    project: LabelProject, micrograph: Micrograph
) -> None:
    stack = replace(micrograph, pixels=np.stack([PIXELS, PIXELS + 1, PIXELS + 2]))
    image = project.add_image(stack)
    assert project.frames == ()
    label = project.add(image, 5, 6, "SF1", frame=2)
    again = reopened(project)
    assert [frame.frame for frame in again.frames] == [2]
    np.testing.assert_array_equal(again.pixels(image, 2), PIXELS + 2)
    assert again.labels(image, 2) == (label,)
    assert again.labels(image, 0) == ()
    with pytest.raises(LabelError, match="frame 1"):
        again.pixels(image, 1)
    with pytest.raises(Exception, match="no frame 3"):
        project.add(image, 5, 6, "SF1", frame=3)


def test_an_image_without_a_hash_is_known_by_its_pixels(
    project: LabelProject, micrograph: Micrograph
) -> None:
    bare = replace(micrograph, sha256="")
    assert project.add_image(bare) == project.add_image(bare)
    assert len(project.frames) == 1


def test_adding_an_image_again_updates_its_pixel_size(
    project: LabelProject, micrograph: Micrograph
) -> None:
    image = project.add_image(replace(micrograph, pixel_size_nm=None))
    project.add_image(micrograph)
    project.add_image(replace(micrograph, pixel_size_nm=None))
    assert reopened(project).micrograph(image).pixel_size_nm == 0.02


def test_move_change_class_remove(project: LabelProject, micrograph: Micrograph) -> None:
    image = project.add_image(micrograph)
    labels = project.add_many([NewLabel(image, n, n, "SF1") for n in range(4)], weak=True)
    assert labels[0].weak
    assert not project.move(labels[0].id, 50, 60).weak
    project.change_class(labels[1].id, "LC")
    project.remove(labels[2].id, labels[3].id)
    one, two = reopened(project).labels()
    assert (one.id, one.y, one.x) == (labels[0].id, 50, 60)
    assert (two.id, two.class_name) == (labels[1].id, "LC")


@pytest.mark.parametrize(
    ("y", "x", "name", "message"),
    [
        (80, 5, "SF1", "outside"),
        (5, -0.6, "SF1", "outside"),
        (float("nan"), 5, "SF1", "not finite"),
        (5, 5, "../SF1", "class name"),
        (5, 5, "unknown", "class name"),
    ],
)
def test_an_invalid_label_is_refused_and_nothing_written(
    project: LabelProject, micrograph: Micrograph, y: float, x: float, name: str, message: str
) -> None:
    image = project.add_image(micrograph)
    before = (project.path / JOURNAL_NAME).read_bytes()
    with pytest.raises(LabelError, match=message):
        project.add_many([NewLabel(image, 1, 1, "SF1"), NewLabel(image, y, x, name)])
    assert (project.path / JOURNAL_NAME).read_bytes() == before
    assert project.labels() == ()
    assert [entry.name for entry in project.classes] == ["Bulk", "SF1"]


def test_labels_need_a_known_image(project: LabelProject) -> None:
    with pytest.raises(LabelError, match="add the image first"):
        project.add(SHA, 1, 1, "SF1")
    with pytest.raises(LabelError, match="no label"):
        project.remove("missing")


def test_projects_differ_from_other_folders(project: LabelProject, tmp_path: Path) -> None:
    assert is_label_project(project.path)
    assert not is_label_project(tmp_path)
    assert not is_label_project(tmp_path / "missing")
    with pytest.raises(LabelError, match="not a label project"):
        LabelProject.open(tmp_path)


def test_creating_never_overwrites(project: LabelProject, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="not empty"):
        LabelProject.create(project.path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(LabelError, match="not empty"):
        LabelProject.create(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be created"):
        LabelProject.create(tmp_path / "file" / "below")


def test_lost_and_damaged_pixels_are_reported_and_brought_back(
    project: LabelProject, micrograph: Micrograph
) -> None:
    image = project.add_image(micrograph)
    (file,) = (project.path / "images").iterdir()
    for spoil in (file.unlink, lambda: file.write_bytes(file.read_bytes()[:-7] + b"garbage")):
        spoil()
        with pytest.raises(LabelError, match="add the image 'a' to the project again"):
            project.pixels(image)
        project.add_image(micrograph)
        np.testing.assert_array_equal(project.pixels(image), PIXELS)


def test_the_example_in_the_docstring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    (example,) = finder.find(LabelProject, "LabelProject", globs={})
    assert runner.run(example) == (0, 4)


def test_every_public_method_is_documented() -> None:
    for name in dir(LabelProject):
        if not name.startswith("_"):
            assert getattr(LabelProject, name).__doc__, name
