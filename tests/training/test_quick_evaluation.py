"""Evaluation of quick models on clicks that are held out."""

from __future__ import annotations

import numpy as np
from labelled_crystals import labelled, vacancies

from napari_stem_defects.training.quick import train_quick
from napari_stem_defects.training.quick_evaluation import evaluate_quick_model
from napari_stem_defects.training.quick_images import LabelledImage


def test_a_click_that_shows_nothing_is_not_found_when_it_is_held_out():
    image = vacancies()
    taught = labelled(image, 5)
    wrong = np.array([150.0, 150.0])
    while np.hypot(*(image.defects - wrong).T).min() < 3 * image.period:
        wrong += 7
    mixed = LabelledImage(
        image.micrograph,
        np.append(taught.y, wrong[0]),
        np.append(taught.x, wrong[1]),
        (*taught.labels, "Vac"),
    )
    metrics = train_quick([mixed], ()).evaluations[0].metrics.classes["Vac"]
    assert (metrics.tp, metrics.fn) == (5, 1)


def test_neighbouring_clicks_are_held_out_together():
    image = vacancies()
    y, x = image.defects[0]
    near = LabelledImage(
        image.micrograph, np.array([y, y + 1, y - 1]), np.array([x, x, x + 1]), ("Vac",) * 3
    )
    evaluation = train_quick([near], ()).evaluations[0]
    assert "Vac" in evaluation.untestable


def test_bulk_clicks_are_tested_against_the_defects():
    image = vacancies()
    taught = labelled(image, 4)
    free = [
        (yy, xx)
        for yy in range(40, 260, 31)
        for xx in range(40, 260, 31)
        if np.hypot(*(image.defects - (yy, xx)).T).min() > 3 * image.period
    ][:6]
    y, x = np.array(free, float).T
    mixed = LabelledImage(
        image.micrograph,
        np.append(taught.y, y),
        np.append(taught.x, x),
        (*taught.labels, *["Bulk"] * 6),
    )
    metrics = train_quick([mixed], ()).evaluations[0].metrics
    assert metrics.classes["Vac"].fp == 0
    assert metrics.classes["Bulk"].recall.value == 1


def test_a_finished_model_is_evaluated_on_other_clicks():
    model = train_quick([labelled(vacancies(), 4)], ()).ensemble
    other = vacancies(seed=3, rotation_deg=40.0)
    evaluation = evaluate_quick_model(model, [labelled(other, 9)])
    metrics = evaluation.metrics.classes["Vac"]
    assert (metrics.tp, metrics.fn) == (9, 0)
    assert evaluation.split == ""
    foreign = evaluate_quick_model(model, [labelled(other, 9, name="hole")])
    assert foreign.counts["test"]["hole"] == 9
    assert foreign.metrics.classes["Vac"].fp == 9
