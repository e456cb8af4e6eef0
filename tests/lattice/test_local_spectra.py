"""Local spectra: where the tiles are, and what their reflections measure."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_images import base_vectors, lattice_image

from napari_stem_defects.lattice.local_spectra import (
    TILE_PERIODS,
    amplitudes_at,
    local_spectra,
    refined_bases,
    template,
)

VECTORS = base_vectors(8.0, 1.1, 80, 23)
RECIPROCAL = np.linalg.inv(VECTORS).T
ORDERS = np.array([(1, 0), (0, 1), (1, 1), (1, -1)], float)


@pytest.fixture(scope="module")
def spectra():
    image = lattice_image(8.0, 1.1, 80, 23, size=200, dose=50)
    return local_spectra(image - image.mean(), 8.0)


def test_tiles_cover_the_image_evenly(spectra) -> None:
    assert spectra.edge == TILE_PERIODS * 8
    for centres in (spectra.centre_y, spectra.centre_x):
        assert centres[0] == (spectra.edge - 1) / 2
        assert centres[-1] == 199 - (spectra.edge - 1) / 2
        assert np.ptp(np.diff(centres)) <= 1
    assert local_spectra(np.zeros((30, 300), np.float32), 8.0) is None


def test_amplitudes_are_those_of_the_fourier_transform(spectra) -> None:
    image = lattice_image(8.0, 1.1, 80, 23, size=200, dose=50)
    tile = image[: spectra.edge, : spectra.edge] - image.mean()
    window = np.outer(*[np.hanning(spectra.edge + 2)[1:-1]] * 2)
    expected = np.abs(np.fft.fft2((tile - tile.mean()) * window, s=(80, 80)))
    stored = spectra.amplitude[0, 0] * spectra.mean[0, 0]
    middle = len(spectra.frequency_y) // 2
    zero = int(np.flatnonzero(spectra.frequency_x == 0)[0])
    assert stored[middle + 10, zero + 7] == pytest.approx(expected[10, 7], rel=1e-3, abs=1e-2)
    assert stored[middle - 4, zero + 20] == pytest.approx(expected[-4, 20], rel=1e-3, abs=1e-2)


def test_reflections_are_strong_in_every_tile(spectra) -> None:
    found = amplitudes_at(spectra, ORDERS[:2] @ RECIPROCAL)
    assert found.shape == (spectra.grid[0] * spectra.grid[1], 2)
    assert (found > 4).all()
    # Opposite reflections are one.
    np.testing.assert_array_equal(found, amplitudes_at(spectra, -ORDERS[:2] @ RECIPROCAL))


def test_the_basis_is_refined_from_two_degrees_away(spectra) -> None:
    turn = np.radians(2)
    start = RECIPROCAL @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    tiles = np.arange(spectra.grid[0] * spectra.grid[1])
    found = refined_bases(spectra, tiles, np.repeat(start[None], len(tiles), axis=0), ORDERS)
    away = np.linalg.norm(found - RECIPROCAL, axis=2) / np.linalg.norm(RECIPROCAL, axis=1)
    assert np.median(away) < 0.008
    assert away.max() < 0.03


def test_a_template_is_normalised_and_matches_its_lattice_alone(spectra) -> None:
    own = template(spectra, ORDERS @ RECIPROCAL, np.ones(4))
    other = template(spectra, ORDERS @ RECIPROCAL * [1, -1], np.ones(4))
    assert np.linalg.norm(own) == pytest.approx(1, rel=1e-4)
    assert own.mean() == pytest.approx(0, abs=1e-5)
    assert (spectra.flat @ own > 2 * (spectra.flat @ other)).all()
