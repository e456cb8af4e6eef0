"""The survey beside results without names."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
from crystal_images import OBLIQUE, crystal_image

from napari_stem_defects.io.results import survey_folder
from napari_stem_defects.io.results.checksums import find_edited_file
from napari_stem_defects.io.results.read_results import read_summary
from napari_stem_defects.io.results.survey_folder import ADDED_FILES
from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import Settings


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "oblique.tif"
    tifffile.imwrite(path, crystal_image(OBLIQUE, missing=5, size=300).pixels)
    return path


def test_an_unknown_crystal_gets_its_survey_and_generic_names(image: Path, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "out", None)
    for _ in range(2):  # the second run finds everything finished
        (outcome,) = detect_files([image], settings)
        assert outcome.folder is not None
        assert all((outcome.folder / name).is_file() for name in ADDED_FILES)
    summary = read_summary(outcome.folder)
    assert summary["recognised"] is False
    assert summary["model"]["name"] == "any-crystal"
    assert summary["recognition"].startswith("generic names")
    assert summary["counts"]["Missing"] >= 5
    with (outcome.folder / "survey.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) >= 5
    assert tifffile.imread(outcome.folder / "anomaly.ome.tif").shape == (300, 300)


def test_other_frames_get_their_own_survey(tmp_path: Path) -> None:
    path, out = tmp_path / "movie.npy", tmp_path / "out"
    frames = [crystal_image(OBLIQUE, missing=5, size=200, seed=seed).pixels for seed in (0, 1)]
    np.save(path, np.stack(frames))
    seen = []
    for chosen in ((0,), (1,)):
        (outcome,) = detect_files([path], Settings(out, None, frames=chosen))
        assert outcome.folder is not None
        with (outcome.folder / "survey.csv").open(encoding="utf-8") as file:
            seen.append({row["frame"] for row in csv.DictReader(file)})
    assert seen == [{"0"}, {"1"}]


def test_a_picture_that_fails_is_noted_in_results_that_stay_unedited(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey_folder, "draw_survey", lambda *_: 1 / 0)
    (outcome,) = detect_files([image], Settings(tmp_path / "out", None))
    assert outcome.folder is not None
    summary = read_summary(outcome.folder)
    assert any("picture of the survey could not be drawn" in each for each in summary["warnings"])
    assert find_edited_file(summary, "summary.json", outcome.folder) is None
