"""Names of point defects that are seen as if each were alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image

import napari_stem_defects as sd
from napari_stem_defects.anomaly.residual import image_residual
from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.places_alone import PlaceNames, named_near
from napari_stem_defects.detection.survey_evidence import survey_evidence


@pytest.fixture(scope="module")
def searched():
    image = crystal_image(SQUARE, missing=5)
    general = sd.load_model(GENERAL_MODEL)
    found = detect_frame(image.micrograph, general, device="cpu").map
    residual = image_residual(image.micrograph, image.cells, Scale(7.0))
    return image, general, found, survey_evidence(residual)


def _thresholds(general):
    return {name: general.spec.threshold(name) for name in general.spec.classes}


def _highest(found, name, place):
    rows, columns = (
        np.abs(axis - at) < 6 for axis, at in zip((found.y, found.x), place, strict=True)
    )
    return float(found.probability[found.classes.index(name)][np.ix_(rows, columns)].max())


def test_each_place_gets_one_name(searched) -> None:
    image, general, found, evidence = searched
    nothing = replace(found, probability=np.zeros_like(found.probability))
    names = PlaceNames(evidence.alone(), 1, general, "cpu")
    assert (names.probabilities("Missing") > 0.5).all()
    added = names.added_to(nothing, _thresholds(general))
    for place in image.defects:
        assert _highest(added, "Missing", place) > 0.5
        assert _highest(added, "Added", place) < 0.3
    passing = added.probability[added.classes.index("Missing")] > 0.5
    assert 5 <= passing.sum() < 5 * 12


def test_with_dark_columns_the_same_place_is_another_defect(searched) -> None:
    _, general, _, evidence = searched
    names = PlaceNames(evidence.alone(), -1, general, "cpu")
    assert (names.probabilities("Missing") < 0.1).all()
    assert (names.probabilities("Added") > 0.3).all()


def test_places_that_are_not_chosen_stay_as_they_are(searched) -> None:
    _, general, found, evidence = searched
    names = PlaceNames(evidence.alone(), 1, general, "cpu")
    none = np.zeros(len(evidence.places), bool)
    same = names.added_to(found, _thresholds(general), none)
    np.testing.assert_array_equal(same.probability, found.probability)


def test_names_near_places_are_known(searched) -> None:
    _, general, found, evidence = searched
    sampled = evidence.residual.sampled
    near = named_near(found, evidence.places, sampled, _thresholds(general))
    assert not near.any()
    probability = found.probability.copy()
    probability[found.classes.index("Missing")] = 0
    probability[found.classes.index("Boundary")] = 0.9
    other = replace(found, probability=probability)
    near = named_near(other, evidence.places, sampled, _thresholds(general))
    assert near.unnamed.all()
    assert near.extended.all()
