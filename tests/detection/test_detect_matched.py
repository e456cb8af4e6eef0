"""Detection with quick models."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_crystals import labelled, vacancies
from scan_rows import brighter, streaked
from scipy.spatial import cKDTree

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.detect_matched import quick_model
from napari_stem_defects.errors import ModelError
from napari_stem_defects.training.quick import train_quick


@pytest.fixture(scope="module")
def model():
    return train_quick([labelled(vacancies(), 4)], ()).ensemble


def _matches(detection, image):
    found = np.array([(r.y_px, r.x_px) for r in detection.regions])
    distance = cKDTree(found).query(image.defects)[0]
    return len(found), float(distance.max())


@pytest.mark.parametrize("options", [{}, {"seed": 3}, {"spacing": 17.0, "size": 400, "seed": 4}])
def test_defects_are_found_at_other_places_and_magnifications(model, options):
    image = vacancies(**options)
    count, distance = _matches(detect_frame(image.micrograph, model), image)
    assert count == 9
    assert distance < 0.35 * image.period


@pytest.mark.parametrize("rotation", [25.0, 40.0, -70.0])
def test_defects_are_found_in_a_turned_crystal(model, rotation):
    image = vacancies(seed=6, rotation_deg=rotation)
    count, distance = _matches(detect_frame(image.micrograph, model), image)
    assert count == 9
    assert distance < 0.35 * image.period


def test_perfect_crystal_is_neither_a_defect_nor_unknown(model):
    detection = detect_frame(vacancies().micrograph, model)
    unknown = detection.masks[detection.mask_names.index("unknown")]
    assert unknown.mean() < 0.01


def test_without_a_lattice_everything_is_unknown(model):
    noise = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    detection = detect_frame(Micrograph(noise, "carbon"), model)
    assert detection.regions == ()
    assert detection.masks[-1].all()
    assert "No lattice" in detection.parameters["scale_statement"]


def test_invalid_pixels_are_in_no_mask(model):
    image = vacancies()
    invalid = np.zeros(image.pixels.shape, bool)
    invalid[:60] = True
    detection = detect_frame(Micrograph(image.pixels, "crystal", invalid=invalid), model)
    assert not detection.masks[:, :55].any()


def test_an_ensemble_of_networks_has_no_matched_filters():
    import napari_stem_defects as sd

    with pytest.raises(ModelError, match="not a quick model"):
        quick_model(sd.load_model("sto-001"))


def test_a_model_chosen_by_the_shape_of_the_lattice_alone_is_stated_with_the_result(model):
    image = vacancies().micrograph
    assert image.pixel_size_nm is None
    chosen = detect_frame(image, model, choice="model vacancies chosen").parameters["warnings"]
    assert any("hold only if the crystal is that of the model" in text for text in chosen)
    given = detect_frame(image, model).parameters["warnings"]
    assert not any("hold only if" in text for text in given)


def test_disturbed_scan_rows_are_no_defects_and_are_stated(model):
    image = vacancies(seed=3)
    rows = (31, 77, 120, 121, 180, 214)
    disturbed = streaked(brighter(image.pixels, rows[:3]), rows[3:])
    detection = detect_frame(Micrograph(disturbed, "crystal"), model)
    count, distance = _matches(detection, image)
    assert count == 9
    assert distance < 0.35 * image.period
    assert "6 scan rows are disturbed" in " ".join(detection.parameters["warnings"])
