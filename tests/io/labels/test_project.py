"""A label project saves what is done to it, and gives it back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.labels import project as project_module
from napari_stem_defects.io.labels.journal import JOURNAL_NAME, encode_line
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.labels.label import LabelClass, Point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHA = "ab" * 32
PIXELS = np.random.default_rng(0).random((80, 100), dtype=np.float32)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[LabelProject]:
    with LabelProject.create(tmp_path / "mine", ["Bulk", "SF1"]) as made:
        yield made


@pytest.fixture
def micrograph(tmp_path: Path) -> Micrograph:
    path = tmp_path / "data" / "a.tif"
    return Micrograph(PIXELS, "a", 0.02, "file", path=path, sha256=SHA)


def reopened(project: LabelProject) -> LabelProject:
    """Return a fresh look at what is on the disk."""
    return LabelProject.open(project.path, read_only=True)


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


def test_training_gets_pixels_calibration_and_labels(
    project: LabelProject, micrograph: Micrograph
) -> None:
    image = project.add_image(micrograph)
    other = project.add_image(replace(micrograph, sha256="cd" * 32, name="b", pixel_size_nm=None))
    labels = project.add_many([Point(image, 1, 2, "SF1"), Point(other, 3, 4, "Bulk")])
    (first, its), (second, others) = reopened(project).by_frame()
    assert (its, others) == (labels[:1], labels[1:])
    np.testing.assert_array_equal(first.pixels, PIXELS)
    assert (first.name, first.pixel_size_nm, first.pixel_size_source) == ("a", 0.02, "file")
    assert first.path == micrograph.path
    assert second.pixel_size_nm is None
    assert project.labels(other) == labels[1:]


def test_the_project_survives_being_moved_without_its_images(
    project: LabelProject, micrograph: Micrograph, tmp_path: Path
) -> None:
    project.add(project.add_image(micrograph), 1, 2, "SF1")
    project.close()
    shutil.move(project.path, tmp_path / "elsewhere")
    with LabelProject.open(tmp_path / "elsewhere") as moved:
        np.testing.assert_array_equal(moved.pixels(SHA), PIXELS)


def test_invalid_pixels_stay_invalid(project: LabelProject, micrograph: Micrograph) -> None:
    invalid = np.zeros(PIXELS.shape, bool)
    invalid[3:5, 7] = True
    image = project.add_image(replace(micrograph, invalid=invalid))
    back = project.micrograph(image)
    assert back.invalid is not None
    np.testing.assert_array_equal(back.invalid, invalid)
    np.testing.assert_array_equal(back.pixels[~invalid], PIXELS[~invalid])
    assert np.isfinite(back.pixels).all()


def test_of_a_stack_only_labelled_frames_are_kept(
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


def test_adding_an_image_again_brings_its_new_calibration(
    project: LabelProject, micrograph: Micrograph
) -> None:
    image = project.add_image(replace(micrograph, pixel_size_nm=None))
    project.add_image(micrograph)
    project.add_image(replace(micrograph, pixel_size_nm=None))
    assert reopened(project).micrograph(image).pixel_size_nm == 0.02


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


def test_move_reclass_remove(project: LabelProject, micrograph: Micrograph) -> None:
    image = project.add_image(micrograph)
    labels = project.add_many([Point(image, n, n, "SF1") for n in range(4)], weak=True)
    assert labels[0].weak
    assert not project.move(labels[0].id, 50, 60).weak
    project.reclass(labels[1].id, "LC")
    project.remove(labels[2].id, labels[3].id)
    one, two = reopened(project).labels()
    assert (one.id, one.y, one.x) == (labels[0].id, 50, 60)
    assert (two.id, two.class_name) == (labels[1].id, "LC")


def test_undo_and_redo_append_and_never_rewrite(
    project: LabelProject, micrograph: Micrograph
) -> None:
    image = project.add_image(micrograph)
    journal = project.path / JOURNAL_NAME
    label = project.add(image, 1, 2, "SF1")
    states = [project.labels()]
    for change in (
        lambda: project.move(label.id, 3, 4),
        lambda: project.reclass(label.id, "LC"),
        lambda: project.merge_classes(["LC", "SF1"], "Bulk"),
        lambda: project.rename_class("Bulk", "matrix"),
        lambda: project.add_many([Point(image, 1, 1, "x"), Point(image, 2, 2, "x")]),
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
    assert project.labels() == ()
    assert project.frames != ()


def test_a_new_change_ends_redoing(project: LabelProject, micrograph: Micrograph) -> None:
    image = project.add_image(micrograph)
    project.add(image, 1, 2, "SF1")
    project.undo()
    project.add(image, 3, 4, "SF1")
    assert not project.redo()


def test_classes_can_be_edited(project: LabelProject, micrograph: Micrograph) -> None:
    project.add(project.add_image(micrograph), 1, 2, "SF1")
    assert project.add_class("LC", colour="#010203", key=9) == LabelClass("LC", "#010203", 9)
    project.recolour_class("LC", "#ffffff")
    project.rename_class("LC", "junction")
    project.remove_class("Bulk")
    assert reopened(project).classes == (
        LabelClass("SF1", "#e69f00", 2),
        LabelClass("junction", "#ffffff", 9),
    )
    with pytest.raises(LabelError, match="1 labels"):
        project.remove_class("SF1")


@pytest.mark.parametrize(
    ("y", "x", "name", "message"),
    [
        (80, 5, "SF1", "outside"),
        (5, -0.6, "SF1", "outside"),
        (float("nan"), 5, "SF1", "not a place"),
        (5, 5, "../SF1", "class name"),
        (5, 5, "unknown", "class name"),
    ],
)
def test_a_senseless_label_is_refused_and_nothing_written(
    project: LabelProject, micrograph: Micrograph, y: float, x: float, name: str, message: str
) -> None:
    image = project.add_image(micrograph)
    before = (project.path / JOURNAL_NAME).read_bytes()
    with pytest.raises(LabelError, match=message):
        project.add_many([Point(image, 1, 1, "SF1"), Point(image, y, x, name)])
    assert (project.path / JOURNAL_NAME).read_bytes() == before
    assert project.labels() == ()
    assert [entry.name for entry in project.classes] == ["Bulk", "SF1"]


def test_labels_need_a_known_image(project: LabelProject) -> None:
    with pytest.raises(LabelError, match="add the image first"):
        project.add(SHA, 1, 1, "SF1")
    with pytest.raises(LabelError, match="no label"):
        project.remove("nobody")


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
    monkeypatch.setattr(project_module, "_COMPACT_ABOVE", 10)
    project.close()
    assert (project.path / JOURNAL_NAME).read_bytes().count(b"\n") == 5
    assert reopened(project).labels()[0].y == 19


def test_a_read_only_project_shows_everything_and_changes_nothing(
    project: LabelProject, micrograph: Micrograph
) -> None:
    image = project.add_image(micrograph)
    label = project.add(image, 1, 2, "SF1")
    with LabelProject.open(project.path) as second:
        assert second.read_only
        assert "another" in second.warnings[0]
        assert second.labels() == (label,)
        assert second.add_image(micrograph) == image
        for change in (
            lambda: second.add(image, 1, 2, "SF1"),
            lambda: second.remove(label.id),
            lambda: second.add_class("x"),
            second.compact,
        ):
            with pytest.raises(LabelError, match="cannot be changed"):
                change()


def test_records_of_a_newer_version_make_it_read_only(project: LabelProject) -> None:
    project.close()
    with (project.path / JOURNAL_NAME).open("a", encoding="utf-8", newline="\n") as file:
        file.write(encode_line({"op": "polygon", "points": [1, 2]}) + "\n")
    with LabelProject.open(project.path) as again:
        assert again.read_only
        assert "newer" in again.warnings[0]
        assert [entry.name for entry in again.classes] == ["Bulk", "SF1"]


def test_a_senseless_record_is_skipped_and_reported(project: LabelProject) -> None:
    project.close()
    with (project.path / JOURNAL_NAME).open("a", encoding="utf-8", newline="\n") as file:
        file.write(encode_line({"op": "class", "name": "../x", "colour": "#000000"}) + "\n")
    with LabelProject.open(project.path) as again:
        assert not again.read_only
        assert "1 records make no sense" in again.warnings[0]


def test_projects_are_told_from_other_folders(project: LabelProject, tmp_path: Path) -> None:
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
    with pytest.raises(OutputError, match="cannot be made"):
        LabelProject.create(tmp_path / "file" / "below")
