"""Disturbed scan rows taken out of an image."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from crystal_images import HEXAGONAL, SQUARE, columns, crystal_image, render
from large_cells import many_columns
from scan_rows import DISTURBANCES, brighter, lost

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.preprocessing.scan_rows import mend_scan_rows, scan_rows_of

ROWS = (40, 97, 151, 200)


@pytest.mark.parametrize("kind", DISTURBANCES)
@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE])
def test_disturbed_rows_are_found_and_replaced(kind, shape):
    image = crystal_image(shape, spacing=14.0, counts=200)
    disturbed = DISTURBANCES[kind](image.pixels, ROWS)
    found = mend_scan_rows(disturbed, image.period)
    assert set(ROWS) == set(np.flatnonzero(found.mask.mean(axis=1) > 0.02))
    assert (found.rows, found.lines) == (4, 0)
    left, before = (
        np.sqrt(np.square(each[list(ROWS)] - image.pixels[list(ROWS)]).mean())
        for each in (found.pixels, disturbed)
    )
    noise = np.sqrt(image.pixels.mean())
    assert left < 1.6 * noise
    assert left < 0.75 * before
    assert np.array_equal(found.pixels[~found.mask], disturbed[~found.mask])


def test_a_part_of_a_row_is_found():
    image = crystal_image(SQUARE, spacing=14.0, counts=200, size=800)
    disturbed = image.pixels.copy()
    disturbed[200, 300:350] *= 1.7
    found = mend_scan_rows(disturbed, image.period)
    assert found.mask[200, 300:350].all()
    assert not found.mask[200, :150].any()
    assert not found.mask[200, 500:].any()
    assert (found.rows, found.lines) == (1, 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_perfect_crystal_has_no_disturbed_row(seed):
    image = crystal_image(HEXAGONAL, spacing=12.0, missing=8, seed=seed, size=320)
    found = mend_scan_rows(image.pixels, image.period)
    assert (found.rows, found.lines, found.statement) == (0, 0, "")
    assert found.pixels is image.pixels


@pytest.mark.parametrize("spacing", [5.0, 6.0, 8.0, 11.0, 16.0])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["fault", "vacant", "bright", "dim half", "twin"])
def test_planar_defects_along_the_scan_rows_are_no_disturbed_rows(spacing, turned, kind):
    size = 256
    places = columns(spacing * np.eye(2), size)
    heights = np.ones(len(places))
    row = places[np.abs(places[:, 0] - size / 2).argmin(), 0]
    below, at = places[:, 0] > row + 0.1, np.abs(places[:, 0] - row) < 0.1
    if kind == "fault":
        places[below, 1] += 0.5 * spacing
    elif kind == "vacant":
        heights[at] = 0
    elif kind == "bright":
        heights[at] = 3
    elif kind == "dim half":
        heights[below] = 0.5
    else:
        places[below, 1] += 0.3 * (places[below, 0] - row)
    mean = 400 * (render(places, heights, size, 0.18 * spacing) + 0.2)
    pixels = np.random.default_rng(3).poisson(mean).astype(np.float32)
    found = mend_scan_rows(np.ascontiguousarray(pixels.T) if turned else pixels, spacing)
    assert (found.rows, found.lines) == (0, 0)


def test_lines_of_a_detector_are_replaced_too():
    image = crystal_image(SQUARE, spacing=14.0, counts=200)
    disturbed = brighter(image.pixels, [60])
    disturbed = np.ascontiguousarray(brighter(disturbed.T, [30, 120]).T)
    found = mend_scan_rows(disturbed, image.period)
    assert (found.rows, found.lines) == (1, 2)
    assert found.statement == (
        "1 scan row and 2 vertical lines are disturbed and are replaced by what their"
        " surroundings predict."
    )


def test_a_gap_that_is_wide_for_its_crystal_is_marked():
    for spacing, is_wide in ((10.0, True), (24.0, False)):
        image = crystal_image(SQUARE, spacing=spacing, counts=200)
        found = mend_scan_rows(lost(image.pixels, [90, 91]), image.period)
        assert found.mask[90:92].any(axis=1).all()
        assert found.wide.any() == is_wide
        assert not (found.wide & ~found.mask).any()


def test_a_turned_image_is_a_turned_result():
    image = crystal_image(HEXAGONAL, spacing=14.0, counts=200, size=320)
    disturbed = lost(brighter(image.pixels, [50, 105, 108, 161]), [260, 261])
    upright = mend_scan_rows(disturbed, image.period)
    turned = mend_scan_rows(np.ascontiguousarray(disturbed.T), image.period)
    assert (upright.rows, upright.lines) == (turned.lines, turned.rows) == (6, 0)
    assert np.array_equal(upright.mask, turned.mask.T)
    assert np.array_equal(upright.pixels, turned.pixels.T)


def test_the_image_that_is_searched_stays():
    image = crystal_image(HEXAGONAL, spacing=14.0, counts=200)
    disturbed = brighter(np.ascontiguousarray(brighter(image.pixels, [50]).T), [90]).T
    disturbed.flags.writeable = False
    found = mend_scan_rows(disturbed, image.period)
    assert (found.rows, found.lines) == (1, 1)


def test_an_image_that_differs_from_row_to_row_has_no_single_disturbed_ones():
    image = crystal_image(SQUARE, spacing=14.0, counts=200)
    disturbed = brighter(image.pixels, list(range(4, 252, 4)))
    assert mend_scan_rows(disturbed, image.period).rows == 0


def test_pixels_without_a_value_are_no_disturbance():
    image = crystal_image(SQUARE, spacing=14.0, counts=200)
    invalid = np.zeros(image.pixels.shape, bool)
    invalid[200:206, 30:220] = True
    pixels = np.where(invalid, np.float32(np.median(image.pixels)), image.pixels)
    assert mend_scan_rows(pixels, image.period, invalid).rows == 0


def test_an_image_without_a_lattice_stays_as_it_is():
    micrograph = Micrograph(np.random.default_rng(0).random((96, 96), np.float32), "noise")
    found = scan_rows_of(micrograph, ())
    assert found.pixels is micrograph.pixels
    assert not found.mask.any()
    assert not found.statement


def test_what_is_wide_follows_the_columns_of_a_large_cell():
    image = many_columns(36, spacing=7.5, sigma=0.22, motif=5)
    micrograph = Micrograph(lost(image.pixels, [90, 91, 92, 200]), "crystal")
    found = scan_rows_of(micrograph, image.cells)
    assert found.rows == 4
    assert found.wide[90:93].any(axis=1).all()
    assert not mend_scan_rows(micrograph.pixels, image.period).wide.any()


def test_columns_as_thin_as_rows_are_so_in_a_large_cell_too():
    image = many_columns(36, spacing=3.3, counts=200, motif=5)
    micrograph = Micrograph(lost(image.pixels, [90, 200]), "crystal")
    assert image.period > 18
    assert scan_rows_of(micrograph, image.cells).rows == 0


def test_an_image_without_a_disturbed_row_needs_little_memory():
    # Rows and columns a fraction of a period apart, so that no tile of it is repeated.
    y, x = np.mgrid[:1536, :2048].astype(np.float32) / 14
    mean = 40 * np.exp(np.cos(2 * np.pi * (y + 0.1 * x)) + np.cos(2 * np.pi * (x - 0.1 * y)))
    pixels = np.random.default_rng(0).poisson(mean).astype(np.float32)
    tracemalloc.start()
    found = mend_scan_rows(pixels, 14.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.pixels is pixels
    # Two masks of a byte per pixel, and what some rows at a time need.
    assert peak < 2 * pixels.nbytes
