"""The survey beside results without names."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from crystal_images import OBLIQUE, columns, crystal_image, render

from napari_stem_defects.base.search_area import SearchArea
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


def perovskite(tmp_path: Path, *, boundary: bool) -> Path:
    """Write a perovskite, which a special model knows, perhaps with a boundary, which it does not.

    Beyond the boundary the crystal is shifted by half a period along it.
    """
    turn, period, pixel_size_nm = np.radians(8), 20.0, 0.02
    vectors = period * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    heavy = columns(vectors, 320)
    light = heavy + vectors.sum(axis=0) / 2
    positions = np.concatenate([heavy, light])
    heights = np.repeat([2.9, 0.6], len(heavy))
    beyond = (positions - 160) @ vectors[1] / period > 2
    positions += beyond[:, None] * vectors[0] / 2 * boundary
    image = render(positions, heights, 320, 2.1)
    counts = np.random.default_rng(3).poisson(6 * image + 1.8).astype(np.uint16)
    path = tmp_path / f"perovskite{int(boundary)}.tif"
    scale = {"resolution": (1 / pixel_size_nm,) * 2, "metadata": {"unit": "nm"}}
    tifffile.imwrite(path, counts, imagej=True, **scale)
    return path


def test_defects_of_no_class_of_a_special_model_are_stated(tmp_path: Path) -> None:
    paths = [perovskite(tmp_path, boundary=boundary) for boundary in (True, False)]
    settings = Settings(tmp_path / "out", None)
    for _ in range(2):  # the second run finds everything finished
        with_boundary, perfect = detect_files(paths, settings)
        assert with_boundary.folder is not None
        assert perfect.folder is not None
        summary = read_summary(with_boundary.folder)
        assert summary["model"]["name"] == "sto-001"
        assert summary["recognised"] is True
        assert not any(summary["counts"].values())
        (warning,) = summary["warnings"]
        assert re.match(r"unusual places of no class .*, see survey.png: .*1 line", warning)
        assert all((with_boundary.folder / name).is_file() for name in ADDED_FILES)
        assert find_edited_file(summary, "summary.json", with_boundary.folder) is None
        assert not read_summary(perfect.folder)["warnings"]
        assert not any((perfect.folder / name).exists() for name in ADDED_FILES)


def test_a_searched_part_gets_no_survey_of_the_rest(tmp_path: Path) -> None:
    path = perovskite(tmp_path, boundary=True)
    area = SearchArea.from_value((0, 0, 100, 256))
    (outcome,) = detect_files([path], Settings(tmp_path / "out", None, area=area))
    assert outcome.folder is not None
    assert not (outcome.folder / "survey.csv").exists()
