"""All columns of a cell are distinguished by the mean of like windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_stem_defects.lattice.column_motif import columns_near, fit_motif
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.site_surroundings import Surroundings, surroundings_of

Array = NDArray[np.float64]

VECTORS = np.array([[0.6, 14.0], [12.7, -1.1]])
SIGMA, HEIGHT, GROUND = 2.2, 120.0, 60.0
SHAPE, MIDDLE = (180, 190), np.array([90.3, 94.6])
MOTIFS: dict[str, list[tuple[float, float, float]]] = {
    "one": [(0.0, 0.0, 1.0)],
    "two apart": [(0.0, 0.0, 1.0), (6.2, 6.0, 0.4)],
    "two that are not resolved": [(0.0, 0.0, 1.0), (2.6, 2.6, 0.7)],
    "three in a row": [(0.0, 0.0, 1.0), (4.0, 1.0, 0.5), (8.2, 2.0, 0.8)],
}


def around(
    motif: list[tuple[float, float, float]], vectors: Array = VECTORS, wide: float = 1.0
) -> Surroundings:
    """Return the surroundings of a column; the first of the motif is wider than the others."""
    cells = np.array([(i, j) for i in range(-12, 13) for j in range(-12, 13)])
    image = np.full(SHAPE, GROUND)
    for number, (down, right, height) in enumerate(motif):
        places = MIDDLE + (down, right) + cells @ vectors
        sigma = SIGMA * (wide if number == 0 else 1.0)
        y, x = (
            np.exp(-((np.arange(size) - at[:, None]) ** 2) / (2 * sigma**2))
            for size, at in zip(SHAPE, places.T, strict=True)
        )
        image += HEIGHT * height * y.T @ x
    image = np.random.default_rng(4).poisson(image).astype(np.float32)
    cell = measure_lattices(image).cells[0]
    found = surroundings_of(image, cell, (MIDDLE[0], MIDDLE[1]))
    assert found is not None
    return found


def nearest(motif: Array, vectors: Array, place: tuple[float, float]) -> tuple[int, float]:
    """Return the column of a motif nearest to a place of the lattice, and how far it is."""
    steps = (motif - (MIDDLE - np.rint(MIDDLE)) - place) @ np.linalg.inv(vectors)
    apart = np.hypot(*((steps - np.rint(steps)) @ vectors).T)
    return int(apart.argmin()), float(apart.min())


@pytest.mark.parametrize("name", MOTIFS)
@pytest.mark.parametrize("start", [(0.0, 0.0), (1.0, -1.0)])
def test_columns_have_their_places_and_heights(name: str, start: tuple[float, float]) -> None:
    motif = MOTIFS[name]
    found = fit_motif(around(motif), np.array([start]))
    assert found is not None
    assert len(found.places) == len(motif)
    assert found.sigma == pytest.approx(SIGMA, rel=0.05)
    for down, right, height in motif:
        number, apart = nearest(found.places, VECTORS, (down, right))
        assert apart < 0.3
        allowed = 4 * found.errors[number] * found.heights[number] + 0.02 * HEIGHT
        assert abs(found.heights[number] - HEIGHT * height) < allowed
        assert found.errors[number] < 0.15


def test_peaks_that_are_the_same_column_or_none_do_not_count() -> None:
    motif = MOTIFS["two apart"]
    peaks = np.array([(0.0, 0.0), (14.0, 0.0), (-13.0, 1.0), (6.0, 6.0), (3.0, -5.0)])
    found = fit_motif(around(motif), peaks)
    assert found is not None
    assert len(found.places) == 2


def test_a_wider_column_is_not_two() -> None:
    found = fit_motif(around(MOTIFS["two apart"], wide=1.15), np.array([(0.0, 0.0), (6.0, 6.0)]))
    assert found is None or len(found.places) == 2


def test_a_window_that_does_not_show_the_cell_states_nothing() -> None:
    long = np.array([[0.0, 12.0], [37.0, 2.0]])
    shown = around([(0.0, 0.0, 1.0), (15.0, 3.0, 0.6)], long)
    assert fit_motif(shown, np.array([(0.0, 0.0)])) is None
    assert fit_motif(around(MOTIFS["one"]), np.zeros((0, 2))) is None


def test_beside_a_border_that_cuts_the_window_nothing_is_stated() -> None:
    shown = around(MOTIFS["one"])
    cut = replace(
        shown,
        radius=shown.radius - 4,
        mean=shown.mean[4:-4, 4:-4],
        others=shown.others[:, 4:-4, 4:-4],
    )
    assert fit_motif(shown, np.array([(0.0, 0.0)])) is not None
    assert fit_motif(cut, np.array([(0.0, 0.0)])) is None


def test_columns_that_are_no_gaussians_are_not_taken_for_many() -> None:
    """Discs with a sharp edge: no number of columns explains them to the noise."""
    shown = around(MOTIFS["one"])
    sharp = np.where(shown.mean > GROUND + 0.5 * HEIGHT, GROUND + HEIGHT, GROUND)
    changed = replace(shown, mean=sharp, others=shown.others - shown.mean + sharp)
    assert fit_motif(changed, np.array([(0.0, 0.0)])) is None


def test_columns_near_a_place_are_those_of_the_lattice() -> None:
    found = fit_motif(around(MOTIFS["two apart"]), np.array([(0.0, 0.0), (6.0, 6.0)]))
    assert found is not None
    near = columns_near(found, VECTORS, (12.7, -1.1), 10.0)
    assert sorted(near[:, 2]) == [0, 1, 1, 1] or sorted(near[:, 2]) == [0, 0, 0, 1]
    assert np.hypot(*(near[:, :2] - (12.7, -1.1)).T).max() <= 10.0
    for y, x, number in near:
        steps = (found.places[int(number)] - (y, x)) @ np.linalg.inv(VECTORS)
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
