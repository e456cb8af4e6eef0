"""Parts of an image that were not searched, and unusual places that no class of a model fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from labelled_crystals import labelled, vacancies
from spot_images import clicked_spots, spot_image

from napari_stem_defects.anomaly import residual
from napari_stem_defects.anomaly.searched_crystal import searched_crystal
from napari_stem_defects.base.defect_classes import BULK, DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.unexplained import (
    outside_statement,
    unexplained_places,
    unexplained_statement,
)
from napari_stem_defects.postprocessing.results import ProbabilityMap
from napari_stem_defects.training.quick import train_quick

LIMITS = {BULK: 0.5, "Vac": 0.5}


def _map(**places):
    """Return a map of perfect crystal but for (bulk, vacancy) probabilities at some cells."""
    probability = np.zeros((2, 9, 9), np.float32)
    probability[0] = 0.99
    for name, values in places.items():
        probability[:, int(name[1]), int(name[2])] = values
    axis = np.arange(9, dtype=np.float32)
    return ProbabilityMap(probability, axis, axis, (BULK, "Vac"), np.ones((9, 9), bool))


def test_connected_places_without_a_class_count_once():
    found = _map(p11=(0.05, 0.1), p12=(0.2, 0.1), p77=(0.02, 0.3), p44=(0.01, 0.9))
    assert unexplained_places(found, LIMITS) == 2


def test_what_is_hardly_unusual_does_not_count():
    assert unexplained_places(_map(p11=(0.45, 0.1)), LIMITS) == 0


def test_what_is_outside_of_the_crystal_is_stated_and_not_unusual():
    found = _map()
    found.probability[:, :, :3] = 0
    assert unexplained_places(found, LIMITS) == 0
    assert outside_statement(found).startswith("33 % of the image is not searched")
    assert outside_statement(_map()) == ""
    found.probability[:] = 0
    assert outside_statement(found).startswith("nothing is searched: ")


def test_a_perfect_crystal_needs_no_statement():
    assert unexplained_statement(_map(), LIMITS, ()) == ""


def test_an_image_of_which_all_is_blocked_was_not_searched(added, monkeypatch):
    def none_searched(micrograph, *about):
        found = searched_crystal(micrograph, *about)
        return replace(found, blocked=np.ones(micrograph.frame_shape, bool))

    monkeypatch.setattr(residual, "searched_crystal", none_searched)
    image = replace(vacancies().micrograph, pixel_size_nm=0.02)
    found = detect_frame(image, added[0])
    assert found.searched_nm2 == 0
    assert [each for each in found.parameters["warnings"] if "nothing is searched: " in each]
    assert found.regions == ()


def test_an_image_without_a_lattice_keeps_its_own_statement(added):
    noise = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    found = detect_frame(Micrograph(noise, "film", 0.02, "user"), added[0])
    assert not found.parameters["recognised"]
    assert "no lattice" in found.parameters["recognition"]
    assert found.searched_nm2 == pytest.approx(16)
    assert not [each for each in found.parameters["warnings"] if "nothing is searched" in each]


@pytest.mark.parametrize("pixel_size_nm", [0.0004, 10.0])
def test_an_image_that_does_not_suit_the_window_of_spots_was_not_searched(pixel_size_nm):
    image = spot_image()
    fitting = replace(image.micrograph, pixel_size_nm=0.02)
    model = train_quick([clicked_spots(image._replace(micrograph=fitting), 6)], ()).ensemble
    good = detect_frame(fitting, model)
    assert good.parameters["recognised"]
    assert good.searched_nm2 == pytest.approx(fitting.valid_nm2)
    found = detect_frame(replace(fitting, pixel_size_nm=pixel_size_nm), model)
    assert not found.parameters["recognised"]
    assert "check the pixel size" in found.parameters["recognition"]
    assert found.searched_nm2 == 0


@pytest.fixture(scope="module")
def added():
    """A model of columns that are too bright."""
    image = vacancies(seed=2)
    inverted = image._replace(pixels=image.pixels.copy())
    rows, columns = np.mgrid[:300, :300]
    for y, x in inverted.defects:
        near = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 10)
        inverted.pixels[:] += (150 * near).astype(np.float32)
    classes = [DefectClass("Added", "point")]
    return train_quick([labelled(inverted, 6, "Added")], classes).ensemble, inverted


def test_a_model_that_names_nothing_states_what_is_there(added):
    ensemble, _ = added
    found = detect_frame(vacancies().micrograph, ensemble)
    (statement,) = [each for each in found.parameters["warnings"] if "unusual" in each]
    count, _, rest = statement.partition(" ")
    assert 8 <= int(count) <= 9
    assert rest.startswith("unusual places that no class of the model fits")
    assert "survey" in statement


def test_a_model_that_names_something_states_nothing(added):
    ensemble, image = added
    found = detect_frame(image.micrograph, ensemble)
    assert len(found.regions) == 9
    assert not [each for each in found.parameters["warnings"] if "unusual" in each]
