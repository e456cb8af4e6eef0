"""Networks that see the lattice residual, evaluated on clicks."""

from __future__ import annotations

import numpy as np
from labelled_crystals import labelled, vacancies

import napari_stem_defects as sd
from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.training.few_label_evaluation import (
    evaluate_on_clicks,
    probabilities_near,
)
from napari_stem_defects.training.quick_images import prepare_image


def test_a_class_is_found_at_a_click_that_is_a_little_off() -> None:
    general, image = sd.load_model(GENERAL_MODEL), vacancies()
    ready = prepare_image(image.micrograph, Scale(7.0))
    places = ready.residual.sampled.to_samples(image.defects)
    column = general.spec.classes.index("Missing")
    for shift in (0.0, 1.5, -1.5):
        assert (probabilities_near(general, ready, places + shift)[:, column] > 0.5).all()


def test_classes_that_the_model_lacks_are_rows_of_the_confusion_matrix() -> None:
    evaluation = evaluate_on_clicks(sd.load_model(GENERAL_MODEL), [labelled(vacancies(), 4, "Vac")])
    assert evaluation.counts["test"]["Vac"] == 4
    assert "Vac" in evaluation.metrics.rows
    assert "Core" in evaluation.untestable
    assert np.isfinite(evaluation.probabilities).all()
