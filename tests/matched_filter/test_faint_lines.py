"""Lines that noise shows as well are raised above it, or hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from line_in_noise import ROW, SAMPLES, WEIGHT, line_examples, noise_with_line

from napari_stem_defects.anomaly.candidates import cell_edge, pool_cells
from napari_stem_defects.matched_filter.along_lines import repeated_along
from napari_stem_defects.matched_filter.extended_classes import extended_probability
from napari_stem_defects.matched_filter.faint_lines import above_noise, noise_shows, visible_line
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.model import ClassFilter
from napari_stem_defects.matched_filter.similarity import best_similarity
from napari_stem_defects.matched_filter.templates import REACH, align


def found(item: ClassFilter, image: np.ndarray) -> np.ndarray:
    edge = cell_edge(SAMPLES)
    similar = pool_cells(best_similarity(image, item.templates), edge)
    return extended_probability(item, similar, SAMPLES / edge) >= 0.5


def clicked(height: float):
    """Return a line from one click, and what it was learned from."""
    clicks = line_examples(noise_with_line(height), [(ROW, 99.0)])
    aligned = align(clicks.at_clicks(), SAMPLES, REACH["line"], 1.0)
    template = aligned.template(1.0)
    return ClassFilter("Fault", "line", (template,), 0.5, 2.0, 1.0), aligned, clicks


def test_a_threshold_is_raised_until_noise_shows_no_line():
    item, aligned, clicks = clicked(0.8)
    raised = visible_line(item, aligned, 1.0, repeated_along(clicks, WEIGHT), clicks)
    assert raised is None or raised.threshold > item.threshold
    if raised is not None:
        assert found(raised, noise_with_line(0.0, seed=9)).mean() < 0.01


def test_a_clear_line_is_as_it_was():
    item, aligned, clicks = clicked(8.0)
    assert visible_line(item, aligned, 1.0, [], clicks) is item


def test_what_noise_looks_like_at_any_threshold_is_no_line():
    item, _, _ = clicked(8.0)
    faint = replace(item, templates=tuple(replace(t, noise=60.0) for t in item.templates))
    assert above_noise(faint, [noise_with_line(12.0)], SAMPLES) is None


def test_noise_does_not_show_a_line_that_is_far_more_unusual():
    by_anomaly = ClassFilter("Fault", "line", (), 0.5, 3.0, 1.0)
    assert not noise_shows(by_anomaly, [noise_with_line(6.0)], SAMPLES)
    faint = ClassFilter("Fault", "line", (), 0.5, 1.2, 1.0)
    assert noise_shows(faint, [noise_with_line(0.0)], SAMPLES)


@pytest.mark.parametrize("seed", range(3))
def test_one_click_in_noise_finds_no_lines(seed):
    image = noise_with_line(0.0, seed=seed)
    clicks = line_examples(image, [(100.0 + seed, 120.0)])
    (item,) = fit([image], clicks.clicks, {"Fault": "line"}, SAMPLES).classes
    assert item.is_hidden or found(item, noise_with_line(0.0, seed=30 + seed)).mean() < 0.01
