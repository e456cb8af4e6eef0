"""Every problem of a project is reported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.exchange import import_patches
from napari_stem_defects.io.labels.journal import JOURNAL_NAME, LabelJournal
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.io.labels.verify import labels_verify, verify
from napari_stem_defects.labels.state import to_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

CROPS = {"SF1_0": (0, 0), "SF1_1": (36, 56), "LC_0": (13, 27)}


def noise(seed: int, shape: tuple[int, int] = (100, 120)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[LabelProject]:
    with LabelProject.create(tmp_path / "mine") as made:
        yield made


@pytest.fixture
def image(tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "parent.tif", noise(0))
    return tmp_path / "parent.tif"


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    """Return a folder of three crops of the image and one patch from elsewhere."""
    folder = tmp_path / "patches"
    folder.mkdir()
    for name, (top, left) in CROPS.items():
        tifffile.imwrite(folder / f"{name}.tif", noise(0)[top : top + 64, left : left + 64])
    tifffile.imwrite(folder / "Bulk_0.tif", noise(9, (64, 64)))
    return folder


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
