"""Models of spots from clicks."""

from __future__ import annotations

import numpy as np
import pytest
from spot_images import spot_image

from napari_stem_defects.anomaly.background import background_residual
from napari_stem_defects.errors import InputError
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit_spots import fit_spots
from napari_stem_defects.matched_filter.model import Window
from napari_stem_defects.matched_filter.similarity import similarity

WINDOW = Window(10.6)


def fitted(image, labels):
    residual = background_residual(image.micrograph, WINDOW.px)
    at = residual.sampled.to_samples(image.spots)
    clicks = [Click(0, *each, label) for each, label in zip(at.tolist(), labels, strict=False)]
    return fit_spots([(residual, residual.whole())], clicks, WINDOW), residual


def test_the_threshold_separates_spots_and_film():
    model, residual = fitted(spot_image(), ["Atom"] * 7)
    (item,) = model.classes
    assert model.window == WINDOW
    assert item.kind == "point"
    similar = similarity(residual.whole(), item.templates[0])
    assert similar.max() > item.threshold > np.quantile(similar, 0.98)


def test_a_brighter_class_takes_its_spots_from_a_fainter_one():
    image = spot_image(count=24)
    brighter = spot_image(count=24, height=42.0)
    pixels = image.micrograph.pixels.copy()
    half = pixels.shape[1] // 2
    pixels[:, half:] = brighter.micrograph.pixels[:, half:]  # the same places
    both = image._replace(micrograph=type(image.micrograph)(pixels, "film"))
    labels = ["Bright" if x > half else "Faint" for _, x in image.spots]
    model, residual = fitted(both, labels)
    at = np.rint(residual.sampled.to_samples(image.spots)).astype(int)
    values = residual.whole()
    bright, faint = (similarity(values, item.templates[0])[tuple(at.T)] for item in model.classes)
    named = np.where(bright > faint, "Bright", "Faint")
    assert (named == np.array(labels)).mean() > 0.9


def test_a_click_on_bulk_teaches_what_is_no_spot():
    model, _ = fitted(spot_image(), ["Atom"] * 6 + ["Bulk"])
    assert len(model.negatives) == 1


def test_clicks_on_bulk_alone_are_refused():
    with pytest.raises(InputError, match="no click shows a defect"):
        fitted(spot_image(), ["Bulk"] * 3)
