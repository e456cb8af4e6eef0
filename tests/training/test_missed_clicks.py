"""Clicks that their own model does not find."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_crystals import labelled, vacancies

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.training.quick import train_quick
from napari_stem_defects.training.quick_images import LabelledImage

CLASSES = [DefectClass("Vac", "point")]


@pytest.fixture(scope="module")
def image():
    return vacancies()


def test_clicks_that_are_all_found_need_no_note(image):
    (evaluation,) = train_quick([labelled(image, 6)], CLASSES).evaluations
    assert not [each for each in evaluation.notes if "does not find" in each]


def test_a_click_on_perfect_crystal_is_named_with_advice(image):
    y, x = np.mgrid[40:260:5, 40:260:5].reshape(2, -1).astype(float)
    apart = np.hypot(y[:, None] - image.defects[:, 0], x[:, None] - image.defects[:, 1])
    far = int(apart.min(axis=1).argmax())
    clicked = labelled(image, 6)
    wrong = LabelledImage(
        clicked.micrograph, np.append(clicked.y, y[far]), np.append(clicked.x, x[far]), ("Vac",) * 7
    )
    (evaluation,) = train_quick([wrong], CLASSES).evaluations
    (note,) = [each for each in evaluation.notes if "does not find" in each]
    assert note.startswith("Vac: the model does not find 1 of its own 7 clicks")
    assert f"{y[far]:g}, {x[far]:g} px" in note
    assert "check" in note
