"""A basis becomes finer or coarser only where reflections show it."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_images import ONE_COLUMN, base_vectors, lattice_image, two_grains

from napari_stem_defects.lattice.reciprocal_basis import same_lattice
from napari_stem_defects.lattice.reflections import spectrum
from napari_stem_defects.lattice.superlattice import primitive_basis

REAL = base_vectors(14, 1.2, 82, 30)
TRUE = np.linalg.inv(REAL).T


@pytest.mark.parametrize(
    "given_as",
    [((2, 0), (0, 1)), ((1, 1), (1, -1)), ((1, 0), (0, 3)), ((1, 0), (0, 1))],
)
def test_a_basis_of_harmonics_becomes_finer(given_as: tuple[tuple[int, int], ...]) -> None:
    found = spectrum(lattice_image(14, 1.2, 82, 30, dose=50))
    assert same_lattice(primitive_basis(found, np.array(given_as) @ TRUE), TRUE)


def test_a_basis_that_is_too_fine_becomes_coarser() -> None:
    found = spectrum(lattice_image(14, 1.2, 82, 30, dose=50))
    half = np.array([[0.5, 0], [0, 1]]) @ TRUE
    assert same_lattice(primitive_basis(found, half), TRUE)


def test_weak_reflections_between_are_seen() -> None:
    motif = (*ONE_COLUMN, ((0.5, 0.5), 0.75))
    found = spectrum(lattice_image(14, 1.2, 82, 30, motif=motif, dose=50))
    centred = np.array([[1, 1], [1, -1]]) @ TRUE
    assert same_lattice(primitive_basis(found, centred), TRUE)


def test_the_reflections_of_a_twin_do_not_make_the_cell_larger() -> None:
    """Twins of a zincblende crystal share a lattice with three times as many reflections."""
    grains = [lattice_image(12, 1, 70.53, turn, size=384, dose=30) for turn in (5.0, 75.53)]
    for real, turn in ((grains, 5.0), (grains[::-1], 75.53)):
        basis = np.linalg.inv(base_vectors(12, 1, 70.53, turn)).T
        assert same_lattice(primitive_basis(spectrum(two_grains(*real, 75.53)), basis), basis)
