"""Folders that commands have written, opened as what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.errors import ReadError
from napari_stem_defects.jobs.opened_folder import open_folder, stored_kind
from napari_stem_defects.jobs.opened_result import OpenedResult
from napari_stem_defects.jobs.opened_survey import OpenedSurvey

if TYPE_CHECKING:
    from pathlib import Path


def test_results_and_surveys_of_one_image_and_of_several(tmp_path: Path) -> None:
    result = write_result(write_image(tmp_path / "a.tif"), tmp_path / "found")
    survey, _ = write_surveys(write_crystal(tmp_path / "b.npy"), tmp_path / "unusual")
    for path in (result, result / "summary.json", result.parent):
        assert stored_kind(path) == "results"
        assert isinstance(open_folder(path), OpenedResult)
    for path in (survey, survey / "summary.json", survey.parent):
        assert stored_kind(path) == "survey"
        assert isinstance(open_folder(path), OpenedSurvey)


def test_a_folder_with_both_opens_with_its_results(tmp_path: Path) -> None:
    write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    write_surveys(write_crystal(tmp_path / "b.npy"), tmp_path / "out")
    assert stored_kind(tmp_path / "out") == "results"


def test_anything_else_is_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", write_crystal(tmp_path / "in" / "a.npy")):
        assert stored_kind(path) == ""
        with pytest.raises(ReadError, match=r"holds no result; choose a folder that detect or"):
            open_folder(path)
