"""Areas and outlines of grains, finer than the tiles in which the lattice is measured.

The amplitude of a tile in the reflections of a grain falls linearly, as the tile leaves it, to half
its value where the centre of the tile is on the boundary. So the boundary is where two grains are
equally strong, or one is half as strong as inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_stem_defects.lattice.local_spectra import template
from napari_stem_defects.lattice.orientation_match import reflections_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.lattice.grains import Outline
    from napari_stem_defects.lattice.local_spectra import LocalSpectra

Array = NDArray[np.float64]

_CELLS_PER_TILE = 5
"""Cells of the area of a grain along the edge of a tile."""
_LEAST = 0.4
"""Least amplitude of a grain, as a fraction of its median; less than half keeps what is dimmer."""
_LEAST_WHOLE = 0.9
"""Least amplitude inside a grain, as a fraction of that in the largest."""
_REACH_TILES = 2
_SMALLEST_HOLE = 1.0
"""Area in tiles of the smallest hole; smaller ones are places of defects and are filled."""
_TOLERANCE_CELLS = 0.7


def grain_areas(
    spectra: LocalSpectra,
    score: Array,
    members: Sequence[NDArray[np.bool_]],
    bases: Sequence[Array],
    shape: tuple[int, int],
) -> list[NDArray[np.bool_]]:
    """Return the area of each grain as a mask on a grid that covers the image evenly.

    Parameters
    ----------
    spectra : LocalSpectra
    score : ndarray of float64, shape (tiles_y, tiles_x)
        Correlation of each tile with its lattice, 0 where pixels have no value.
    members : sequence of ndarray of bool, shape (tiles_y, tiles_x)
        The tiles of each grain.
    bases : sequence of ndarray of float64, shape (2, 2)
        Reciprocal basis of each grain.
    shape : (int, int)
        Rows and columns of the image.

    Returns
    -------
    list of ndarray of bool, shape (rows, columns)
        One per grain; they do not overlap.
    """
    if not members:
        return []
    cell = spectra.edge / _CELLS_PER_TILE
    cells = (max(1, round(shape[0] / cell)), max(1, round(shape[1] / cell)))
    amplitudes = [_amplitude(spectra, basis) * (score > 0) for basis in bases]
    inside = [
        np.quantile(each[tiles], 0.75) for each, tiles in zip(amplitudes, members, strict=True)
    ]
    strength = []
    for amplitude, tiles, own in zip(amplitudes, members, inside, strict=True):
        near = ndimage.binary_dilation(tiles, np.ones((3, 3)), iterations=_REACH_TILES)
        # No tile of a small grain is all inside; the first grain is the largest.
        whole = max(own, _LEAST_WHOLE * inside[0], 1e-12)
        strength.append(_on_cells(spectra, np.where(near, amplitude / whole, 0), shape, cells))
    stacked = np.array(strength)
    owner = np.where(stacked.max(axis=0) >= _LEAST, stacked.argmax(axis=0), -1)
    smallest = _SMALLEST_HOLE * _CELLS_PER_TILE**2
    return [_connected(owner == n, smallest) for n in range(len(members))]


def _amplitude(spectra: LocalSpectra, basis: Array) -> Array:
    """Return the amplitude of each tile in the reflections of a lattice."""
    reflections = reflections_of(spectra, basis)
    expected = template(spectra, reflections.orders @ basis, reflections.weights)
    projected = (spectra.flat @ expected).reshape(spectra.grid) * spectra.mean
    return np.asarray(np.maximum(projected, 0), np.float64)


def _on_cells(
    spectra: LocalSpectra, values: Array, shape: tuple[int, int], cells: tuple[int, int]
) -> Array:
    """Interpolate values of tiles linearly; beyond the outermost centres they stay the same."""
    index = []
    for axis, centres in enumerate((spectra.centre_y, spectra.centre_x)):
        place = (np.arange(cells[axis]) + 0.5) * shape[axis] / cells[axis] - 0.5
        index.append(np.interp(place, centres, np.arange(len(centres))))
    grid = np.meshgrid(*index, indexing="ij")
    return np.asarray(ndimage.map_coordinates(values, grid, order=1, mode="nearest"))


def _connected(mask: NDArray[np.bool_], smallest_hole: float) -> NDArray[np.bool_]:
    """Return the largest connected part of a mask, its small holes filled."""
    labels, count = ndimage.label(mask)
    if count > 1:
        mask = labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())
    holes, count = ndimage.label(~mask)
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    border = np.unique(np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]]))
    fill = sizes < smallest_hole
    fill[border] = False
    return np.asarray(mask | fill[holes])


def touching(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    """Return whether two areas are at most one cell apart.

    Parameters
    ----------
    first, second : ndarray of bool, shape (rows, columns)

    Returns
    -------
    bool
    """
    wider = ndimage.binary_dilation(first, np.ones((3, 3)), iterations=2)
    return bool((wider & second).any())


def draw_outlines(
    area: NDArray[np.bool_], shape: tuple[float, float]
) -> tuple[Outline, tuple[Outline, ...]]:
    """Return the outline of an area and those of its holes.

    Parameters
    ----------
    area : ndarray of bool, shape (rows, columns)
        Connected; its cells cover the image evenly.
    shape : (float, float)
        Height and width of the image in px.

    Returns
    -------
    outline : tuple of (float, float)
        Closed polygon (y, x) in px, pixel centres at integers.
    holes : tuple of tuple of (float, float)
    """
    if area.all():
        height, width = shape[0] - 0.5, shape[1] - 0.5
        corners = ((-0.5, -0.5), (-0.5, width), (height, width), (height, -0.5), (-0.5, -0.5))
        return corners, ()
    from skimage.measure import approximate_polygon, find_contours

    size = np.array(shape) / area.shape
    rings = []
    # Smoothing rounds the steps of the cells; padding with the edge keeps the border of the image.
    smooth = ndimage.gaussian_filter(np.pad(area.astype(float), 3, mode="edge"), 0.8)
    padded = np.pad(smooth[2:-2, 2:-2], 1)
    for ring in find_contours(padded, 0.5):
        corners = approximate_polygon(ring, _TOLERANCE_CELLS)
        if len(corners) < 4:
            continue
        place = np.clip((corners - 2 + 0.5) * size, 0, shape) - 0.5
        rings.append(place.round(2))
    rings.sort(key=lambda ring: -_enclosed(ring))
    outlines = [tuple((float(y), float(x)) for y, x in ring) for ring in rings]
    return outlines[0], tuple(outlines[1:])


def _enclosed(ring: Array) -> float:
    """Return the area of a closed polygon (shoelace formula)."""
    y, x = ring.T
    return 0.5 * abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1]))
