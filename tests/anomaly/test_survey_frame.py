"""The survey of one frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, contaminated, crystal_image
from half_crystals import half_crystal
from large_cells import many_columns
from scan_rows import DISTURBANCES, lost
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation.any_lattice import make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect


@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE, OBLIQUE])
@pytest.mark.parametrize("spacing", [8.0, 20.0])
def test_missing_columns_are_found_as_deficits(shape, spacing):
    image = crystal_image(shape, spacing=spacing, missing=6, size=320)
    survey = survey_frame(image.micrograph)
    found = np.array([(c.y, c.x) for c in survey.candidates])
    distance, nearest = cKDTree(found).query(image.defects)
    assert (distance < 0.4 * image.period).all()
    assert {survey.candidates[index].sign for index in nearest} == {"deficit"}
    assert len(found) <= len(image.defects) + 5
    assert survey.anomaly.shape == image.pixels.shape
    y, x = np.rint(image.defects).astype(int).T
    assert (survey.anomaly[y, x] > survey.threshold).all()


def test_a_fault_is_one_line():
    image = crystal_image(SQUARE, fault=True, rotation_deg=0, spacing=14, size=320)
    survey = survey_frame(image.micrograph)
    assert survey.candidates[0].kind == "line"
    assert survey.candidates[0].length_px > 250
    assert survey.candidates[0].y == pytest.approx(160, abs=14)
    assert "line" in survey.statement


def test_missing_columns_beside_a_fault_are_places_of_their_own():
    more_lines, found, count = 0, 0, 0
    for shape, seed in ((SQUARE, 0), (SQUARE, 4), (SQUARE, 7), (HEXAGONAL, 5), (HEXAGONAL, 6)):
        options = {"missing": 24, "rotation_deg": 0, "spacing": 14, "size": 320, "seed": seed}
        missing = crystal_image(shape, **options).defects
        missing[missing[:, 0] > 160] += 7 * np.asarray(shape)[0]
        survey = survey_frame(crystal_image(shape, **options, fault=True).micrograph)
        lines = [c for c in survey.candidates if c.kind == "line"]
        (fault,) = [line for line in lines if line.length_px > 250]
        more_lines += len(lines) - 1
        points = np.array([(c.y, c.x) for c in survey.candidates if c.sign == "deficit"])
        apart = missing[(np.abs(missing[:, 0] - fault.y) > 28) & (missing < 300).all(axis=1)]
        count += len(apart)
        found += int((cKDTree(points).query(apart)[0] < 7).sum())
    # Some of so many columns line up by chance.
    assert more_lines <= 1
    assert count > 60
    assert found > 0.95 * count


@pytest.mark.parametrize("scale", [0.85, 1.1])
def test_precipitates_are_areas_and_no_grains(scale):
    """Of four, close together and beside the border, two touch; they cover a fifth of the image."""
    crystal = make_crystal("square", 10.0, rotation_deg=-12)
    defect = LatticeDefect("precipitate", "precipitate", amount=scale, count=4)
    scene = simulate_lattice(LatticeScene(crystal, (defect,), LatticeImaging(dose=40.0)), seed=77)
    survey = survey_frame(scene.micrograph())
    found = [c for c in survey.candidates if c.kind == "area"]
    parts, count = ndimage.label(scene.areas["precipitate"])
    assert (len(found), count) == (4, 4)
    assert 0.9 < sum(c.area_px for c in found) / scene.areas["precipitate"].sum() < 1.2
    for number in range(1, count + 1):
        y, x = np.nonzero(parts == number)
        assert survey.anomaly[y, x].mean() > survey.threshold


@pytest.mark.parametrize("beside", ["fine film", "coarse film", "vacuum"])
def test_nothing_is_unusual_outside_of_the_crystal(beside):
    image = half_crystal(beside, missing=40, size=400)
    survey = survey_frame(replace(image.micrograph, pixel_size_nm=0.02))
    places = np.array([(c.y, c.x) for c in survey.candidates])
    assert not image.outside[tuple(np.rint(places).astype(int).T)].any()
    assert len(image.missing) >= 5
    assert (cKDTree(places).query(image.missing)[0] < 0.5 * image.period).all()
    assert "is not searched" in survey.statement
    assert survey.searched_nm2 < 0.5 * survey.anomaly.size * 0.02**2


@pytest.mark.parametrize("clear", [2.5, 5.0])
def test_too_few_unit_cells_are_not_searched(clear):
    image = crystal_image(SQUARE, spacing=12, size=240, missing=6)
    edge = round((clear + 5) * image.period)  # predictions reach over 2.5 periods
    invalid = np.ones(image.pixels.shape, bool)
    invalid[60 : 60 + edge, 60 : 60 + edge] = False
    survey = survey_frame(replace(image.micrograph, invalid=invalid, pixel_size_nm=0.02))
    if clear**2 < 12:
        assert survey.statement.startswith("Nothing is searched: fewer than 12 unit cells")
        assert (survey.candidates, survey.searched_nm2, survey.threshold) == ((), 0, 0)
        assert not survey.anomaly.any()
    else:
        assert "Nothing is searched" not in survey.statement
        assert survey.searched_nm2 > 0


def test_a_perfect_crystal_has_nothing_unusual():
    survey = survey_frame(crystal_image(size=320).micrograph)
    assert len(survey.candidates) <= 2
    assert np.median(survey.anomaly) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("kind", ["noise", "empty", "amorphous"])
def test_no_lattice_is_said_and_not_painted(kind):
    rng = np.random.default_rng(0)
    pixels = {
        "noise": rng.normal(size=(256, 256)),
        "empty": np.zeros((256, 256)),
        "amorphous": ndimage.gaussian_filter(rng.normal(size=(256, 256)), 4),
    }[kind].astype(np.float32)
    survey = survey_frame(Micrograph(pixels, "image"))
    assert survey.lattice.kind == "none"
    assert survey.candidates == ()
    assert not survey.anomaly.any()
    assert survey.statement.startswith("No lattice")


def test_too_few_periods_are_a_defined_answer():
    image = crystal_image(SQUARE, spacing=24, size=64)
    survey = survey_frame(image.micrograph)
    assert survey.candidates == ()
    assert survey.statement.endswith(".")


def test_invalid_pixels_have_no_score():
    image = crystal_image(missing=4)
    invalid = np.zeros(image.pixels.shape, bool)
    invalid[:40] = True
    survey = survey_frame(Micrograph(image.pixels, "image", invalid=invalid))
    assert not survey.anomaly[:40].any()
    assert all(place.y > 38 for place in survey.candidates)


def test_a_stack_is_refused():
    with pytest.raises(InputError, match="stack"):
        survey_frame(Micrograph(np.zeros((2, 64, 64), np.float32), "movie"))


def test_grains_are_counted_and_their_boundary_is_a_line():
    survey = survey_frame(crystal_image(size=384, spacing=10, grain_deg=18).micrograph)
    assert survey.grains == 2
    assert survey.statement.startswith("2 grains with different lattices. Unusual places: ")
    boundary = survey.candidates[0]
    assert boundary.kind == "line"
    assert boundary.y == pytest.approx(192, abs=10)
    assert [grain.number for grain in survey.grain_map.grains] == [1, 2]


def test_a_faint_fault_that_no_column_shows_is_one_line():
    image = crystal_image(SQUARE, fault=True, rotation_deg=0, spacing=14, size=384, counts=1.5)
    survey = survey_frame(image.micrograph)
    assert [place.kind for place in survey.candidates] == ["line"]
    assert survey.candidates[0].length_px > 250
    assert survey.candidates[0].y == pytest.approx(192, abs=14)


def test_a_survey_without_lattice_has_no_grains():
    survey = survey_frame(Micrograph(np.zeros((128, 128), np.float32), "empty"))
    assert survey.grain_map.grains == ()


def test_contamination_hides_no_vacancy_elsewhere():
    blobs = np.array([(90.0, 100.0), (220.0, 230.0)])
    missed = false = 0
    for seed in range(5):
        image = crystal_image(missing=8, size=320, counts=3, spacing=10, seed=seed)
        pixels = contaminated(image, blobs, 10, 3).astype(np.float32)
        survey = survey_frame(Micrograph(pixels, "contaminated"))
        found = np.array([(c.y, c.x) for c in survey.candidates if c.kind == "point"])
        clear = _nearest(image.defects, blobs) > 48
        missed += int((_nearest(image.defects[clear], found) > 5).sum())
        away = _nearest(found, blobs) > 48
        false += int((_nearest(found[away], image.defects) > 5).sum())
        assert any(each.kind == "area" for each in survey.candidates)
    assert missed <= 1
    assert false <= 10


def _nearest(places, others):
    """Return the distance of each place to the nearest of others."""
    return np.hypot(*np.moveaxis(places[:, None] - others, -1, 0)).min(axis=1)


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_disturbed_scan_rows_are_no_defects(kind):
    rows = (37, 90, 143, 144, 201, 262)
    image = crystal_image(HEXAGONAL, spacing=14.0, missing=6, size=320, counts=150)
    disturbed = DISTURBANCES[kind](image.pixels, rows)
    survey = survey_frame(Micrograph(disturbed, "crystal"))
    found = np.array([(c.y, c.x) for c in survey.candidates])
    assert (cKDTree(found).query(image.defects)[0] < 0.4 * image.period).all()
    assert len(found) <= len(image.defects) + 2
    assert all(c.kind == "point" for c in survey.candidates)
    assert "6 scan rows are disturbed and are replaced" in survey.statement


def test_a_fault_along_the_scan_rows_is_found_beside_disturbed_ones():
    image = crystal_image(SQUARE, spacing=14.0, rotation_deg=0, fault=True, size=320)
    disturbed = lost(image.pixels, [60, 250])
    survey = survey_frame(Micrograph(disturbed, "crystal"))
    assert survey.candidates[0].kind == "line"
    assert survey.candidates[0].length_px > 250
    assert survey.candidates[0].y == pytest.approx(160, abs=14)
    assert "2 scan rows" in survey.statement


def test_defects_are_found_in_cells_of_many_columns():
    found = 0
    for motif in (5, 6, 7):
        image = many_columns(36, size=480, rotation_deg=12, counts=200, vacancies=8, motif=motif)
        survey = survey_frame(image.micrograph)
        assert survey.unit_px < 0.6 * survey.period_px
        places = np.array([(c.y, c.x) for c in survey.candidates if c.sign == "deficit"])
        found += int((cKDTree(places).query(image.defects)[0] < 4.5).sum())
    assert found >= 21


def test_perfect_cells_of_many_columns_are_usual():
    for count, motif in ((16, 2), (24, 1)):
        image = many_columns(count, size=480, rotation_deg=12, motif=motif)
        assert len(survey_frame(image.micrograph).candidates) <= 2


def test_the_length_unit_of_a_small_cell_is_its_period():
    survey = survey_frame(crystal_image(SQUARE, spacing=14.0).micrograph)
    assert survey.unit_px == survey.period_px


@pytest.mark.parametrize("beside", ["fine film", "vacuum"])
def test_missing_columns_near_the_edge_of_a_crystal_are_found(beside):
    found, missing, false = 0, 0, 0
    for seed in range(3):
        image = half_crystal(beside, missing=30, spacing=14.0, size=400, depth=2.2, seed=seed)
        survey = survey_frame(Micrograph(image.micrograph.pixels, "crystal"))
        places = np.array([(c.y, c.x) for c in survey.candidates])
        away = cKDTree(places).query(image.missing)[0]
        near_edge = image.missing[:, 1] < 200 + 5 * image.period
        found += int((away[near_edge] < 0.6 * image.period).sum())
        missing += int(near_edge.sum())
        inside = places[:, 1] > 200 + 2.2 * image.period
        false += int((cKDTree(image.missing).query(places[inside])[0] > image.period).sum())
    assert missing >= 10
    assert found >= 0.9 * missing
    assert false <= 2
