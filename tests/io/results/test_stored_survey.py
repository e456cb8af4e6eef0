"""A folder of a survey, read again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from crystal_images import crystal_image
from large_cells import many_columns
from lattice_images import lattice_image
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.stored_survey import (
    StoredSurvey,
    added_survey,
    has_added_survey,
    is_survey,
)
from napari_stem_defects.io.results.survey_folder import add_survey, write_survey

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.anomaly.survey_frame import Survey


def assert_same(stored: Survey, made: Survey) -> None:
    """Compare all but what is not stored: the map, shapes of places, and the map of the lattice."""
    assert [(p.rank, p.kind, p.sign) for p in stored.candidates] == [
        (p.rank, p.kind, p.sign) for p in made.candidates
    ]
    for name, digits in (("y", 2), ("x", 2), ("score", 3), ("length_px", 2), ("area_px", 1)):
        np.testing.assert_allclose(
            [getattr(each, name) for each in stored.candidates],
            [getattr(each, name) for each in made.candidates],
            atol=0.51 * 10**-digits,
        )
    same = ("image", "threshold", "statement", "pixel_size_nm", "pixel_size_source", "grains")
    for name in (*same, "frame", "seconds", "searched_nm2"):
        assert getattr(stored, name) == getattr(made, name)
    assert stored.period_px == pytest.approx(made.period_px, rel=1e-4)
    assert stored.unit_px == pytest.approx(made.unit_px, rel=1e-3)
    assert stored.lattice.kind == made.lattice.kind
    assert len(stored.lattice.cells) == len(made.lattice.cells)
    for one, other in zip(stored.lattice.cells, made.lattice.cells, strict=True):
        np.testing.assert_allclose(one.reciprocal, other.reciprocal, atol=1e-5)
        assert one.symmetry == other.symmetry
    for grain, expected in zip(stored.grain_map.grains, made.grain_map.grains, strict=True):
        assert (grain.number, grain.outline, grain.holes, len(grain.neighbours)) == (
            *(expected.number, expected.outline, expected.holes),
            len(expected.neighbours),
        )


def test_a_survey_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder, (made,) = write_surveys(write_crystal(tmp_path / "a.npy"), tmp_path / "out")
    for path in (folder, folder / "summary.json"):
        assert is_survey(path)
        stored = StoredSurvey(path)
        assert made.candidates
        assert_same(stored.survey(0), made)
        np.testing.assert_array_equal(stored.anomaly(0), made.anomaly)
    assert not has_added_survey(folder)
    assert added_survey(folder) is None


def test_the_length_unit_of_a_large_cell_comes_back(tmp_path: Path) -> None:
    image = replace(many_columns(24).micrograph, sha256="4" * 64)
    made = survey_frame(image)
    stored = StoredSurvey(write_survey(tmp_path, image, [made]))
    assert stored.unit_px == pytest.approx(made.unit_px, rel=1e-3)
    assert stored.unit_px < 0.7 * stored.period_px


def test_two_grains_come_back_with_their_neighbours(tmp_path: Path) -> None:
    left, right = (lattice_image(12, 1, 60, each, size=256, dose=300) for each in (5, 35))
    pixels = np.where(np.arange(256) < 128, left, right).astype(np.float32)
    image = Micrograph(pixels, "two", sha256="1" * 64)
    made = survey_frame(image)
    assert len(made.grain_map.grains) > 1
    stored = StoredSurvey(write_survey(tmp_path, image, [made]))
    assert_same(stored.survey(0), made)
    assert stored.pixel_size_nm is None


def test_frames_that_were_surveyed_keep_their_index(tmp_path: Path) -> None:
    path = write_crystal(tmp_path / "movie.npy", 4)
    folder, made = write_surveys(path, tmp_path / "out", [1, 3])
    stored = StoredSurvey(folder)
    assert (stored.frames, stored.frame_count) == ((1, 3), 4)
    for survey in made:
        np.testing.assert_array_equal(stored.anomaly(survey.frame), survey.anomaly)
        found = stored.survey(survey.frame)
        assert_same(replace(found, lattice=survey.lattice, period_px=survey.period_px), survey)
    assert stored.places(0) == ()
    assert stored.grains(0).grains == ()


def test_an_image_without_a_lattice_is_a_survey_without_places(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((96, 96)).astype(np.float32)
    image = Micrograph(noise, "noise", sha256="2" * 64)
    stored = StoredSurvey(write_survey(tmp_path, image, [survey_frame(image)]))
    assert stored.survey(0).candidates == ()
    assert stored.highest_threshold == stored.period_px == 0
    assert stored.statement(0).startswith("No lattice")


def test_a_survey_within_results_is_read_by_its_own_summary(tmp_path: Path) -> None:
    image = Micrograph(crystal_image(missing=5).pixels, "a", sha256="3" * 64)
    made = survey_frame(image)
    add_survey(tmp_path, image, [made])
    assert has_added_survey(tmp_path)
    assert not is_survey(tmp_path)
    stored = added_survey(tmp_path)
    assert stored is not None
    assert_same(stored.survey(0), made)


def damage(folder: Path, name: str, how: str) -> None:
    file = folder / name
    if how == "missing":
        file.unlink()
    elif how == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        summary = json.loads(file.read_text(encoding="utf-8"))
        del summary["lattice" if name == "summary.json" else "features"]
        file.write_text(json.dumps(summary), encoding="utf-8")


@pytest.mark.parametrize("name", ["anomaly.ome.tif", "survey.csv", "grains.geojson"])
@pytest.mark.parametrize("how", ["missing", "cut"])
def test_damaged_files_are_one_line(tmp_path: Path, name: str, how: str) -> None:
    folder, _ = write_surveys(write_crystal(tmp_path / "a.npy"), tmp_path / "out")
    damage(folder, name, how)
    with pytest.raises(ReadError) as caught:
        StoredSurvey(folder).anomaly(0)
    text = str(caught.value)
    assert "\n" not in text
    assert name in text
    assert text.endswith("survey the image again")


def test_a_map_of_another_size_or_without_a_frame_is_one_line(tmp_path: Path) -> None:
    folder, _ = write_surveys(write_crystal(tmp_path / "a.npy", 2), tmp_path / "out")
    stored = StoredSurvey(folder)
    for shape, fault in (((9, 9), "not the size of its image"), ((200, 200), "frame 1 is missing")):
        tifffile.imwrite(folder / "anomaly.ome.tif", np.zeros(shape, np.float32))
        with pytest.raises(ReadError, match=fault):
            stored.anomaly(1 if shape[0] > 9 else 0)


@pytest.mark.parametrize("name", ["summary.json", "grains.geojson"])
def test_entries_that_are_missing_are_one_line(tmp_path: Path, name: str) -> None:
    folder, _ = write_surveys(write_crystal(tmp_path / "a.npy"), tmp_path / "out")
    damage(folder, name, "entry")
    with pytest.raises(ReadError, match=rf"{name}: is damaged .*; survey the image again"):
        StoredSurvey(folder)


def test_other_folders_are_no_surveys(tmp_path: Path) -> None:
    assert not is_survey(tmp_path)
    for text in ("", "{", '{"result": "other"}', '["survey"]', '{"note": "survey"}'):
        (tmp_path / "summary.json").write_text(text, encoding="utf-8")
        assert not is_survey(tmp_path)
        with pytest.raises(ReadError):
            StoredSurvey(tmp_path)
    shutil.rmtree(tmp_path)
    assert not is_survey(tmp_path)
