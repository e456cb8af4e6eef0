"""Lattices of few periods are those at whose vectors an image agrees with itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.lattice.few_periods import (
    LEAST_AGREEMENT,
    basis_of_few_periods,
    find_few_periods,
    has_few_periods,
)
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.reciprocal_basis import same_lattice

EDGE = 128
SHAPES = {
    "square": ((1.0, 0.0), (0.0, 1.0)),
    "hexagonal": ((0.0, 1.0), (0.866, 0.5)),
    "oblique": ((0.1, 1.0), (1.2, 0.3)),
}
ONE, TWO = ((0.0, 0.0, 1.0),), ((0.0, 0.0, 1.0), (0.46, 0.37, 0.6))


def crystal(shape: str, period: float, motif=ONE, turn_deg: float = 11.0, noise: float = 0.0):
    """An image of few periods without background, and its base vectors."""
    turn = np.radians(turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    vectors = period * np.array(SHAPES[shape]) @ rotation
    y, x = np.mgrid[:EDGE, :EDGE]
    orders = np.mgrid[-20:21, -20:21].reshape(2, -1).T
    image = np.zeros((EDGE, EDGE))
    width = 0.16 * period
    for row, column, height in motif:
        for at in (orders + np.array((row, column))) @ vectors + EDGE / 2:
            if (np.abs(at - EDGE / 2) < EDGE / 2 + 3 * width).all():
                image += height * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * width**2))
    image += np.random.default_rng(3).normal(size=image.shape) * noise
    return (image - image.mean()).astype(np.float32), vectors


def dual(vectors):
    return np.linalg.inv(vectors).T


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("period", "noise"), [(17.0, 0.3), (22.0, 0.8), (29.0, 0.8)])
def test_a_lattice_of_few_periods_is_found_and_fitted(shape, period, noise):
    image, vectors = crystal(shape, period, noise=noise)
    found = find_few_periods(image)
    assert same_lattice(dual(vectors), found.basis, 0.02)
    near = basis_of_few_periods(image, dual(vectors) * 1.04)
    assert same_lattice(dual(vectors), near.basis, 0.015)
    assert 0.3 < near.agreement <= 1
    measured = measure_lattices(image)
    assert measured.kind == "one"
    assert same_lattice(dual(vectors), np.array(measured.cell.reciprocal), 0.015)


def test_the_uncertainty_is_that_of_the_fit():
    away, stated = [], []
    for turn in range(0, 80, 8):
        image, vectors = crystal("oblique", 18.0, turn_deg=float(turn), noise=0.6)
        found = measure_lattices(image).cell
        away.append(found.period_px - np.hypot(*vectors[0]))
        stated.append(found.uncertainty_px[0])
    assert 0.3 < np.std(away) / np.mean(stated) < 3


def test_a_cell_that_is_too_small_is_replaced_by_the_true_one():
    image, vectors = crystal("square", 24.0, TWO)
    half = np.array([(0.5, 0.5), (-0.5, 0.5)]) @ vectors
    assert same_lattice(dual(vectors), basis_of_few_periods(image, dual(half)).basis, 0.02)
    third = np.array([(1.0, 0.0), (0.0, 1 / 3)]) @ crystal("square", 27.0, TWO)[1]
    image, vectors = crystal("square", 27.0, TWO)
    assert same_lattice(dual(vectors), basis_of_few_periods(image, dual(third)).basis, 0.02)


def test_a_primitive_cell_is_kept():
    image, vectors = crystal("hexagonal", 18.0, noise=0.4)
    assert same_lattice(dual(vectors), basis_of_few_periods(image, dual(vectors)).basis, 0.02)


def test_an_image_that_does_not_repeat_has_no_lattice():
    rng = np.random.default_rng(0)
    for sigma in (1.0, 3.0, 6.0):
        image = ndimage.gaussian_filter(rng.normal(size=(EDGE, EDGE)), sigma).astype(np.float32)
        assert find_few_periods(image) is None
        guess = dual(18.0 * np.array(SHAPES["oblique"]))
        assert basis_of_few_periods(image, guess).agreement < LEAST_AGREEMENT


@pytest.mark.parametrize("turn_deg", [0.0, 27.0])
def test_fringes_and_sums_of_rows_and_columns_are_no_lattice(turn_deg):
    y, x = np.mgrid[:EDGE, :EDGE]
    turn = np.radians(turn_deg)
    along = x * np.cos(turn) + y * np.sin(turn)
    noise = 0.1 * np.random.default_rng(1).normal(size=(EDGE, EDGE))
    fringes = np.cos(2 * np.pi * along / 20) + noise
    assert find_few_periods(fringes.astype(np.float32)) is None
    steps = (x % 21) + (y % 25) + noise
    assert find_few_periods((steps - steps.mean()).astype(np.float32)) is None


def test_peaks_of_steps_are_refused():
    rng, wrong = np.random.default_rng(4), 0
    y, x = np.mgrid[:EDGE, :EDGE]
    for _ in range(24):
        image = np.zeros((EDGE, EDGE))
        for turn, place, height in rng.uniform((0, -1, -1), (6.3, 1, 1), (12, 3)):
            image += height * (x * np.cos(turn) + y * np.sin(turn) > place * EDGE)
        cell = measure_lattices(image.astype(np.float32)).cell
        wrong += cell is not None and has_few_periods(np.array(cell.reciprocal), image.shape)
    assert wrong == 0


def test_too_few_vectors_to_compare_are_a_defined_answer():
    image, vectors = crystal("square", 60.0)
    assert basis_of_few_periods(image, dual(vectors)) is None
    assert find_few_periods(image[:24, :24]) is None


def test_few_periods_are_counted_along_the_shorter_edge():
    basis = dual(20.0 * np.array(SHAPES["square"]))
    assert has_few_periods(basis, (150, 1000))
    assert not has_few_periods(basis, (300, 1000))


def test_a_missing_column_changes_nothing():
    image, vectors = crystal("hexagonal", 20.0, noise=0.3)
    y, x = np.mgrid[:EDGE, :EDGE]
    image[np.hypot(y - EDGE / 2, x - EDGE / 2) < 8] = image.min()
    assert same_lattice(dual(vectors), find_few_periods(image).basis, 0.02)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_intensities_of_any_size_give_the_same_lattice(factor):
    image, vectors = crystal("square", 22.0, noise=0.3)
    found = find_few_periods(image * np.float32(factor))
    assert same_lattice(dual(vectors), found.basis, 0.02)
    assert find_few_periods(np.full((EDGE, EDGE), factor, np.float32)) is None
