"""The public patches and labelled columns find their places in the real micrographs."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.exchange import (
    export_patches,
    import_patches,
    labels_import,
)
from napari_stem_defects.io.labels.import_summary import ImportSummary
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.io.labels.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

PARENTS = ["CdTe_Training_Image.tif", "CdTe_vacancies.tif", "CdTe_interstitials.tif"]
CLASSES = ["Bulk", "LC", "SF1", "SF2", "Twin_Bound", "Vacancy_CdTe", "interstitial"]
EACH = 6
# Ranges of a patch's upper left corner (y, then x), measured when the data were collected.
CORNERS = {
    "LC": ((315, 324), (303, 323)),
    "SF1": ((0, 20), (284, 320)),
    "SF2": ((206, 218), (0, 105)),
    "Twin_Bound": ((641, 653), (0, 84)),
}


@pytest.fixture
def sample(data_dir: Path, tmp_path: Path) -> Path:
    """Return a folder with a few patches of every class."""
    folder = tmp_path / "sample"
    folder.mkdir()
    for name in CLASSES:
        files = sorted((data_dir / "patches" / "DataSet_CdTe").glob(f"{name}_*.tif"))
        for file in files[:: len(files) // EACH][:EACH]:
            shutil.copy(file, folder)
    return folder


def test_cdte_patches_are_placed_exactly(data_dir: Path, sample: Path, tmp_path: Path) -> None:
    images = [read(data_dir / "images" / name) for name in PARENTS]
    truth = json.loads((data_dir / "images" / "point_defects.json").read_text(encoding="utf-8"))
    with LabelProject.create(tmp_path / "cdte") as project:
        start = time.perf_counter()
        done = import_patches(project, read_patch_folder(sample), images)
        seconds = time.perf_counter() - start
        print(f"{done.text()}; {seconds / len(CLASSES) / EACH * 1000:.0f} ms a patch")
        # Bulk comes from another micrograph; everything else is here.
        assert done == ImportSummary(placed=6 * EACH, unplaced=EACH)
        training, vacancies, interstitials = (image.sha256 for image in images)
        for label in project.labels(training):
            (top, bottom), (left, right) = CORNERS[label.class_name]
            assert top <= label.y - 31.5 <= bottom
            assert left <= label.x - 31.5 <= right
        for image, name in ((vacancies, PARENTS[1]), (interstitials, PARENTS[2])):
            points = np.array(truth[name]["points_yx"])
            labels = project.labels(image)
            assert [label.class_name for label in labels] == [truth[name]["class"]] * EACH
            for label in labels:  # a patch shows its defect
                away = np.abs(points - (label.y, label.x)).max(axis=1)
                assert away.min() < 33  # some show half a vacancy at their edge
        assert verify(project).problems == ()
        export_patches(project, tmp_path / "out")
    before, after = read_patch_folder(sample), read_patch_folder(tmp_path / "out")
    exported = {patch.tobytes() for patch in after.patches}
    assert {patch.tobytes() for patch in before.patches} == exported


def test_interstitials_are_not_placed_where_there_are_none(
    data_dir: Path, sample: Path, tmp_path: Path
) -> None:
    """The unedited micrograph resembles the patches at 0.98 to 0.99, and shows bulk there."""
    for file in sample.iterdir():
        if not file.name.startswith(("interstitial", "Vacancy")):
            file.unlink()
    with LabelProject.create(tmp_path / "cdte") as project:
        done = import_patches(
            project, read_patch_folder(sample), [read(data_dir / "images" / PARENTS[0])]
        )
    assert done == ImportSummary(unplaced=2 * EACH)


def test_labelled_columns_of_wse2_are_imported(data_dir: Path, tmp_path: Path) -> None:
    pytest.importorskip("rsciio")
    image, project_folder = data_dir / "wse2" / "frame_02.dm4", tmp_path / "wse2"
    table = data_dir / "wse2" / "frame_02_columns.csv"
    rows = len(table.read_text(encoding="utf-8").splitlines()) - 1
    done = labels_import(project_folder, [table], [image])
    with LabelProject.open(project_folder, read_only=True) as project:
        assert done.placed + done.present == rows
        assert set(project.counts()) == {"Se2", "Se_vacancy", "W", "Ti_dopant"}
        ((micrograph, labels),) = project.by_frame()
        assert micrograph.pixel_size_nm == pytest.approx(0.0399, abs=1e-4)
        assert len(labels) == done.placed
