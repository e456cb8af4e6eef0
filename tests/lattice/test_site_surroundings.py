"""What the lattice repeats around a place, in the middle of an image and beside its border."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_stem_defects.lattice.site_surroundings import UNLIKE, Surroundings, surroundings_of
from napari_stem_defects.lattice.unit_cell import UnitCell

ANGLE = np.deg2rad(27.0)
"""No short vector of this lattice lies along a border."""
PERIOD = 12.0
VECTORS = PERIOD * np.array([[np.cos(ANGLE), np.sin(ANGLE)], [-np.sin(ANGLE), np.cos(ANGLE)]])
SHAPE = (150, 160)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)


def waves(stretch: float = 0.0) -> NDArray[np.float32]:
    """Return a periodic image; ``stretch`` is how much its periods change from left to right."""
    x = X + stretch * (X - 80) ** 2 / 2
    phases = 2 * np.pi * np.linalg.inv(VECTORS).T @ np.stack([Y, x]).reshape(2, -1)
    return (100 + 20 * np.cos(phases).sum(axis=0)).reshape(SHAPE).astype(np.float32)


def cell() -> UnitCell:
    down, along = (tuple(each) for each in VECTORS.tolist())
    first, second = (tuple(each) for each in np.linalg.inv(VECTORS).T.tolist())
    return UnitCell(
        (down, along), (first, second), (0.01, 0.01), 90.0, 0.1, 1.0, 0.001, "square", 1.0
    )


def around(image: NDArray[np.float32], place: tuple[float, float]) -> Surroundings:
    found = surroundings_of(image, cell(), place)
    assert found is not None
    return found


@pytest.mark.parametrize("place", [(75.0, 80.0), (75.0, 150.0), (11.0, 60.0), (12.0, 12.0)])
def test_the_mean_is_what_the_lattice_repeats(place: tuple[float, float]) -> None:
    found = around(waves(), place)
    assert np.abs(found.mean - found.window).max() < 0.1
    assert found.unlike < UNLIKE


@pytest.mark.parametrize("place", [(75.0, 80.0), (75.0, 149.0), (75.0, 10.0)])
def test_strain_cancels_to_first_order_on_both_sides_and_on_one(
    place: tuple[float, float],
) -> None:
    found = around(waves(stretch=2e-4), place)
    apart = found.mean - found.window
    one_sided = found.others.mean(axis=0) - found.window
    assert np.abs(apart).max() < 2.0
    assert np.abs(apart).mean() <= np.abs(one_sided).mean() + 1e-3


def test_the_mean_of_one_side_is_less_certain() -> None:
    inside, beside = (around(waves(), (75.0, x)) for x in (80.0, 150.0))
    assert inside.leverage == pytest.approx(1 / len(inside.others))
    assert beside.leverage > 1.5 / len(beside.others)


def test_its_standard_deviation_is_that_of_noise() -> None:
    """The variance of the mean is the leverage times that of a window."""
    generator = np.random.default_rng(3)
    errors = []
    for _ in range(12):
        noisy = waves() + generator.normal(0, 4, SHAPE).astype(np.float32)
        found = around(noisy.astype(np.float32), (75.0, 150.0))
        errors.append((found.mean - around(waves(), (75.0, 150.0)).mean).std())
    assert np.mean(errors) == pytest.approx(4 * np.sqrt(found.leverage), rel=0.35)


def test_other_surroundings_are_unlike() -> None:
    image = waves()
    part = image[60:91, 65:96]
    part[:] = 200 - part  # columns where there are none elsewhere
    assert around(image, (75.0, 80.0)).unlike > UNLIKE


def test_without_room_there_is_nothing() -> None:
    assert surroundings_of(waves(), cell(), (3.0, 80.0)) is None
    assert surroundings_of(waves()[:30, :30], cell(), (14.0, 14.0)) is None
