"""Every problem of a project is reported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.exchange import import_patches
from napari_stem_defects.io.labels.journal import JOURNAL_NAME, LabelJournal
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.io.labels.verify import labels_verify, verify
from napari_stem_defects.labels.events import to_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[LabelProject]:
    with LabelProject.create(tmp_path / "mine") as made:
        yield made


def test_a_valid_project_has_no_problem(project: LabelProject, patches: Path) -> None:
    import_patches(project, read_patch_folder(patches))
    found = verify(project)
    assert found.problems == ()
    assert "4 labels on 4 frames" in found.text()
    assert "SF1: 2" in found.text()
    assert "no problem" in found.text()


def test_every_problem_is_reported(project: LabelProject, patches: Path, image: Path) -> None:
    import_patches(project, read_patch_folder(patches), [read(image)])
    project.close()
    journal = project.path / JOURNAL_NAME
    lines = journal.read_bytes().splitlines(keepends=True)
    unplaced = next(n for n, line in enumerate(lines) if b'"name":"Bulk_0"' in line)
    lines[unplaced] = lines[unplaced].replace(b"Bulk_0", b"Bulk_1")
    journal.write_bytes(b"".join(lines) + b"torn")
    (project.path / "images" / f"{read(image).sha256}.npy").unlink()
    text = labels_verify(project.path).text()
    for fault in (f"line {unplaced + 1}", "unfinished last line", "cannot be read", "is missing"):
        assert fault in text


def test_a_label_outside_its_frame_is_reported(project: LabelProject, image: Path) -> None:
    micrograph = read(image)
    label = project.add(project.add_image(micrograph), 10, 20, "SF1")
    project.close()
    journal = LabelJournal(project.path)
    journal.append([to_record(replace(label, y=100.0))])
    journal.close()
    (problem,) = labels_verify(project.path).problems
    assert problem == f"label {label.id}: 100, 20 lies outside parent; remove it"


def test_a_folder_that_is_not_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="not a label project"):
        labels_verify(tmp_path)
