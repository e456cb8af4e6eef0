"""A crystal continued beyond its edge, as if it filled the image.

Averages of the background and of the contrast, and the windows of a prediction, would see the edge
from several periods inside, where vacancies and their neighbours are as anywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.sampling import nearest_places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.crystal_edge import CrystalEdge
    from napari_stem_defects.anomaly.sampling import Sampled

_INSIDE = 0.5
"""Distance in lattice periods from the edge up to which the crystal is replaced, too: columns there
are half covered, shifted and faint."""
_DEEPER = (0.75, 1.25, 1.75, 2.5, 3.5)
"""Distances in lattice periods within the crystal from which a pixel may come, tried in turn."""
_AS_FAR = 12.0
"""Distance in lattice periods up to which the crystal goes on: three standard deviations of the
average over which contrast is measured."""
_STRIP_ROWS = 512


def continued_crystal(
    pixels: NDArray[np.float32], sampled: Sampled, edge: CrystalEdge
) -> NDArray[np.float32]:
    """Replace what is beyond the edge of a crystal by what is a lattice vector further inside.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities.
    sampled : Sampled
        The same image.
    edge : CrystalEdge
        Its edge.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        A copy; the image itself if it has no crystal away from the edge.
    """
    inner = edge.depth() > _INSIDE * sampled.period
    if not inner.any():
        return pixels
    distance, nearest = ndimage.distance_transform_edt(~inner, return_indices=True)
    replaced = ~inner & (distance <= _AS_FAR * sampled.period)
    del distance
    rows, columns = nearest_places(pixels.shape, sampled.factor, inner.shape)
    continued = pixels.copy()
    for top in range(0, len(rows), _STRIP_ROWS):
        own = rows[top : top + _STRIP_ROWS]
        y, x = np.nonzero(replaced[np.ix_(own, columns)])
        beside = nearest[:, own[y], columns[x]]
        sources = sampled.to_image(beside.T.astype(float))
        places = np.column_stack([y + top, x]).astype(float)
        lattice = edge.lattice[tuple(beside)]
        for number, vectors in enumerate(sampled.lattices):
            same = lattice == number
            sources[same] = _within(places[same], sources[same], vectors, inner, sampled)
        continued[y + top, x] = ndimage.map_coordinates(pixels, sources.T, order=1, mode="nearest")
    return continued


def _within(
    places: NDArray[np.float64],
    nearest: NDArray[np.float64],
    vectors: NDArray[np.float64],
    inner: NDArray[np.bool_],
    sampled: Sampled,
) -> NDArray[np.float64]:
    """Return what is within a crystal some lattice vector away from places beyond its edge.

    All are (N, 2) in px, the vectors (2, 2) in samples. The nearest place within, where none is.
    """
    found, missing = nearest.copy(), np.ones(len(places), bool)
    towards = nearest - places
    length = np.maximum(np.hypot(*towards.T), 1e-9)[:, None]
    vectors = vectors / sampled.factor
    for deeper in _DEEPER:
        aim = towards * (1 + deeper * sampled.period_px / length)
        source = places + np.rint(aim @ np.linalg.inv(vectors)) @ vectors
        at = np.rint(sampled.to_samples(source)).astype(int)
        usable = missing & ((at >= 0) & (at < inner.shape)).all(axis=1)
        usable[usable] = inner[tuple(at[usable].T)]
        found[usable] = source[usable]
        missing &= ~usable
    return found
