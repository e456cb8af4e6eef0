"""The clicks of a class, with what their images show."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.matched_filter.examples import (
    Click,
    Examples,
    Found,
    ImageContext,
    peak_near,
    similarity_at,
)
from napari_stem_defects.matched_filter.model import ClassFilter
from napari_stem_defects.matched_filter.templates import REACH, align

SAMPLES = 7.0
PLACES = ((40.0, 40.0), (40.0, 120.0), (120.0, 80.0))


def image(places=PLACES) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(160, 160))
    y, x = np.mgrid[:160, :160]
    for at in places:
        values -= 9 * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 6)
    return values.astype(np.float32)


def examples(**options) -> Examples:
    clicks = [Click(0, y, x, "Vac") for y, x in PLACES[:2]] + [Click(1, *PLACES[2], "Vac")]
    return Examples([image(), image(PLACES[2:])], clicks, SAMPLES, **options)


def item(of: Examples) -> ClassFilter:
    template = align(of.at_clicks(), SAMPLES, REACH["point"], 1.0).template(1.0)
    return ClassFilter("Vac", "point", (template,), 0.6, 3.0, 1.0, template_threshold=0.6)


def test_clicks_belong_to_their_images():
    of = examples()
    assert [each.shape for each in of.by_image()] == [(2, 2), (1, 2)]
    residual, position = of.at_clicks()[2]
    assert residual is of.residuals[1]
    np.testing.assert_array_equal(position, PLACES[2])
    assert of.visibility == 0
    assert examples(context=[ImageContext(4.0), ImageContext(2.0)]).visibility == 4.0


def test_the_similarity_at_clicks_is_that_of_the_whole_image():
    of = examples()
    learned = item(of)
    similar = similarity_at(of, learned)
    assert min(similar) > 0.8
    whole = Found(of.residuals, learned.templates, SAMPLES).similar
    at = [peak_near(whole[c.image], round(c.y), round(c.x), 2)[1] for c in of.clicks]
    np.testing.assert_allclose(similar, at, rtol=1e-4)


def test_the_peak_near_a_place_is_inside_the_image():
    values = np.zeros((20, 20), np.float32)
    values[1, 3] = 0.7
    assert peak_near(values, 0, 2, 2) == ((1.0, 3.0), pytest.approx(0.7))
    assert peak_near(values, 19, 19, 2)[1] == 0
