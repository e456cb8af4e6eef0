"""Each image has a folder of its own, and keeps it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from result_samples import micrograph

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.io.folder_kinds import PARTIAL, SUMMARY
from napari_stem_defects.io.results.available_folder import JOB, available_folder
from napari_stem_defects.io.results.survey_folder import folder_of_survey, write_survey

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_or_empty_folder_is_taken(tmp_path: Path) -> None:
    image = micrograph()
    assert available_folder(tmp_path, image) == tmp_path / image.name
    (tmp_path / image.name).mkdir()
    assert available_folder(tmp_path, image) == tmp_path / image.name


def test_a_folder_of_the_same_image_is_taken_again_finished_or_not(tmp_path: Path) -> None:
    image = micrograph()
    folder = tmp_path / image.name
    for file, content in (
        (folder / PARTIAL / JOB, {"image_sha256": image.sha256}),
        (folder / SUMMARY, {"image": {"sha256": image.sha256}}),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
        assert available_folder(tmp_path, image) == folder
        file.unlink()


def test_folders_of_other_images_and_other_programs_are_left_alone(tmp_path: Path) -> None:
    image = micrograph()
    (tmp_path / image.name).mkdir()
    (tmp_path / image.name / "notes.txt").write_text("mine", encoding="utf-8")
    second = tmp_path / f"{image.name}_2"
    assert available_folder(tmp_path, image) == second
    second.mkdir()
    (second / SUMMARY).write_text('{"image": {"sha256": "other"}}', encoding="utf-8")
    assert available_folder(tmp_path, image) == tmp_path / f"{image.name}_3"


def test_a_survey_of_the_same_image_is_left_alone(tmp_path: Path) -> None:
    image = micrograph()
    written = write_survey(tmp_path, image, [survey_frame(image)])
    assert written == tmp_path / image.name
    assert available_folder(tmp_path, image) == tmp_path / f"{image.name}_2"
    (tmp_path / f"{image.name}_2").mkdir()
    assert folder_of_survey(tmp_path, image) == written
