"""Which orientation of which unit cell each tile of an image shows.

The spectrum of a tile is compared with templates: the reflections of the unit cells of the image in
all orientations, mirrored ones included. This is the template matching of orientation maps
(Rauch and Dupuy, Archives of Metallurgy and Materials 50, 2005) on local spectra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.lattice.local_spectra import (
    HIGHEST,
    LocalSpectra,
    amplitudes_at,
    refined_bases,
    template,
)
from napari_stem_defects.lattice.reciprocal_basis import same_lattice

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]

_STEP_DEG = 3.0
_MAX_ORDER = 3
_BEST_TILES = 0.25
"""Share of the tiles that show a cell best, from which the amplitudes of its reflections are."""


class TileLattices(NamedTuple):
    """The lattice of each tile.

    Attributes
    ----------
    reciprocal : ndarray of float64, shape (tiles, 2, 2)
        Reciprocal base vectors (y, x) in cycles per px.
    score : ndarray of float64, shape (tiles,)
        Correlation coefficient of the spectrum with that of the lattice, up to 1.
    cell : ndarray of int, shape (tiles,)
        Number of the unit cell.
    """

    reciprocal: Array
    score: Array
    cell: NDArray[np.intp]


class Reflections(NamedTuple):
    """Reflections of a unit cell: orders (N, 2), and amplitudes (N,)."""

    basis: Array
    orders: Array
    weights: Array


def match_tiles(spectra: LocalSpectra, bases: Sequence[Array]) -> TileLattices:
    """Find the lattice of each tile.

    Parameters
    ----------
    spectra : LocalSpectra
    bases : sequence of ndarray of float64, shape (2, 2)
        Reciprocal basis of each unit cell of the image, as rows (y, x) in cycles per px.

    Returns
    -------
    TileLattices
        With scores of 0 where the tiles are too small to show a lattice.
    """
    cells = [cell for basis in bases if len((cell := reflections_of(spectra, basis)).orders) > 1]
    if not cells:
        count = len(spectra.flat)
        first = np.tile(np.asarray(bases[0]), (count, 1, 1))
        return TileLattices(first, np.zeros(count), np.zeros(count, np.intp))
    candidates, templates, owners = [], [], []
    for number, cell in enumerate(cells):
        for basis in _orientations(cell.basis):
            candidates.append(basis)
            templates.append(template(spectra, cell.orders @ basis, cell.weights))
            owners.append(number)
    flat = spectra.flat
    shifted = flat - flat.mean(axis=1, keepdims=True)
    shifted /= np.maximum(np.linalg.norm(shifted, axis=1, keepdims=True), 1e-12)
    scores = shifted @ np.array(templates).T
    best = scores.argmax(axis=1)
    reciprocal = np.array(candidates)[best]
    owner = np.array(owners, np.intp)[best]
    for number, cell in enumerate(cells):
        tiles = np.flatnonzero(owner == number)
        if len(tiles):
            reciprocal[tiles] = refined_bases(spectra, tiles, reciprocal[tiles], cell.orders)
    return TileLattices(reciprocal, scores.max(axis=1).astype(np.float64), owner)


def reflections_of(spectra: LocalSpectra, basis: Array) -> Reflections:
    """Return the reflections of a unit cell, with their amplitudes where it is shown best.

    Parameters
    ----------
    spectra : LocalSpectra
    basis : ndarray of float64, shape (2, 2)
        Reciprocal basis of a lattice of the image, as rows (y, x) in cycles per px.

    Returns
    -------
    Reflections
    """
    size = range(-_MAX_ORDER, _MAX_ORDER + 1)
    orders = np.array([(h, k) for h in size for k in size if (h, k) > (0, 0)], np.float64)
    orders = orders[np.hypot(*(orders @ basis).T) < HIGHEST - 2 * spectra.bin_size]
    if not len(orders):
        return Reflections(basis, orders, np.zeros(0))
    found = amplitudes_at(spectra, orders @ basis).astype(np.float64)
    total = np.sqrt(found).sum(axis=1)
    shown = found[total >= np.quantile(total, 1 - _BEST_TILES)]
    weights = np.maximum(shown.mean(axis=0) - 1, 0)
    keep = weights > 0.03 * max(float(weights.max()), 1e-12)
    return Reflections(basis, orders[keep], weights[keep])


def _orientations(basis: Array) -> list[Array]:
    """Return a basis in all orientations, the given one first, and mirrored if that differs."""
    found: list[Array] = []
    for start in (basis, basis * [1, -1]):
        for degrees in np.arange(0, 180, _STEP_DEG):
            angle = np.radians(degrees)
            cosine, sine = np.cos(angle), np.sin(angle)
            turned = start @ np.array([[cosine, sine], [-sine, cosine]])
            if start is not basis and degrees == 0 and _is_rotation_of(turned, found):
                return found
            found.append(turned)
    return found


def _is_rotation_of(basis: Array, known: Sequence[Array]) -> bool:
    """Return whether a lattice is one of those known, to half a step of the orientation."""
    return any(same_lattice(each, basis, np.radians(0.6 * _STEP_DEG)) for each in known)
