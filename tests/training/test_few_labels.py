"""Networks learn from few clicks, starting from the general model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from labelled_crystals import labelled, vacancies

import napari_stem_defects as sd
from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.detect_matched import quick_model
from napari_stem_defects.training.few_labels import learn_from_few
from napari_stem_defects.training.quick import click_classes, clicks_of
from napari_stem_defects.training.quick_images import prepare_image


@pytest.fixture(scope="module")
def learned():
    image = labelled(vacancies(), 4)
    prepared = [prepare_image(image.micrograph, Scale(7.0))]
    clicks, _ = clicks_of([image], prepared)
    encoder = sd.load_model(GENERAL_MODEL)
    return learn_from_few(prepared, clicks, click_classes(clicks, ()), encoder, members=2)


def test_the_rest_is_found_in_the_same_and_in_another_image(learned) -> None:
    assert learned.ensemble.spec.seeds == (0, 1)
    for image in (vacancies(), vacancies(seed=3, rotation_deg=30.0)):
        detection = detect_frame(image.micrograph, learned.ensemble, device="cpu")
        found = np.array([(r.y_px, r.x_px) for r in detection.regions if r.class_name == "Vac"])
        apart = np.hypot(*(found[:, None] - image.defects).transpose(2, 0, 1))
        assert (apart.min(axis=0) < 0.4 * image.period).all()
        assert len(found) == len(image.defects)


def test_every_class_starts_from_the_encoder_and_moves(learned) -> None:
    encoder = sd.load_model(GENERAL_MODEL)
    kernel = learned.ensemble.weights["1.0.branches.residual.1.weight"]
    starts = [
        encoder.weights[f"{number}.0.branches.residual.1.weight"]
        for number in range(len(encoder.spec.classes))
    ]
    moved = min(float(np.abs(kernel - start).max()) for start in starts)
    assert 0 < moved < 0.5 * float(np.abs(kernel).max())
    assert learned.ensemble.spec.training["encoder"]["name"] == GENERAL_MODEL


def test_the_teacher_is_kept_and_counts(learned) -> None:
    spec = learned.ensemble.spec
    assert spec.teacher is not None
    assert quick_model(learned.ensemble).classes[0].name == "Vac"
    alone = replace(learned.ensemble, spec=replace(spec, teacher=None))
    image = vacancies(seed=5)
    maps = [
        detect_frame(image.micrograph, each, device="cpu").map.probability
        for each in (learned.ensemble, alone)
    ]
    assert np.abs(maps[0] - maps[1]).max() > 0.1
