"""A basis becomes finer or coarser only where reflections show it."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_images import ONE_COLUMN, base_vectors, lattice_image, two_grains

from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.reciprocal_basis import same_lattice
from napari_stem_defects.lattice.reflections import spectrum
from napari_stem_defects.lattice.superlattice import local_share, primitive_basis

REAL = base_vectors(14, 1.2, 82, 30)
TRUE = np.linalg.inv(REAL).T


@pytest.mark.parametrize(
    "given_as",
    [
        *(((2, 0), (0, 1)), ((1, 1), (1, -1)), ((1, 0), (0, 3)), ((1, 0), (0, 1))),
        *(((5, 0), (0, 1)), ((7, 0), (0, 1))),
    ],
)
def test_a_basis_of_harmonics_becomes_finer(given_as: tuple[tuple[int, int], ...]) -> None:
    found = spectrum(lattice_image(14, 1.2, 82, 30, dose=50))
    assert same_lattice(primitive_basis(found, np.array(given_as) @ TRUE), TRUE)


def test_a_basis_that_is_too_fine_becomes_coarser() -> None:
    found = spectrum(lattice_image(14, 1.2, 82, 30, dose=50))
    half = np.array([[0.5, 0], [0, 1]]) @ TRUE
    assert same_lattice(primitive_basis(found, half), TRUE)


@pytest.mark.parametrize("rotation_deg", [0.0, 10.0])
def test_weak_reflections_of_five_periods_are_seen(rotation_deg: float) -> None:
    """Their surroundings are those of the strong ones, five bins away."""
    motif = (*ONE_COLUMN, ((0.5, 0.5), 0.6))
    image = lattice_image(17, 1, 90, rotation_deg, size=85, motif=motif, jitter_px=0.1, seed=1)
    cell = measure_lattices(image).cell
    assert cell is not None
    assert cell.lengths_px == pytest.approx((17, 17), rel=0.02)


def test_weak_reflections_between_are_seen() -> None:
    motif = (*ONE_COLUMN, ((0.5, 0.5), 0.75))
    found = spectrum(lattice_image(14, 1.2, 82, 30, motif=motif, dose=50))
    centred = np.array([[1, 1], [1, -1]]) @ TRUE
    assert same_lattice(primitive_basis(found, centred), TRUE)


@pytest.mark.parametrize("turn_deg", [36.87, 28.07, 22.62, 16.26])
def test_grains_with_a_coincidence_lattice_do_not_make_the_cell_larger(turn_deg: float) -> None:
    """Square grains turned by these angles share every fifth, 17th, 13th and 25th point."""
    grains = [lattice_image(12, 1, 90, turn, size=384, dose=30) for turn in (5.0, 5.0 + turn_deg)]
    basis = np.linalg.inv(base_vectors(12, 1, 90, 5.0)).T
    assert same_lattice(primitive_basis(spectrum(two_grains(*grains, 40.0)), basis), basis)


@pytest.mark.parametrize("seed", [0, 10, 17])
def test_a_large_cell_of_many_columns_is_found(seed: int) -> None:
    """Of its reflections the highest 36 are peaks, and these may lie on a coarser lattice."""
    rng = np.random.default_rng(seed)
    motif = [((0.0, 0.0), 1.0)]
    while len(motif) < 18:
        place = rng.random(2)
        away = np.array([at for at, _ in motif]) - place
        if np.hypot(*(away - np.rint(away)).T).min() > 0.13:
            motif.append(((float(place[0]), float(place[1])), float(rng.choice([0.5, 1, 1.6]))))
    real = base_vectors(56, 1.25, 84, 10)
    image = lattice_image(56, 1.25, 84, 10, size=512, motif=tuple(motif), dose=20)
    true = np.linalg.inv(real).T
    for times in (5, 7):
        given = np.array([[1, 2], [0, times]]) @ true
        assert same_lattice(primitive_basis(spectrum(image), given), true)


def test_the_reflections_of_a_twin_do_not_make_the_cell_larger() -> None:
    """Twins of a zincblende crystal share a lattice with three times as many reflections."""
    grains = [lattice_image(12, 1, 70.53, turn, size=384, dose=30) for turn in (5.0, 75.53)]
    for real, turn in ((grains, 5.0), (grains[::-1], 75.53)):
        basis = np.linalg.inv(base_vectors(12, 1, 70.53, turn)).T
        assert same_lattice(primitive_basis(spectrum(two_grains(*real, 75.53)), basis), basis)


def test_reflections_without_power_have_no_share() -> None:
    nothing = spectrum(np.zeros((64, 64), np.float32))
    share = local_share(nothing, np.array([[0.1, 0.1]]), np.eye(2) / 8)
    np.testing.assert_array_equal(share, [0.0])
