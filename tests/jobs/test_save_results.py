"""Saving of opened results with other thresholds and corrections."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from result_samples import CLASSES
from written_results import write_image, write_result

from napari_stem_defects.errors import InputError, InUseError, OverwriteError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.read_results import read_results, read_summary
from napari_stem_defects.io.results.result_folder import open_results
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.jobs.corrections import Correction
from napari_stem_defects.jobs.save_results import save_results

if TYPE_CHECKING:
    from pathlib import Path

THRESHOLDS = dict.fromkeys(CLASSES, 0.5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_result(write_image(tmp_path / "data" / "movie.tif", 3), tmp_path / "out")


def correction(folder: Path, frame: int, right: str = "Bulk") -> Correction:
    """Return the correction of the first vacancy of a frame."""
    region = next(
        each for each in read_results(folder)[frame].regions if each.class_name == "Vacancy_CdTe"
    )
    return Correction(frame, round(region.y_px), round(region.x_px), region.class_name, right)


def counts(folder: Path, class_name: str) -> list[int]:
    found = read_results(folder)
    return [sum(r.class_name == class_name for r in each.regions) for each in found]


def test_corrections_change_their_frame_and_are_stored(folder: Path) -> None:
    before = read_results(folder)
    wrong = correction(folder, 1, "interstitial")
    assert save_results(folder, THRESHOLDS, [wrong]) == folder
    assert counts(folder, "Vacancy_CdTe") == [2, 1, 2]
    assert counts(folder, "interstitial") == [0, 1, 0]
    summary = read_summary(folder)
    assert summary["corrections"] == [asdict(wrong)]
    assert summary["model"]["name"] == "cdte-110"
    assert summary["counts"]["Vacancy_CdTe"] == 5
    after = read_results(folder)
    for frame in (0, 2):
        np.testing.assert_array_equal(after[frame].masks, before[frame].masks)
        assert after[frame].regions == before[frame].regions
    assert not (folder / ".partial").exists()
    # A rerun with the old settings would lose them: it is refused.
    with pytest.raises(OverwriteError, match="corrected by hand"):
        open_results(
            folder.parent,
            read(folder.parent.parent / "data" / "movie.tif"),
            {"name": "cdte-110", "sha256": "cd" * 32},
            {"stride_px": 4},
        )


def test_corrections_add_up_and_can_be_taken_back(folder: Path) -> None:
    original = [each.masks for each in read_results(folder)]
    first = correction(folder, 0)
    save_results(folder, THRESHOLDS, [first])
    second = correction(folder, 2)
    save_results(folder, THRESHOLDS, [first, second])
    assert counts(folder, "Vacancy_CdTe") == [1, 2, 1]
    assert len(read_summary(folder)["corrections"]) == 2
    save_results(folder, THRESHOLDS, [])
    assert read_summary(folder)["corrections"] == []
    for mask, after in zip(original, read_results(folder), strict=True):
        np.testing.assert_array_equal(mask, after.masks)


def test_other_thresholds_apply_to_all_frames(folder: Path) -> None:
    save_results(folder, {**THRESHOLDS, "Vacancy_CdTe": 0.95}, [])
    assert counts(folder, "Vacancy_CdTe") == [0, 0, 0]
    assert read_summary(folder)["parameters"]["thresholds"]["Vacancy_CdTe"] == 0.95


def test_nothing_is_written_where_nothing_has_changed(folder: Path) -> None:
    before = (folder / "summary.json").stat().st_mtime_ns
    save_results(folder, THRESHOLDS, [])
    assert (folder / "summary.json").stat().st_mtime_ns == before


def test_without_its_image_results_are_saved_too(folder: Path, tmp_path: Path) -> None:
    sha256 = read_summary(folder)["image"]["sha256"]
    shutil.rmtree(tmp_path / "data")
    save_results(folder, THRESHOLDS, [correction(folder, 0)])
    assert counts(folder, "Vacancy_CdTe") == [1, 2, 2]
    assert read_summary(folder)["image"]["sha256"] == sha256
    assert (folder / "overview.png").stat().st_size > 1000


def test_a_new_folder_leaves_the_opened_one(folder: Path, tmp_path: Path) -> None:
    save_results(folder, THRESHOLDS, [correction(folder, 0)], out=tmp_path / "new")
    assert counts(folder, "Vacancy_CdTe") == [2, 2, 2]
    assert counts(tmp_path / "new" / "movie", "Vacancy_CdTe") == [1, 2, 2]


def test_of_a_batch_only_corrected_images_are_written(folder: Path, tmp_path: Path) -> None:
    other = write_result(write_image(tmp_path / "data" / "a.tif", seed=3), folder.parent)
    times = {each: (each / "summary.json").stat().st_mtime_ns for each in (folder, other)}
    wrong = correction(folder, 1)
    # The image "a" comes first, so that the second frame of the stack is the third of the whole.
    whole = Correction(2, wrong.y, wrong.x, wrong.found, wrong.right)
    assert save_results(folder.parent, THRESHOLDS, [whole]) == folder.parent
    assert counts(folder, "Vacancy_CdTe") == [2, 1, 2]
    assert (other / "summary.json").stat().st_mtime_ns == times[other]
    assert (folder / "summary.json").stat().st_mtime_ns != times[folder]


def test_results_changed_meanwhile_are_not_overwritten(folder: Path) -> None:
    wrong = correction(folder, 0)
    with pytest.raises(InputError, match="replaced by another program"):
        save_results(folder, THRESHOLDS, [wrong], fingerprints=["another"])
    with WriteLock(folder, "search"), pytest.raises(InUseError):
        save_results(folder, THRESHOLDS, [wrong])
    table = folder / "regions.csv"
    table.write_text(table.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises((OverwriteError, InputError)):
        save_results(folder, THRESHOLDS, [wrong])
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))["corrections"] == []
