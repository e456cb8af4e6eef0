"""Whether a class is found by the look of its clicks, or by being unusual."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import crystal_image

from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.matched_filter.choose_look import (
    ClickedLines,
    anomalies_at,
    line_has_look,
    point_has_look,
)
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.model import ClassFilter

SAMPLES = 8.0
SHAPE = (200, 240)
CLICKS = np.array([[160.0, x] for x in (40, 80, 120, 160, 200)])
BY_LOOK = ClassFilter("Twin", "line", (object(),), 0.5, 4.0, 1.0)
BY_ANOMALY = ClassFilter("Twin", "line", (), 0.5, 4.0, 1.0)


def similarity(upto: int) -> np.ndarray:
    """Return a similarity that is high along the clicked line up to a column."""
    values = np.full(SHAPE, 0.05, np.float32)
    values[158:163, :upto] = 0.9
    return values


def residual(*, around: bool = False) -> np.ndarray:
    """Return a residual with a line of more noise, or with an area of it around the line."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=SHAPE).astype(np.float32)
    values[slice(120, None) if around else slice(158, 163)] *= 6
    return values


def has_look(similar: np.ndarray, values: np.ndarray, *, is_alike: bool) -> bool:
    image = ClickedLines(values, similar, CLICKS)
    return line_has_look(BY_LOOK, BY_ANOMALY, [image], SAMPLES, is_alike=is_alike)


@pytest.mark.parametrize("is_alike", [True, False])
def test_where_both_find_all_clicks_their_likeness_decides(is_alike: bool):
    assert has_look(similarity(240), residual(), is_alike=is_alike) is is_alike


@pytest.mark.parametrize("is_alike", [True, False])
def test_the_look_is_taken_where_being_unusual_is_no_line(is_alike: bool):
    assert has_look(similarity(240), residual(around=True), is_alike=is_alike)


@pytest.mark.parametrize("is_alike", [True, False])
def test_being_unusual_is_taken_where_the_look_finds_a_place_alone(is_alike: bool):
    assert not has_look(similarity(50), residual(), is_alike=is_alike)


def test_clicks_of_all_images_count():
    seen = ClickedLines(residual(), similarity(50), CLICKS)
    area = ClickedLines(residual(around=True), similarity(240), CLICKS)
    images = [seen, area, area]
    assert line_has_look(BY_LOOK, BY_ANOMALY, images, SAMPLES, is_alike=False)
    assert not line_has_look(BY_LOOK, BY_ANOMALY, images[:2], SAMPLES, is_alike=False)


def test_one_click_on_a_general_boundary_finds_the_whole_of_it():
    image = crystal_image(size=384, spacing=10, grain_deg=17)
    prepared = lattice_residual(sample(image.pixels, image.cells))
    values = prepared.rows(slice(0, prepared.shape[0]))
    y, x = prepared.sampled.to_samples(image.defects)[70]
    (item,) = fit(
        [values], [Click(0, y, x, "GB")], {"GB": "line"}, prepared.sampled.samples
    ).classes
    assert item.templates == ()


@pytest.mark.parametrize(
    ("is_alike", "missed", "similar", "has_look"),
    [
        (True, 0.0, 60, True),
        (True, 0.2, 60, True),
        (True, 0.4, 60, False),
        (False, 0.0, 60, False),
        (False, 0.0, 1, True),
        (True, 0.4, 1, True),
    ],
)
def test_points_are_found_by_being_unusual_where_that_is_selective(
    is_alike: bool, missed: float, similar: int, has_look: bool
):
    """One place is as unusual as the clicks."""
    values = np.ones(SHAPE, np.float32)
    values[40:50, 40:50] = 8.0
    heights = np.full(similar, 0.9, np.float32)
    found = point_has_look([values], heights, (0.5, 4.0), SAMPLES, is_alike=is_alike, missed=missed)
    assert found is has_look


def test_the_anomaly_of_a_click_is_the_highest_nearby():
    values = np.ones(SHAPE, np.float32)
    values[40:50, 40:50] = 8.0
    clicks = [(values, np.array([45.0, 45.0])), (values, np.array([150.0, 200.0]))]
    high, low = anomalies_at(clicks, SAMPLES)
    assert low == pytest.approx(1.0, abs=0.01)
    assert high > 3
