"""A reciprocal basis is fitted to all reflections, with its uncertainty."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_images import base_vectors, lattice_image

from napari_stem_defects.lattice.basis_fit import fit_basis
from napari_stem_defects.lattice.reflections import spectrum


def test_a_basis_that_is_off_by_a_bin_is_corrected():
    image = lattice_image(14.0, 1.2, 80.0, 25.0, size=256, seed=2)
    true = np.linalg.inv(base_vectors(14.0, 1.2, 80.0, 25.0)).T
    fitted, covariance = fit_basis(spectrum(image), true + 0.5 / 256)
    assert fitted == pytest.approx(true, abs=0.1 / 256)
    assert (np.linalg.eigvalsh(covariance) > 0).all()
    assert np.sqrt(covariance.max()) < 0.3 / 256


def test_without_reflections_the_basis_is_returned():
    noise = np.random.default_rng(0).normal(size=(128, 128)).astype(np.float32)
    basis = np.array([(0.01, 0.11), (0.12, 0.02)])
    fitted, covariance = fit_basis(spectrum(noise), basis)
    assert fitted == pytest.approx(basis)
    assert covariance == pytest.approx(np.eye(2) * (0.5 / 128) ** 2)
