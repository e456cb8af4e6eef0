"""Labels and frames are read back as they were saved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from project_samples import PIXELS, reopened

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.journal import JOURNAL_NAME, encode_line
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.labels.label import NewLabel

if TYPE_CHECKING:
    pass


def test_labelled_frames_come_with_pixels_and_pixel_size(
    project: LabelProject, micrograph: Micrograph
) -> None:
    image = project.add_image(micrograph)
    other = project.add_image(replace(micrograph, sha256="cd" * 32, name="b", pixel_size_nm=None))
    labels = project.add_many([NewLabel(image, 1, 2, "SF1"), NewLabel(other, 3, 4, "Bulk")])
    (first, its), (second, others) = reopened(project).by_frame()
    assert (its, others) == (labels[:1], labels[1:])
    np.testing.assert_array_equal(first.pixels, PIXELS)
    assert (first.name, first.pixel_size_nm, first.pixel_size_source) == ("a", 0.02, "file")
    assert first.path == micrograph.path
    assert second.pixel_size_nm is None
    assert project.labels(other) == labels[1:]


def test_invalid_pixels_stay_invalid(project: LabelProject, micrograph: Micrograph) -> None:
    invalid = np.zeros(PIXELS.shape, bool)
    invalid[3:5, 7] = True
    image = project.add_image(replace(micrograph, invalid=invalid))
    back = project.micrograph(image)
    assert back.invalid is not None
    np.testing.assert_array_equal(back.invalid, invalid)
    np.testing.assert_array_equal(back.pixels[~invalid], PIXELS[~invalid])
    assert np.isfinite(back.pixels).all()


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


def test_an_invalid_record_is_skipped_and_reported(project: LabelProject) -> None:
    project.close()
    with (project.path / JOURNAL_NAME).open("a", encoding="utf-8", newline="\n") as file:
        file.write(encode_line({"op": "class", "name": "../x", "colour": "#000000"}) + "\n")
    with LabelProject.open(project.path) as again:
        assert not again.read_only
        assert "1 invalid records were skipped" in again.warnings[0]
