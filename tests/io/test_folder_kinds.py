"""What a command has written into a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.io.folder_kinds import folder_kind, folder_title
from napari_stem_defects.io.labels.project import LabelProject

if TYPE_CHECKING:
    from pathlib import Path


def test_results_surveys_and_label_projects(tmp_path: Path) -> None:
    result = write_result(write_image(tmp_path / "a.tif"), tmp_path / "found")
    survey, _ = write_surveys(write_crystal(tmp_path / "b.npy"), tmp_path / "unusual")
    LabelProject.create(tmp_path / "mine").close()
    (tmp_path / "half" / ".partial").mkdir(parents=True)
    titles = {
        result: ("detection", "the result of a detection"),
        result.parent: ("", "a folder with results of detections"),
        survey: ("survey", "a survey"),
        survey.parent: ("", "a folder with surveys"),
        tmp_path / "mine": ("labels", "a label project"),
        tmp_path / "half": ("detection", "the result of a detection"),
        tmp_path / "a.tif": ("", ""),
        tmp_path / "nowhere": ("", ""),
    }
    assert {path: (folder_kind(path), folder_title(path)) for path in titles} == titles


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_summary_that_is_cut_is_still_a_result(tmp_path: Path, share: float) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    text = (folder / "summary.json").read_text(encoding="utf-8")
    (folder / "summary.json").write_text(text[: int(share * len(text))], encoding="utf-8")
    assert folder_kind(folder) == "detection"


def test_summaries_of_other_programs_are_not_ours(tmp_path: Path) -> None:
    for text in ('{"result": "other"}', '[{"planes": 3}]', '{"fingerprint": 1}\n', "[]\n"):
        (tmp_path / "summary.json").write_text(text, encoding="utf-8")
        assert folder_kind(tmp_path) == ""
        assert folder_title(tmp_path) == ""
