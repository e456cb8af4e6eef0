"""Directions of the dense rows of a lattice, along which planar defects run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.lattice.reciprocal_basis import reduce_basis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

# The shortest lattice vectors: both of the reduced basis, their sum and their difference.
_ROWS = np.array([[1, 0], [0, 1], [1, 1], [1, -1]], np.float64)


def dense_rows(vectors: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the directions of the dense rows of some lattices.

    Parameters
    ----------
    vectors : iterable of ndarray of float64, shape (2, 2)
        Base vectors (y, x) of each lattice, as rows.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Unit vectors (y, x), four per lattice.
    """
    rows = [_ROWS @ reduce_basis(np.asarray(each, np.float64)) for each in vectors]
    found = np.concatenate([np.zeros((0, 2)), *rows])
    unit: NDArray[np.float64] = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def dense_rows_of(lattice: Mapping[str, Any] | None) -> NDArray[np.float64]:
    """Return the directions of the dense rows of a lattice measurement as stored in results.

    Parameters
    ----------
    lattice : mapping or None
        As `LatticeMeasurement.to_json` returns it; None or without vectors for no lattice.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Unit vectors (y, x); none without a lattice.
    """
    known = [] if lattice is None else [lattice, *lattice.get("others", ())]
    return dense_rows(np.array(each["vectors_px"]) for each in known if "vectors_px" in each)
