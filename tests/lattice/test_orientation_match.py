"""Orientations of tiles by template matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lattice_images import base_vectors, lattice_image

from napari_stem_defects.lattice.local_spectra import local_spectra
from napari_stem_defects.lattice.misorientation import misorientation
from napari_stem_defects.lattice.orientation_match import match_tiles, reflections_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dual(vectors):
    return np.linalg.inv(vectors).T


def two_orientations(rotation: float, *, mirrored: bool = False) -> NDArray[np.float32]:
    """Return an image of a cell at 0 degrees on the left, and turned or mirrored on the right."""
    image = lattice_image(8.0, 1.2, 78, 0, size=200, dose=40)
    other = lattice_image(8.0, 1.2, 78, rotation, size=200, dose=40)
    image[:, 100:] = other[::-1, 100:] if mirrored else other[:, 100:]
    return np.asarray(image - image.mean(), np.float32)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [3.0, 40.0, 77.0, 125.0, 179.0])
def test_every_orientation_of_a_cell_is_found(rotation: float, mirrored: bool) -> None:
    spectra = local_spectra(two_orientations(rotation, mirrored=mirrored), 8.0)
    known = base_vectors(8.0, 1.2, 78, 0)
    found = match_tiles(spectra, [dual(known)])
    last = found.reciprocal.reshape(*spectra.grid, 2, 2)[:, -1]
    assert (found.score.reshape(spectra.grid)[:, -1] > 0.8).all()
    expected = base_vectors(8.0, 1.2, 78, rotation)
    for basis in last:
        turn = misorientation(expected * [-1, 1] if mirrored else expected, dual(basis))
        assert turn is not None
        assert not turn.mirrored
        assert turn.angle_deg < 1.5


def test_tiles_name_the_cell_that_they_show() -> None:
    image = lattice_image(8.0, 1.0, 90, 20, size=160, dose=40)
    image[:, 80:] = lattice_image(8.0, 1.0, 60, 20, size=160, dose=40)[:, 80:]
    spectra = local_spectra(image - image.mean(), 8.0)
    bases = [dual(base_vectors(8.0, 1.0, angle, 20)) for angle in (90, 60)]
    cell = match_tiles(spectra, bases).cell.reshape(spectra.grid)
    assert (cell[:, 0] == 0).all()
    assert (cell[:, -1] == 1).all()


def test_noise_matches_badly() -> None:
    image = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    spectra = local_spectra(image, 8.0)
    assert match_tiles(spectra, [dual(base_vectors(8.0, 1.0, 60, 0))]).score.max() < 0.5


def test_reflections_have_the_amplitudes_of_the_image() -> None:
    image = lattice_image(
        8.0, 1.0, 90, 0, size=160, dose=40, motif=(((0, 0), 1.0), ((0.5, 0), 0.9))
    )
    spectra = local_spectra(image - image.mean(), 8.0)
    found = reflections_of(spectra, dual(base_vectors(8.0, 1.0, 90, 0)))
    strength = dict(zip(map(tuple, found.orders.tolist()), found.weights, strict=True))
    assert strength[2.0, 0.0] > 3 * strength.get((1.0, 0.0), 0.0)
    assert strength[0.0, 1.0] == max(strength.values())


def test_tiles_that_show_no_reflection_of_a_cell_match_nothing() -> None:
    image = two_orientations(40.0)
    spectra = local_spectra(image, 8.0)
    assert spectra is not None
    finest = 3.0 * np.eye(2)  # reciprocal vectors beyond the highest frequency
    found = match_tiles(spectra, [finest])
    assert len(found.score) == len(spectra.flat)
    assert not found.score.any()
