"""Clicks on a fault that lies on several planes."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.matched_filter.examples import Click, Examples
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.line_groups import by_plane

SAMPLES = 7.0
ROW, COLUMN = 60, 200
ON_ROW = [Click(0, ROW, x, "F") for x in (30.0, 66, 101, 140)]
ON_COLUMN = [Click(0, y, COLUMN, "F") for y in (120.0, 153, 190)]


def crossing() -> np.ndarray:
    """Return noise with one fault along a row and one along a column."""
    values = np.random.default_rng(0).normal(size=(240, 260))
    y, x = np.mgrid[:240, :260]
    for across, along in ((y - ROW, x), (x - COLUMN, y)):
        profile = across / SAMPLES * np.exp(-(across**2) / 60)
        values += 8 * profile * np.cos(2 * np.pi * along / SAMPLES)
    return values.astype(np.float32)


def random_places(count: int) -> tuple[np.ndarray, list[Click]]:
    """Return clicks on a boundary that looks different everywhere."""
    values = np.random.default_rng(1).normal(size=(240, 260))
    values[90:130] *= 3
    clicks = [Click(0, 110.0, x, "F") for x in np.linspace(20, 240, count)]
    return values.astype(np.float32), clicks


def test_clicks_on_two_planes_are_two_groups():
    groups = by_plane(Examples([crossing()], [*ON_ROW, *ON_COLUMN], SAMPLES), 1.0, 0.87)
    assert sorted(len(group.patterns) for group in groups) == [3, 4]


def test_clicks_that_look_different_everywhere_are_none():
    values, clicks = random_places(7)
    assert by_plane(Examples([values], clicks, SAMPLES), 1.0, 0.87) == []


def test_a_single_click_is_no_group():
    assert by_plane(Examples([crossing()], ON_ROW[:1], SAMPLES), 1.0, 0.87) == []


def test_a_class_clicked_on_two_planes_is_found_by_its_looks():
    (item,) = fit([crossing()], [*ON_ROW, *ON_COLUMN], {"F": "line"}, SAMPLES).classes
    assert len(item.templates) == 2
    assert item.consistency > 0.87
