"""Rotations between lattices, up to their symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lattice_images import base_vectors

from napari_stem_defects.lattice.misorientation import misorientation, orientations_deg

SHAPES = {"hexagonal": (1.0, 60.0, 60), "square": (1.0, 90.0, 90), "oblique": (1.3, 77.0, 180)}


@given(name=st.sampled_from(sorted(SHAPES)), start=st.floats(0, 180), turn=st.floats(0, 180))
def test_the_angle_is_the_smallest_equivalent_one(name: str, start: float, turn: float) -> None:
    ratio, angle, period = SHAPES[name]
    first, second = (base_vectors(9, ratio, angle, each) for each in (start, start + turn))
    found = misorientation(first, second)
    assert found is not None
    away = turn % period
    assert found.angle_deg == pytest.approx(min(away, period - away), abs=1e-6)
    assert found.strain < 1e-9
    assert not found.mirrored


def test_other_base_vectors_of_the_same_lattice_change_nothing() -> None:
    first = base_vectors(9, 1.2, 81, 4)
    other = np.array([[1, 1], [0, -1]]) @ base_vectors(9, 1.2, 81, 11)
    found = misorientation(first, other)
    assert found is not None
    assert found.angle_deg == pytest.approx(7)


def test_mirrored_and_different_lattices_are_told_apart() -> None:
    first = base_vectors(9, 1.3, 77, 15)
    mirrored = misorientation(first, first * [1, -1])
    assert mirrored is not None
    assert mirrored.mirrored
    assert mirrored.angle_deg == pytest.approx(30)
    assert misorientation(first, 1.1 * first) is None
    rectangle = base_vectors(9, 1.3, 90, 15)
    found = misorientation(rectangle, rectangle * [1, -1])
    assert found is not None
    assert not found.mirrored


@pytest.mark.parametrize("turn", [0.5, 31.0, 58.0, 89.0, 140.0, 179.0])
def test_the_orientation_is_modulo_the_symmetry(turn: float) -> None:
    for ratio, angle, period in SHAPES.values():
        # Angles of `base_vectors` run clockwise in the image, with y downwards.
        (found,) = orientations_deg(base_vectors(9, ratio, angle, -turn)[None])
        assert found == pytest.approx(turn % period, abs=1e-6)


def test_the_bisector_counts_where_both_vectors_are_equally_long() -> None:
    pair = base_vectors(9, 1, 72, -50)
    both = np.stack([pair, pair[::-1]])
    assert orientations_deg(both) == pytest.approx([14, 14])
