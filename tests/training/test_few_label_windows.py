"""Targets from clicks and a quick model, and windows of them."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_crystals import labelled, vacancies

from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.training.few_label_windows import (
    draw_windows,
    labelled_places,
    plain_windows,
)
from napari_stem_defects.training.quick import click_classes, clicks_of
from napari_stem_defects.training.quick_images import model_from_clicks, prepare_image

IMAGE = vacancies()


@pytest.fixture(scope="module")
def taught():
    """Return image, clicks and places of four clicks on nine vacancies."""
    image = labelled(IMAGE, 4)
    prepared = [prepare_image(image.micrograph, Scale(7.0))]
    clicks, _ = clicks_of([image], prepared)
    quick = model_from_clicks(prepared, clicks, click_classes(clicks, ()))
    return prepared[0], clicks, quick


def _targets_near(places, ready, positions):
    at = ready.residual.sampled.to_samples(positions)
    nearest = [np.argmin(np.hypot(places.y - y, places.x - x)) for y, x in at]
    return places.targets[nearest]


def test_unclicked_defects_become_labels_too(taught) -> None:
    ready, clicks, quick = taught
    places = labelled_places(ready, clicks, quick, 32)
    at_defects = _targets_near(places, ready, IMAGE.defects)[:, 1]
    assert not (at_defects == 0).any()
    assert (at_defects == 1).sum() > 4
    assert places.clicked.sum() < 4 * 9


def test_a_bulk_click_holds_before_the_quick_model(taught) -> None:
    ready, clicks, quick = taught
    y, x = ready.residual.sampled.to_samples(IMAGE.defects[8:9])[0]
    places = labelled_places(ready, [*clicks, Click(0, y, x, "Bulk")], quick, 32)
    bulk, vacancy = _targets_near(places, ready, IMAGE.defects[8:9])[0]
    assert (bulk, vacancy) == (1, 0)


def test_views_keep_the_centre_of_a_window(taught) -> None:
    """A missing column is the deepest deficit, in the middle of each of its windows."""
    ready, clicks, quick = taught
    places = labelled_places(ready, clicks, quick, 32)
    samples = draw_windows([places.part(places.clicked)], 40, 32, np.random.default_rng(0))
    present = samples.features["residual"][samples.targets[:, 1] == 1, 0]
    assert present.shape[1:] == (32, 32)
    assert (present[:, 13:20, 13:20].min(axis=(1, 2)) == present.min(axis=(1, 2))).mean() > 0.95


def test_plain_windows_are_parts_of_the_residual(taught) -> None:
    ready, clicks, quick = taught
    places = labelled_places(ready, clicks, quick, 32)
    samples = plain_windows([places], 50, 32, np.random.default_rng(0))
    centres = samples.features["residual"][:, 0, 16, 16]
    assert np.isin(centres, ready.values).all()
