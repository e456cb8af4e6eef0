"""What a survey finds unusual, as evidence for generic names."""

from __future__ import annotations

import numpy as np
from crowded_crystals import crowded_crystal
from crystal_images import HEXAGONAL, SQUARE, columns, crystal_image, render
from missing_in_few_periods import few_periods

from napari_stem_defects.anomaly.residual import image_residual
from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.survey_evidence import survey_evidence
from napari_stem_defects.lattice.measurement import measure_lattices


def _evidence(pixels):
    cells = measure_lattices(pixels).cells
    return survey_evidence(image_residual(Micrograph(pixels, "crystal"), cells, Scale(7.0)))


def test_only_the_usual_has_a_penalty() -> None:
    image = crystal_image(SQUARE, missing=5)
    evidence = _evidence(image.pixels)
    assert not evidence.penalty(image.defects).any()
    usual = image.defects + np.array((40.0, 0.0))
    apart = np.hypot(*(usual[:, None] - image.defects[None]).transpose(2, 0, 1)).min(axis=1)
    assert (evidence.penalty(usual[apart > 24]) > 1).all()
    assert len(evidence.points) == 5
    assert evidence.crowd is None


def test_places_that_stand_out_are_seen_as_if_each_were_alone() -> None:
    image = crystal_image(HEXAGONAL, missing=5, counts=4000.0)
    evidence = _evidence(image.pixels)
    assert len(evidence.places) == 5
    alone = evidence.alone()
    at = tuple(evidence.places.T)
    assert (np.abs(alone.rest.whole()[at]) < 5).all()
    assert (alone.values[at] < -15).all()


def test_the_residual_of_an_image_without_noise_is_not_magnified() -> None:
    vectors = 12.0 * np.asarray(SQUARE)
    places = columns(vectors, 256)
    chosen = np.hypot(*(places - (128, 128)).T).argmin()
    heights = np.ones(len(places))
    heights[chosen] = 0.97
    pixels = (render(places, heights, 256, 2.2) + 0.2).astype(np.float32)
    cells = measure_lattices(pixels).cells
    raw = image_residual(Micrograph(pixels, "crystal"), cells, Scale(7.0))
    assert raw.spread < 0.03
    shown = survey_evidence(raw).residual.whole()
    assert np.abs(shown).max() < 0.5 * np.abs(raw.whole()).max()


def test_what_crowds_is_taken_out_of_what_is_scanned() -> None:
    crystal = crowded_crystal(SQUARE, 0.15, 0.0)
    evidence = _evidence(crystal.pixels)
    assert evidence.crowd is not None
    assert evidence.alone() is evidence.crowd
    assert len(evidence.points) == len(evidence.crowd.places) > 40


def test_a_few_defects_are_not_the_noise_of_a_small_crystal() -> None:
    pixels, missing = few_periods()
    evidence = _evidence(pixels)
    assert evidence.is_doubtful
    assert (evidence.penalty(missing) > 1).any()
    assert not evidence.explained_by(missing).penalty(missing).any()


def test_columns_that_all_differ_are_not_explained_by_some_of_them() -> None:
    pixels, places = few_periods(unlike=0.15)
    evidence = _evidence(pixels)
    assert evidence.explained_by(places) is evidence
    assert evidence.explained_by(np.zeros((0, 2))) is evidence or not len(evidence.points)
