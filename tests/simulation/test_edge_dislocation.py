from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.simulation.edge_dislocation import edge_displacement

BURGERS = np.array([0.0, 3.0])
GLIDE = np.array([0.0, 1.0])


def test_the_displacement_jumps_by_the_burgers_vector_across_the_cut() -> None:
    x = -np.linspace(2, 100, 20)
    above = edge_displacement(np.stack([np.full(20, 1e-9), x], axis=1), BURGERS, GLIDE)
    below = edge_displacement(np.stack([np.full(20, -1e-9), x], axis=1), BURGERS, GLIDE)
    assert np.abs(above - below) == pytest.approx(np.tile(np.abs(BURGERS), (20, 1)), abs=1e-6)


def test_the_displacement_is_continuous_elsewhere() -> None:
    angle = np.linspace(-np.pi + 0.01, np.pi - 0.01, 2000)
    ring = 20 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    field = edge_displacement(ring, BURGERS, GLIDE)
    assert np.abs(np.diff(field, axis=0)).max() < 0.01


def test_strain_falls_with_the_distance() -> None:
    def strain(radius: float) -> float:
        ends = np.array([[0.0, radius], [0.0, radius + 0.1]])
        moved = edge_displacement(ends, BURGERS, GLIDE)
        return float(np.abs(moved[1] - moved[0]).max() / 0.1)

    assert strain(10) == pytest.approx(2 * strain(20), rel=0.05)


def test_the_core_itself_gives_finite_numbers() -> None:
    assert np.isfinite(edge_displacement(np.zeros((1, 2)), BURGERS, GLIDE)).all()
