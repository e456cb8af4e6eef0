"""Unit cells follow from reciprocal vectors, with uncertainty and symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lattice_images import base_vectors

from napari_stem_defects.lattice.unit_cell import unit_cell

EXACT = np.zeros((2, 2))


@pytest.mark.parametrize(
    ("ratio", "angle", "symmetry"),
    [
        (1.0, 90.0, "square"),
        (1.0, 60.0, "hexagonal"),
        (1.0, 70.5, "centred rectangular"),
        (1.4, 90.0, "rectangular"),
        (1.3, 67.4, "centred rectangular"),
        (1.3, 80.0, "oblique"),
    ],
)
def test_symmetries(ratio: float, angle: float, symmetry: str) -> None:
    real = base_vectors(10, ratio, angle, 33)
    cell = unit_cell(np.linalg.inv(real).T, EXACT, 1.0)
    assert cell.symmetry == symmetry
    assert (cell.ratio, cell.angle_deg) == pytest.approx((ratio, angle), rel=1e-3)


@given(
    rotation=st.floats(0, 360),
    turns=st.sampled_from(
        [((1, 0), (0, 1)), ((1, 2), (0, 1)), ((2, 3), (1, 2)), ((0, -1), (1, 0))]
    ),
)
def test_the_cell_does_not_depend_on_the_basis_given(
    rotation: float, turns: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    reciprocal = np.linalg.inv(base_vectors(12, 1.2, 77, rotation)).T
    cell = unit_cell(np.array(turns) @ reciprocal, EXACT, 1.0)
    assert cell.lengths_px == pytest.approx((12, 14.4))
    assert cell.angle_deg == pytest.approx(77)
    products = np.array(cell.vectors_px) @ np.array(cell.reciprocal).T
    assert products == pytest.approx(np.eye(2), abs=1e-9)


def test_uncertainty_of_a_square_lattice() -> None:
    """Of a vector of 0.1 cycles per px, 1e-4 is 0.1 %: of 10 px and, as an angle, of 1 rad."""
    cell = unit_cell(np.eye(2) * 0.1, np.eye(2) * 1e-8, 1.0)
    assert cell.uncertainty_px == pytest.approx((0.01, 0.01), rel=1e-3)
    assert cell.angle_uncertainty_deg == pytest.approx(np.degrees(np.sqrt(2) * 1e-3), rel=1e-3)
    assert cell.ratio_uncertainty == pytest.approx(np.sqrt(2) * 1e-3, rel=1e-3)


def test_the_first_reflections_give_the_spacing() -> None:
    cell = unit_cell(np.linalg.inv(base_vectors(10, 1, 60, 5)).T, EXACT, 1.0)
    assert cell.spacing_px == pytest.approx(10 * np.sin(np.radians(60)))
