"""Probability of every class at every place."""

from __future__ import annotations

import numpy as np
import pytest
from bright_areas import bright_area
from crystal_images import SQUARE, columns, crystal_image, render
from scipy import ndimage

from napari_stem_defects.anomaly import residual as residual_module
from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.anomaly.score import null_thresholds
from napari_stem_defects.anomaly.visibility import visibility
from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.matched_filter.adaptation import adapted_to
from napari_stem_defects.matched_filter.class_maps import class_maps, probabilities_at
from napari_stem_defects.matched_filter.examples import Click, ImageContext
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.levels import local_levels


class Scene:
    """An image with a model of some of its defects."""

    def __init__(self, clicks, kind, **options):
        image = crystal_image(**options)
        self.residual = lattice_residual(sample(image.pixels, image.cells))
        self.values = self.residual.rows(slice(0, self.residual.shape[0]))
        self.places = self.residual.sampled.to_samples(image.defects)
        chosen = [Click(0, *map(float, self.places[n]), "D") for n in clicks]
        self.model = fit([self.values], chosen, {"D": kind}, self.residual.sampled.samples)
        self.maps = class_maps(self.residual, self.model)

    def at(self, places):
        y = np.abs(self.maps.y[:, None] - places[:, 0]).argmin(axis=0)
        x = np.abs(self.maps.x[:, None] - places[:, 1]).argmin(axis=0)
        wide = ndimage.maximum_filter(self.maps.probability[1], 3)
        return wide[y, x]


@pytest.mark.parametrize("clicks", [(0,), (0, 1, 2)])
def test_clicked_columns_find_the_others_and_nothing_else(clicks):
    scene = Scene(clicks, "point", missing=9, size=300)
    assert (scene.at(scene.places) > 0.5).all()
    _, count = ndimage.label(scene.maps.probability[1] > 0.5, np.ones((3, 3)))
    assert count == 9
    assert scene.maps.classes == (BULK, "D")


def test_a_clicked_part_of_a_fault_finds_all_of_it():
    scene = Scene(
        range(0, 60, 8), "line", shape=SQUARE, fault=True, rotation_deg=0, spacing=14, size=320
    )
    assert (scene.at(scene.places) > 0.5).mean() > 0.97
    far = np.abs(scene.maps.y - scene.places[0, 0]) > 2 * scene.model.samples
    assert (scene.maps.probability[1][far] > 0.5).mean() < 0.002


def test_a_boundary_without_a_look_is_found_by_its_anomaly():
    scene = Scene(range(0, 80, 12), "line", size=384, spacing=10, grain_deg=17)
    assert scene.model.classes[0].templates == ()
    assert (scene.at(scene.places) > 0.5).mean() > 0.8
    far = np.abs(scene.maps.y - scene.places[0, 0]) > 3 * scene.model.samples
    found = scene.maps.probability[1] > 0.5
    assert found[far].mean() < 0.005
    cell_periods = (scene.maps.y[1] - scene.maps.y[0]) / scene.model.samples
    assert found.sum(axis=0).mean() * cell_periods < 2.4  # no wider than its core
    assert found[:, [0, -1]].any(axis=0).all()  # from border to border


def _disordered(residual, box):
    """Return a residual with noise of many spreads in a box, as where no lattice is known."""
    values = residual.whole()
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=values[box].shape), 1.5)
    values[box] += (8 * noise / noise.std()).astype(np.float32)

    class Changed(type(residual)):
        def rows(self, rows):
            return values[rows].copy()

    return Changed(residual.sampled, residual.predictors, residual.spread, residual.gains)


def test_an_unusual_area_is_no_line():
    scene = Scene(range(0, 80, 12), "line", size=384, spacing=10, grain_deg=17)
    height, width = scene.residual.shape
    box = np.s_[: height // 3, : width // 2]
    maps = class_maps(_disordered(scene.residual, box), scene.model)
    found, bulk = maps.probability[1] > 0.5, maps.probability[0]
    inside = np.ix_(maps.y < height / 3 - 7, maps.x < width / 2 - 7)
    assert found[inside].mean() < 0.02
    assert (bulk[inside] < 0.5).mean() > 0.9  # unknown, not perfect
    middle = np.abs(maps.y - scene.places[0, 0]) < scene.model.samples
    assert found[middle].any(axis=0).mean() > 0.8  # the line itself is still there


def test_an_area_of_brighter_columns_is_filled():
    image = bright_area(missing=6)
    residual = lattice_residual(sample(image.pixels, image.cells))
    sampled, values = residual.sampled, residual.whole()
    y, x = np.nonzero(image.area)
    some = np.random.default_rng(1).integers(0, len(y), 7)
    inside = sampled.to_samples(np.column_stack([y, x])[some].astype(float))
    clicks = [Click(0, *map(float, at), "P") for at in inside]
    clicks += [Click(0, *map(float, at), "V") for at in sampled.to_samples(image.missing[:4])]
    context = [ImageContext(visibility(residual), local_levels(sampled))]
    kinds = {"P": "area", "V": "point"}
    model = fit([values], clicks, kinds, sampled.samples, context=context)
    # As it was clicked; at a quarter of the dose; less bright, searched to its own half-way level.
    for counts, seed, brightness in ((60.0, 0, 1.6), (15.0, 5, 1.6), (60.0, 7, 1.36)):
        other = bright_area(missing=6, counts=counts, seed=seed, brightness=brightness)
        fresh = lattice_residual(sample(other.pixels, other.cells, sampled.scale))
        maps = class_maps(fresh, adapted_to(fresh, model))
        at = fresh.sampled.to_image(np.column_stack([maps.y, np.zeros_like(maps.y)]))[:, 0]
        across = fresh.sampled.to_image(np.column_stack([np.zeros_like(maps.x), maps.x]))[:, 1]
        rows, columns = (np.clip(np.rint(p).astype(int), 0, 359) for p in (at, across))
        truth, found = other.area[np.ix_(rows, columns)], maps.probability[1] > 0.5
        assert (truth & found).sum() / (truth | found).sum() > 0.85
        _, vacancies = ndimage.label(maps.probability[2] > 0.5, np.ones((3, 3)))
        assert vacancies == 6


def _antiphase(size=400, spacing=10.0, seed=0):
    """Draw a boundary at which two kinds of columns swap, along no row of the lattice."""
    first = columns(spacing * np.eye(2), size)
    second = first + spacing / 2
    positions = np.concatenate([first, second])
    above = positions[:, 0] > 0.3 * size + 0.5 * positions[:, 1]
    bright = above ^ (np.arange(len(positions)) < len(first))
    rng = np.random.default_rng(seed)
    image = render(positions, np.where(bright, 1.0, 0.35), size, 0.12 * spacing) + 0.2
    across = np.linspace(30, size - 30, 120)
    line = np.column_stack([0.3 * size + 0.5 * across, across])
    return rng.poisson(60 * image).astype(np.float32), line


@pytest.mark.parametrize("seed", [0, 1])
def test_a_boundary_whose_look_changes_along_it_is_found_whole(seed):
    pixels, line = _antiphase(seed=seed)
    residual = lattice_residual(sample(pixels, measure_lattices(pixels).cells))
    places = residual.sampled.to_samples(line)
    rng = np.random.default_rng(seed)
    chosen = places[10:115:15] + rng.normal(0, 0.15 * residual.sampled.samples, (7, 2))
    clicks = [Click(0, *map(float, at), "APB") for at in chosen]
    model = fit([residual.whole()], clicks, {"APB": "line"}, residual.sampled.samples)
    maps = class_maps(residual, model)
    y = np.abs(maps.y[:, None] - places[:, 0]).argmin(axis=0)
    x = np.abs(maps.x[:, None] - places[:, 1]).argmin(axis=0)
    wide = ndimage.maximum_filter(maps.probability[1], 5)
    assert (wide[y, x] > 0.5).mean() > 0.95


def test_a_place_like_a_bulk_click_is_no_defect():
    image = crystal_image(missing=9, size=300)
    residual = lattice_residual(sample(image.pixels, image.cells))
    values = residual.rows(slice(0, residual.shape[0]))
    places = residual.sampled.to_samples(image.defects)
    like, unlike = places[6:], places[:6]
    for y, x in np.rint(like).astype(int):  # dirt: half as deep, and wider on one side
        values[y - 8 : y + 9, x : x + 9] += 0.8 * values[y - 8 : y + 9, x - 8 : x + 1]
    clicks = [Click(0, *map(float, at), "D") for at in unlike[:3]]
    limits = null_thresholds(residual)
    samples = residual.sampled.samples
    without = fit([values], clicks, {}, samples)
    bulk = Click(0, *map(float, like[0]), BULK)
    taught = fit([values], [*clicks, bulk], {}, samples)
    before, after = (probabilities_at(values, like, m, limits)[:, 1] for m in (without, taught))
    assert (before > 0.5).all()
    assert after[0] < 0.5
    assert (probabilities_at(values, unlike, taught, limits)[:, 1] > 0.5).all()


def test_perfect_crystal_is_bulk_and_defects_are_not():
    scene = Scene((0, 1), "point", missing=9, size=300)
    bulk = scene.maps.probability[0]
    assert np.median(bulk) > 0.99
    y, x = (
        np.abs(axis[:, None] - scene.places[:, n]).argmin(axis=0)
        for n, axis in enumerate((scene.maps.y, scene.maps.x))
    )
    assert (bulk[y, x] < 0.01).all()


def test_blocks_agree_with_the_whole_image(monkeypatch):
    scene = Scene((0, 1), "point", missing=9, size=300)
    monkeypatch.setattr(residual_module, "_FIT_PIXELS", 1)
    monkeypatch.setattr(residual_module, "_BLOCK_ROWS", 60)
    limits = null_thresholds(scene.residual)
    parts = class_maps(scene.residual, scene.model, limits)
    np.testing.assert_allclose(parts.probability[1], scene.maps.probability[1], atol=0.05)


def test_probabilities_at_single_places_agree_with_the_map():
    scene = Scene((0, 1, 2), "point", missing=9, size=300)
    limits = null_thresholds(scene.residual)
    bulk = np.array([scene.places[0] + 3.5 * scene.model.samples])
    at = np.concatenate([scene.places, bulk])
    found = probabilities_at(scene.values, at, scene.model, limits)
    assert (found[:-1, 1] > 0.5).all()
    assert found[-1, 1] < 0.1
    assert (found[:-1, 0] < 0.1).all()


def test_two_classes_compete_for_a_place():
    image = crystal_image(missing=9, size=300)
    residual = lattice_residual(sample(image.pixels, image.cells))
    values = residual.rows(slice(0, residual.shape[0]))
    places = residual.sampled.to_samples(image.defects)
    for y, x in np.rint(places[5:]).astype(int):
        values[y - 12 : y + 13, x - 12 : x + 13] *= -1
    names = ["A"] * 3 + ["B"] * 2
    clicks = [
        Click(0, *map(float, places[n]), name)
        for n, name in zip((0, 1, 2, 5, 6), names, strict=True)
    ]
    model = fit([values], clicks, {}, residual.sampled.samples)
    found = probabilities_at(values, places, model, null_thresholds(residual))
    assert (found[:5, 1] > 0.5).all()
    assert (found[5:, 1] < 0.5).all()
    assert (found[5:, 2] > 0.5).all()
    assert (found[:5, 2] < 0.5).all()


def test_a_boundary_without_a_look_leaves_the_points_their_places():
    image = crystal_image(size=384, spacing=10, grain_deg=17, missing=0)
    pixels = image.pixels.copy()
    vacancies = []
    rows, columns = np.mgrid[:384, :384]
    for y, x in ((90.0, 100.0), (110.0, 250.0), (70.0, 300.0), (60.0, 60.0)):
        near = (rows - y) ** 2 + (columns - x) ** 2 < 5**2
        pixels[near] = np.percentile(pixels, 10)
        vacancies.append((y, x))
    sampled = sample(pixels, image.cells)
    residual = lattice_residual(sampled)
    values = residual.rows(slice(0, residual.shape[0]))
    points = sampled.to_samples(np.array(vacancies))
    line = sampled.to_samples(image.defects[::20])
    clicks = [Click(0, *map(float, at), "Vac") for at in points[:3]]
    clicks += [Click(0, *map(float, at), "GB") for at in line[:6]]
    kinds = {"Vac": "point", "GB": "line"}
    model = fit([values], clicks, kinds, sampled.samples)
    assert [item.name for item in model.classes if not item.templates] == ["GB"]
    found = probabilities_at(
        values, np.concatenate([points, line]), model, null_thresholds(residual)
    )
    assert (found[:4, 2] > 0.5).all()
    assert (found[:4, 1] < 0.5).all()
    assert (found[4:, 1] > 0.5).mean() > 0.6
