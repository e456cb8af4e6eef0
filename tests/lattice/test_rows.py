"""Directions of dense lattice rows."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.lattice.rows import dense_rows, dense_rows_of


def test_rows_are_those_of_the_reduced_basis() -> None:
    rows = dense_rows([np.array([[0.0, 10.0], [10.0, 30.0]])])
    directions = sorted(np.degrees(np.arctan2(rows[:, 0], rows[:, 1])).round(6) % 180)
    assert directions == [0, 45, 90, 135]


def test_rows_of_stored_lattices_include_the_further_ones() -> None:
    stored = {"vectors_px": [[0, 10], [8, 3]], "others": [{"vectors_px": [[0, 9], [9, 0]]}]}
    assert dense_rows_of(stored).shape == (8, 2)
    assert dense_rows_of({"kind": "none"}).shape == (0, 2)
    assert dense_rows_of(None).shape == (0, 2)
